/* What was charged and given back, by day and model, beside the balance: the two always agree. */
#ifndef SANDBOX_USAGE_H
#define SANDBOX_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DATE_BYTES = 11 };                /* "2026-11-23" and its NUL */

struct usage_row { char date[DATE_BYTES]; const char *model; int64_t credits; };      /* negative: refunds */
struct usage { struct usage_row *rows; size_t count, capacity; };

/* model must live on */
void usage_add(struct usage *usage, int64_t at_ms, const char *model, int64_t credits);
void usage_free(struct usage *usage);
void usage_date(int64_t at_ms, char out[DATE_BYTES]);
/* YYYY-MM-DD to the start of that day, UTC; false when it is no date. */
bool usage_date_parse(const char *text, int64_t *at_ms);

#endif
