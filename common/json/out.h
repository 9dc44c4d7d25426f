/* JSON written member by member; commas come by themselves. A name of NULL writes an item of an array.
 * Text must be UTF-8. */
#ifndef JSON_OUT_H
#define JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"
#include "base/text.h"

#define OUT_ABSENT INT64_MIN             /* a number or time that is left out; the same as EVENT_ABSENT */

void out_open(struct text *out, const char *name, char bracket);           /* '{' or '[' */
void out_close(struct text *out, char bracket);                            /* '}' or ']' */
void out_text(struct text *out, const char *name, const char *value);      /* NULL: left out */
void out_number(struct text *out, const char *name, int64_t value);        /* OUT_ABSENT: left out */
void out_bool(struct text *out, const char *name, bool value);
void out_raw(struct text *out, const char *name, const char *json);        /* NULL: left out */
void out_time(struct text *out, const char *name, int64_t wall_ms);        /* OUT_ABSENT: left out */
void out_balance(struct text *out, const char *name, const struct balance *balance);

#endif
