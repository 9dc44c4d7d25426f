/* UTF-8, by the table of well-formed sequences in Unicode's chapter 3. */
#ifndef PROTO_UTF8_H
#define PROTO_UTF8_H

#include <stddef.h>

/* How many bytes the character at text has, 1 to 4; 0: not UTF-8. text ends in NUL, which is no continuation
 * byte, so nothing behind it is read. */
size_t utf8_length(const char *text);
/* How many characters text has, which must be UTF-8 (what jansson has parsed is). */
size_t utf8_characters(const char *text);

#endif
