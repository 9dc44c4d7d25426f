#include "proto/prose.h"

#include <stdbool.h>
#include <string.h>

/* How many bytes the character at text has, by the table of well-formed sequences in Unicode's chapter 3; 0: not UTF-8. The
 * NUL at the end is no continuation byte, so nothing behind it is read. */
static size_t utf8_length(const unsigned char *text)
{
    static const struct { unsigned char first, last, second_least, second_most; size_t length; } rows[] = {
        { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (text[0] < rows[i].first || text[0] > rows[i].last)
            continue;
        if (rows[i].length > 1 && (text[1] < rows[i].second_least || text[1] > rows[i].second_most))
            return 0;
        for (size_t k = 2; k < rows[i].length; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].length;
    }
    return 0;
}

static bool refused_control(unsigned char c)
{
    return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

void prose_add_json(struct text *out, const char *words, size_t most_characters)
{
    struct text clean = { 0 };
    const unsigned char *at = (const unsigned char *)words;
    for (size_t count = 0; *at != '\0' && count < most_characters; count++) {
        size_t length = utf8_length(at);
        if (length == 0)
            text_add_char(&clean, '?');
        else if (refused_control(*at))
            text_add_char(&clean, ' ');
        else
            text_add(&clean, (const char *)at, length);
        at += length > 0 ? length : 1;
    }
    text_add_json(out, clean.bytes ? clean.bytes : "", clean.length);
    text_free(&clean);
}
