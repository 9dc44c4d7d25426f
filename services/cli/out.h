/* JSON written member by member; commas come by themselves. A name of NULL writes an item of an array. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>

#include "base/money.h"
#include "base/text.h"

void out_open(struct text *out, const char *name, char bracket);           /* '{' or '[' */
void out_close(struct text *out, char bracket);                            /* '}' or ']' */
void out_text(struct text *out, const char *name, const char *value);      /* NULL: left out */
void out_number(struct text *out, const char *name, int64_t value);        /* EVENT_ABSENT: left out */
void out_bool(struct text *out, const char *name, bool value);
void out_raw(struct text *out, const char *name, const char *json);        /* NULL: left out */
void out_time(struct text *out, const char *name, int64_t wall_ms);        /* EVENT_ABSENT: left out */
void out_balance(struct text *out, const char *name, const struct balance *balance);
/* the line on stdout; clears out */
void out_print(struct text *out);

/* May this stream be coloured: a terminal, no NO_COLOR, not a dumb one. */
bool out_colored(int fd);

#endif
