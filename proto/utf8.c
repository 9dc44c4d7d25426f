#include "proto/utf8.h"

static const struct {
    unsigned char first, last, second_least, second_most;
    size_t length;
} SEQUENCES[] = {
    { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t utf8_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof SEQUENCES / sizeof SEQUENCES[0]; i++) {
        if (at[0] < SEQUENCES[i].first || at[0] > SEQUENCES[i].last)
            continue;
        if (at[1] < SEQUENCES[i].second_least || at[1] > SEQUENCES[i].second_most)
            return 0;
        for (size_t k = 2; k < SEQUENCES[i].length; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return SEQUENCES[i].length;
    }
    return 0;
}

size_t utf8_characters(const char *text)
{
    size_t count = 0;
    for (size_t length; *text != '\0' && (length = utf8_length(text)) > 0; text += length)
        count++;
    return count;
}
