#include "gateway/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

const char *const USAGE_NAMES[USAGE_COUNT] = {
#define USAGE_NAME(name, wire) [USAGE_##name] = wire,
    USAGE_COUNTS(USAGE_NAME)
#undef USAGE_NAME
};

enum { PER_HOUR_MAX = 200 };             /* models and failure codes come from outside: the rest is one row */

static void hour_clear(struct usage_hour *slot)
{
    free(slot->rows);
    free(slot->reasons);
    *slot = (struct usage_hour){ 0 };
}

/* NULL: too old. */
static struct usage_hour *hour_of(struct usage *usage, int64_t at_ms)
{
    int64_t hour = at_ms / HOUR_MS;
    struct usage_hour *slot = &usage->hours[hour % USAGE_HOURS_MAX];
    if (slot->hour > hour)
        return NULL;
    if (slot->hour < hour) {
        hour_clear(slot);
        slot->hour = hour;
    }
    return slot;
}

/* The row of these keys in a list, made when it is not there. Lists grow one by one up to a power of two. */
static struct usage_row *row_in(struct usage_row **rows, size_t *count, int64_t hour, const char *model)
{
    for (size_t i = 0; i < *count; i++)
        if ((*rows)[i].hour == hour && strcmp((*rows)[i].model, model) == 0)
            return &(*rows)[i];
    if ((*count & (*count - 1)) == 0)
        *rows = xrealloc(*rows, (*count ? *count * 2 : 1) * sizeof **rows);
    struct usage_row *row = &(*rows)[(*count)++];
    *row = (struct usage_row){ .hour = hour };
    snprintf(row->model, sizeof row->model, "%s", model);
    return row;
}

static void add_reason(struct usage_reason **rows, size_t *count, const struct usage_reason *reason)
{
    for (size_t i = 0; i < *count; i++) {
        struct usage_reason *row = &(*rows)[i];
        if (row->status == reason->status && strcmp(row->code, reason->code) == 0
            && strcmp(row->failure_code, reason->failure_code) == 0) {
            row->count += reason->count;
            return;
        }
    }
    if ((*count & (*count - 1)) == 0)
        *rows = xrealloc(*rows, (*count ? *count * 2 : 1) * sizeof **rows);
    (*rows)[(*count)++] = *reason;
}

void usage_add(struct usage *usage, int64_t at_ms, const char *model, enum usage_count count, int64_t amount)
{
    struct usage_hour *slot = hour_of(usage, at_ms);
    if (slot)
        row_in(&slot->rows, &slot->row_count, slot->hour,
               !model ? "" : slot->row_count < PER_HOUR_MAX ? model : "(others)")->counts[count] += amount;
}

void usage_reason(struct usage *usage, int64_t at_ms, const char *status, const char *code,
                  const char *failure_code)
{
    struct usage_hour *slot = hour_of(usage, at_ms);
    if (!slot)
        return;
    struct usage_reason reason = { .hour = slot->hour, .status = status, .count = 1 };
    bool room = slot->reason_count < PER_HOUR_MAX;
    snprintf(reason.code, sizeof reason.code, "%s", code ? code : "");
    snprintf(reason.failure_code, sizeof reason.failure_code, "%s", !failure_code ? "" : room ? failure_code
             : "(others)");
    add_reason(&slot->reasons, &slot->reason_count, &reason);
}

void usage_free(struct usage *usage)
{
    for (int h = 0; h < USAGE_HOURS_MAX; h++)
        hour_clear(&usage->hours[h]);
}

/* ---- sums */

static int by_time(const void *a, const void *b)
{
    const struct usage_row *left = a, *right = b;
    if (left->hour != right->hour)
        return left->hour < right->hour ? -1 : 1;
    return strcmp(left->model, right->model);
}

struct usage_row *usage_sum(const struct usage *usage, int64_t from_ms, int hours_a_row, const char *model,
                            size_t *count)
{
    struct usage_row *sums = NULL;
    *count = 0;
    for (int h = 0; h < USAGE_HOURS_MAX; h++) {
        const struct usage_hour *slot = &usage->hours[h];
        for (size_t i = 0; slot->hour >= from_ms / HOUR_MS && i < slot->row_count; i++) {
            const struct usage_row *row = &slot->rows[i];
            if (model && strcmp(model, row->model) != 0)
                continue;
            struct usage_row *sum = row_in(&sums, count, row->hour / hours_a_row * hours_a_row, row->model);
            for (int c = 0; c < USAGE_COUNT; c++)
                sum->counts[c] += row->counts[c];
        }
    }
    if (*count > 0)
        qsort(sums, *count, sizeof *sums, by_time);
    return sums;
}

static int by_count(const void *a, const void *b)
{
    const struct usage_reason *left = a, *right = b;
    return left->count == right->count ? 0 : left->count < right->count ? 1 : -1;
}

struct usage_reason *usage_reasons_sum(const struct usage *usage, int64_t from_ms, size_t *count)
{
    struct usage_reason *sums = NULL;
    *count = 0;
    for (int h = 0; h < USAGE_HOURS_MAX; h++)
        for (size_t i = 0; usage->hours[h].hour >= from_ms / HOUR_MS && i < usage->hours[h].reason_count; i++)
            add_reason(&sums, count, &usage->hours[h].reasons[i]);
    if (*count > 0)
        qsort(sums, *count, sizeof *sums, by_count);
    return sums;
}
