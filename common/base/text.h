/* A growing byte buffer, reused rather than freed; always NUL-terminated when bytes is not NULL.
 * Zero-initialise it. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text { char *bytes; size_t length, capacity; };

/* Copies a string and its NUL into room for size bytes. That it fits is the caller's to know: must() fails. */
void text_copy(char *to, size_t size, const char *from);

void text_clear(struct text *text);                   /* length 0, memory kept */
void text_free(struct text *text);
void text_reserve(struct text *text, size_t more);    /* room for more bytes and the NUL */
void text_add(struct text *text, const char *bytes, size_t length);
void text_add_string(struct text *text, const char *string);
void text_add_char(struct text *text, char c);
void text_add_i64(struct text *text, int64_t value);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As a JSON string with its quotes; control characters, quote and backslash escaped, UTF-8 passed through as
 * it is. */
void text_add_json(struct text *text, const char *bytes, size_t length);

#endif
