#include "proto/prose.h"

#include <stdbool.h>
#include "proto/utf8.h"

static bool refused_control(unsigned char c)
{
    return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

void prose_add_json(struct text *out, const char *words, size_t most_characters)
{
    struct text clean = { 0 };
    const char *at = words;
    for (size_t count = 0; *at != '\0' && count < most_characters; count++) {
        size_t length = utf8_length(at);
        if (length == 0)
            text_add_char(&clean, '?');
        else if (refused_control((unsigned char)*at))
            text_add_char(&clean, ' ');
        else
            text_add(&clean, at, length);
        at += length > 0 ? length : 1;
    }
    text_add_json(out, clean.bytes ? clean.bytes : "", clean.length);
    text_free(&clean);
}
