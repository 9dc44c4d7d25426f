/* The operator's numbers: usage by hour, day and model; the funnel; open holds by age. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/lists.h"
#include "gateway/routes.h"

#include "base/clock.h"
#include "base/xalloc.h"

enum { DAY_HOURS = 24 };

struct span { int64_t from_ms, to_ms, complete_from_ms; };     /* OUT_ABSENT: all of it is complete */

/* Whole rows: the oldest hour or day is in it from its beginning. */
static bool read_span(struct request *request, int hours_a_row, struct span *span)
{
    int64_t hours = 24, row_ms = (int64_t)hours_a_row * HOUR_MS;
    if (!request_number(request, "hours", 1, USAGE_HOURS_MAX, &hours))
        return false;
    span->to_ms = clock_wall_ms();
    span->from_ms = (span->to_ms - hours * HOUR_MS) / row_ms * row_ms;
    return true;
}

static void write_span(struct text *out, const struct span *span)
{
    out_time(out, "from", span->from_ms);
    out_time(out, "to", span->to_ms);
    out_time(out, "completeFrom", span->complete_from_ms);
}

/* With the view's lock held. */
static void look_since(const struct view *view, struct span *span)
{
    int64_t since_ms = view_since(view);
    span->complete_from_ms = since_ms > span->from_ms ? since_ms : OUT_ABSENT;
}

/* ---- usage */

static void write_counts(struct text *out, const int64_t counts[USAGE_COUNT], bool totals)
{
    for (int c = 0; c < USAGE_COUNT; c++)
        if (totals || c != USAGE_GRANTED_TOKENS)
            out_number(out, USAGE_NAMES[c], counts[c]);
}

/* grants have no model: they are in the totals only */
static bool is_of_models(const struct usage_row *row)
{
    for (int c = 0; c < USAGE_GRANTED_TOKENS; c++)
        if (row->counts[c] != 0)
            return true;
    return false;
}

static void write_models(struct text *out, const struct usage_row *rows, size_t count)
{
    out_open(out, "models", '[');
    for (size_t i = 0; i < count; i++) {
        bool known = !is_of_models(&rows[i]);
        for (size_t j = 0; j < i && !known; j++)
            known = strcmp(rows[i].model, rows[j].model) == 0 && is_of_models(&rows[j]);
        if (!known)
            out_text(out, NULL, rows[i].model);
    }
    out_close(out, ']');
}

static void json_usage(struct text *out, const struct usage_row *rows, size_t count, const struct span *span,
                       const char *by)
{
    int64_t totals[USAGE_COUNT] = { 0 };
    out_open(out, NULL, '{');
    out_text(out, "by", by);
    write_span(out, span);
    write_models(out, rows, count);
    out_open(out, "rows", '[');
    for (size_t i = 0; i < count; i++) {
        for (int c = 0; c < USAGE_COUNT; c++)
            totals[c] += rows[i].counts[c];
        if (!is_of_models(&rows[i]))
            continue;
        out_open(out, NULL, '{');
        out_time(out, "start", rows[i].hour * HOUR_MS);
        out_text(out, "model", rows[i].model);
        write_counts(out, rows[i].counts, false);
        out_close(out, '}');
    }
    out_close(out, ']');
    out_open(out, "totals", '{');
    write_counts(out, totals, true);
    out_close(out, '}');
    out_close(out, '}');
}

static void csv_usage(struct text *out, const struct usage_row *rows, size_t count)
{
    text_add_string(out, "start,model,");
    for (int c = 0; c < USAGE_COUNT; c++)
        csv_text(out, USAGE_NAMES[c]);
    csv_end(out);
    for (size_t i = 0; i < count; i++) {
        csv_time(out, rows[i].hour * HOUR_MS);
        csv_text(out, rows[i].model);
        for (int c = 0; c < USAGE_COUNT; c++)
            csv_number(out, rows[i].counts[c]);
        csv_end(out);
    }
}

void get_usage(struct request *request)
{
    int by = 0, format = 0;
    struct span span;
    size_t count;
    const char *model;
    if (!request_text(request, "model", ID_LENGTH_MAX, &model)
        || !request_choice(request, "by", "hour|day", &by)
        || !request_choice(request, "format", "json|csv", &format)
        || !read_span(request, by == 1 ? DAY_HOURS : 1, &span))
        return;
    view_lock(request->gateway->view);
    look_since(request->gateway->view, &span);
    struct usage_row *rows = usage_sum(&request->gateway->view->usage, span.from_ms, by == 1 ? DAY_HOURS : 1,
                                       model, &count);
    view_unlock(request->gateway->view);
    if (format == 1)
        csv_usage(request_csv(request, "usage", span.complete_from_ms), rows, count);
    else
        json_usage(request_json(request, 200), rows, count, &span, by == 1 ? "day" : "hour");
    free(rows);
}

/* ---- funnel */

struct under_way { int64_t count, oldest_ms; };

static void count_under_way(const struct view *view, struct under_way under_way[STATUS_COUNT])
{
    for (const struct user *user = view->freshest; user; user = user->idler)
        for (const struct generation *at = user->last; at; at = at->older) {
            if (status_is_end(at->status))
                continue;
            struct under_way *row = &under_way[at->status];
            if (row->count++ == 0 || at->created_at_ms < row->oldest_ms)
                row->oldest_ms = at->created_at_ms;
        }
}

static void write_stages(struct text *out, const struct usage_row *rows, size_t count)
{
    static const enum usage_count stages[] = { USAGE_REQUESTED, USAGE_ACCEPTED, USAGE_SUBMITTED,
        USAGE_COMPLETED };
    static const enum usage_count ends[] = { USAGE_COMPLETED, USAGE_FAILED, USAGE_CANCELLED, USAGE_REJECTED };
    int64_t totals[USAGE_COUNT] = { 0 };
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < USAGE_COUNT; c++)
            totals[c] += rows[i].counts[c];
    out_open(out, "stages", '[');
    for (size_t s = 0; s < sizeof stages / sizeof stages[0]; s++) {
        out_open(out, NULL, '{');
        out_text(out, "stage", USAGE_NAMES[stages[s]]);
        out_number(out, "count", totals[stages[s]]);
        out_close(out, '}');
    }
    out_close(out, ']');
    out_open(out, "ends", '{');
    for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++)
        out_number(out, USAGE_NAMES[ends[e]], totals[ends[e]]);
    out_close(out, '}');
}

static void write_under_way(struct text *out, const struct under_way under_way[STATUS_COUNT], int64_t now_ms)
{
    out_open(out, "underWay", '[');
    for (int s = STATUS_PENDING; s <= STATUS_SUBMITTED; s++) {
        int64_t age_ms = now_ms - under_way[s].oldest_ms;
        out_open(out, NULL, '{');
        out_text(out, "status", STATUS_NAMES[s]);
        out_number(out, "count", under_way[s].count);
        out_number(out, "oldestAgeSeconds", under_way[s].count > 0 ? (age_ms > 0 ? age_ms / 1000 : 0)
                   : OUT_ABSENT);
        out_close(out, '}');
    }
    out_close(out, ']');
}

static void write_reasons(struct text *out, const struct usage_reason *rows, size_t count)
{
    out_open(out, "reasons", '[');
    for (size_t i = 0; i < count; i++) {
        out_open(out, NULL, '{');
        out_text(out, "status", rows[i].status);
        out_text(out, "code", rows[i].code);
        out_text(out, "failureCode", rows[i].failure_code[0] ? rows[i].failure_code : NULL);
        out_number(out, "count", rows[i].count);
        out_close(out, '}');
    }
    out_close(out, ']');
}

void get_funnel(struct request *request)
{
    struct span span;
    struct under_way under_way[STATUS_COUNT] = { 0 };
    size_t row_count, reason_count;
    if (!read_span(request, 1, &span))
        return;
    view_lock(request->gateway->view);
    look_since(request->gateway->view, &span);
    struct usage_row *rows = usage_sum(&request->gateway->view->usage, span.from_ms, 1, NULL, &row_count);
    struct usage_reason *reasons = usage_reasons_sum(&request->gateway->view->usage, span.from_ms,
                                                     &reason_count);
    count_under_way(request->gateway->view, under_way);
    view_unlock(request->gateway->view);
    struct text *out = request_json(request, 200);
    out_open(out, NULL, '{');
    write_span(out, &span);
    write_stages(out, rows, row_count);
    write_under_way(out, under_way, span.to_ms);
    write_reasons(out, reasons, reason_count);
    out_close(out, '}');
    free(rows);
    free(reasons);
}

/* ---- holds */

static int by_age(const void *a, const void *b)
{
    const struct generation *left = *(const struct generation *const *)a;
    const struct generation *right = *(const struct generation *const *)b;
    return left->held_at_ms == right->held_at_ms ? strcmp(left->id, right->id)
        : left->held_at_ms < right->held_at_ms ? -1 : 1;
}

/* Given: free. */
static const struct generation **open_holds(const struct view *view, size_t *count)
{
    const struct generation **holds = NULL;
    *count = 0;
    for (const struct user *user = view->freshest; user; user = user->idler)
        for (const struct generation *at = user->last; at; at = at->older) {
            if (at->held_tokens <= 0)
                continue;
            if ((*count & (*count - 1)) == 0)
                holds = xrealloc(holds, (*count ? *count * 2 : 1) * sizeof *holds);
            holds[(*count)++] = at;
        }
    if (*count > 0)
        qsort(holds, *count, sizeof *holds, by_age);
    return holds;
}

static int64_t age_seconds(const struct generation *hold, int64_t now_ms)
{
    return now_ms > hold->held_at_ms ? (now_ms - hold->held_at_ms) / 1000 : 0;
}

static void write_ages(struct text *out, const struct generation **holds, size_t count, int64_t now_ms)
{
    static const int64_t under_seconds[] = { 60, 600, 3600, INT64_MAX };
    int64_t total = 0, from_seconds = 0;
    out_open(out, "ages", '[');
    for (size_t a = 0; a < sizeof under_seconds / sizeof under_seconds[0]; a++) {
        int64_t number = 0, tokens = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t age = age_seconds(holds[i], now_ms);
            number += age >= from_seconds && age < under_seconds[a];
            tokens += age >= from_seconds && age < under_seconds[a] ? holds[i]->held_tokens : 0;
        }
        from_seconds = under_seconds[a];
        total += tokens;
        out_open(out, NULL, '{');
        out_number(out, "underSeconds", under_seconds[a] == INT64_MAX ? OUT_ABSENT : under_seconds[a]);
        out_number(out, "count", number);
        out_number(out, "tokens", tokens);
        out_close(out, '}');
    }
    out_close(out, ']');
    out_number(out, "count", (int64_t)count);
    out_number(out, "tokens", total);
}

static void json_holds(struct request *request, const struct generation **holds, size_t count, int limit)
{
    int64_t now_ms = clock_wall_ms();
    struct text *out = request_json(request, 200);
    out_open(out, NULL, '{');
    out_time(out, "completeFrom", view_since(request->gateway->view));
    write_ages(out, holds, count, now_ms);
    out_open(out, "items", '[');
    for (size_t i = 0; i < count && i < (size_t)limit; i++) {
        out_open(out, NULL, '{');
        out_text(out, "generationId", holds[i]->id);
        out_text(out, "userId", holds[i]->user->id);
        out_text(out, "model", holds[i]->model);
        out_number(out, "tokens", holds[i]->held_tokens);
        out_text(out, "status", STATUS_NAMES[holds[i]->status]);
        out_time(out, "since", holds[i]->held_at_ms);
        out_number(out, "ageSeconds", age_seconds(holds[i], now_ms));
        out_close(out, '}');
    }
    out_close(out, ']');
    out_close(out, '}');
}

static void csv_holds(struct text *out, const struct generation **holds, size_t count)
{
    text_add_string(out, "generationId,userId,model,tokens,status,since,ageSeconds\r\n");
    for (size_t i = 0; i < count; i++) {
        csv_text(out, holds[i]->id);
        csv_text(out, holds[i]->user->id);
        csv_text(out, holds[i]->model);
        csv_number(out, holds[i]->held_tokens);
        csv_text(out, STATUS_NAMES[holds[i]->status]);
        csv_time(out, holds[i]->held_at_ms);
        csv_number(out, age_seconds(holds[i], clock_wall_ms()));
        csv_end(out);
    }
}

void get_holds(struct request *request)
{
    int limit, format = 0;
    size_t count;
    if (!request_limit(request, &limit) || !request_choice(request, "format", "json|csv", &format))
        return;
    view_lock(request->gateway->view);
    const struct generation **holds = open_holds(request->gateway->view, &count);
    if (format == 1)
        csv_holds(request_csv(request, "holds", view_since(request->gateway->view)), holds, count);
    else
        json_holds(request, holds, count, limit);
    view_unlock(request->gateway->view);
    free(holds);
}
