#include "sandbox/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

void usage_date(int64_t at_ms, char out[DATE_BYTES])
{
    char full[RFC3339_BYTES];
    clock_format(at_ms, full);
    memcpy(out, full, DATE_BYTES - 1);
    out[DATE_BYTES - 1] = '\0';
}

bool usage_date_parse(const char *text, int64_t *at_ms)
{
    char full[40];
    if (strlen(text) != DATE_BYTES - 1) return false;
    snprintf(full, sizeof full, "%sT00:00:00Z", text);
    return clock_parse(full, at_ms);
}

/* Newest rows last: nearly always the row that is looked for is among the last few. */
static struct usage_row *row_of(struct usage *usage, const char *date, const char *model)
{
    for (size_t i = usage->count; i > 0; i--) {
        struct usage_row *row = &usage->rows[i - 1];
        if (strcmp(row->date, date) == 0 && strcmp(row->model, model) == 0) return row;
    }
    if (usage->count == usage->capacity) {
        usage->capacity = usage->capacity ? 2 * usage->capacity : 16;
        usage->rows = xrealloc(usage->rows, usage->capacity * sizeof *usage->rows);
    }
    struct usage_row *row = &usage->rows[usage->count++];
    *row = (struct usage_row){ .model = model };
    memcpy(row->date, date, DATE_BYTES);
    return row;
}

void usage_add(struct usage *usage, int64_t at_ms, const char *model, int64_t credits)
{
    char date[DATE_BYTES];
    usage_date(at_ms, date);
    row_of(usage, date, model)->credits += credits;
}

void usage_free(struct usage *usage)
{
    free(usage->rows);
    *usage = (struct usage){ 0 };
}
