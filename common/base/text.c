#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

enum { TEXT_FIRST_BYTES = 256 };

void text_copy(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    must(length < size);
    memcpy(to, from, length + 1);
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->bytes)
        text->bytes[0] = '\0';
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

void text_reserve(struct text *text, size_t more)
{
    must(more < SIZE_MAX / 4 && text->length < SIZE_MAX / 4);
    size_t needed = text->length + more + 1;
    if (needed <= text->capacity)
        return;
    size_t capacity = text->capacity > 0 ? text->capacity : TEXT_FIRST_BYTES;
    while (capacity < needed)
        capacity *= 2;
    text->bytes = xrealloc(text->bytes, capacity);
    text->capacity = capacity;
    text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *bytes, size_t length)
{
    text_reserve(text, length);
    if (length > 0)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
    text_add(text, &c, 1);
}

void text_add_i64(struct text *text, int64_t value)
{
    char digits[24];
    char *first = digits + sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--first = '-';
    text_add(text, first, (size_t)(digits + sizeof digits - first));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    must(length >= 0);
    text_reserve(text, (size_t)length);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
    va_end(again);
    text->length += (size_t)length;
}

static bool json_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static char *json_escape(char *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[32] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
    *out++ = '\\';
    if (c == '"' || c == '\\') {
        *out++ = (char)c;
    } else if (letters[c] != '\0') {
        *out++ = letters[c];
    } else {
        memcpy(out, "u00", 3);
        out[3] = hex[c >> 4];
        out[4] = hex[c & 15];
        out += 5;
    }
    return out;
}

void text_add_json(struct text *text, const char *bytes, size_t length)
{
    must(length < SIZE_MAX / 32);
    /* the worst case, so that the loop below never looks at the room left */
    text_reserve(text, 6 * length + 2);
    char *out = text->bytes + text->length;
    *out++ = '"';
    size_t from = 0;
    for (size_t i = 0; i < length; i++) {
        if (json_plain((unsigned char)bytes[i]))
            continue;
        memcpy(out, bytes + from, i - from);
        out = json_escape(out + (i - from), (unsigned char)bytes[i]);
        from = i + 1;
    }
    if (length > from)
        memcpy(out, bytes + from, length - from);
    out += length - from;
    *out++ = '"';
    *out = '\0';
    text->length = (size_t)(out - text->bytes);
}
