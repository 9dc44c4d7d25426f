#include "poller/pace.h"

#include <stdio.h>
#include <string.h>

enum {
    BURST_SECONDS = 1, SILENT_MOST = 5, HOLD_FIRST_MS = 1000, HOLD_MOST_MS = 60 * 1000,
    RETRY_AFTER_MOST_MS = 15 * 60 * 1000, LATER_DOUBLINGS_MOST = 5, SLOW_SHARE = 10, SLOW_MOST = 6,
};

void pace_init(struct pace *pace, int64_t looks_per_second, int64_t now_ms)
{
    double rate = (double)looks_per_second;
    *pace = (struct pace){ .per_second = rate, .most_per_second = rate, .tokens = rate * BURST_SECONDS,
                           .filled_at_ms = now_ms,
                           .backoff = { .first_ms = HOLD_FIRST_MS, .most_ms = HOLD_MOST_MS } };
}

static double tokens_at(const struct pace *pace, int64_t now_ms)
{
    double tokens = pace->tokens + pace->per_second * (double)(now_ms - pace->filled_at_ms) / 1000.0;
    double most = pace->per_second * BURST_SECONDS > 1 ? pace->per_second * BURST_SECONDS : 1;
    return tokens < most ? tokens : most;
}

bool pace_take(struct pace *pace, int64_t now_ms)
{
    if (now_ms < pace->hold_until_ms)
        return false;
    double tokens = tokens_at(pace, now_ms);
    if (tokens < 1)
        return false;
    pace->tokens = tokens - 1;
    pace->filled_at_ms = now_ms;
    return true;
}

int64_t pace_wait_ms(const struct pace *pace, int64_t now_ms, int64_t most_ms)
{
    int64_t wait_ms = pace->hold_until_ms - now_ms;
    double missing = 1 - tokens_at(pace, now_ms);
    int64_t fill_ms = missing > 0 ? (int64_t)(missing * 1000.0 / pace->per_second) + 1 : 0;
    if (fill_ms > wait_ms)
        wait_ms = fill_ms;
    return wait_ms < 0 ? 0 : wait_ms < most_ms ? wait_ms : most_ms;
}

void pace_good(struct pace *pace)
{
    pace->silent = 0;
    backoff_reset(&pace->backoff);
    pace->per_second += pace->most_per_second / 100;
    if (pace->per_second > pace->most_per_second)
        pace->per_second = pace->most_per_second;
}

void pace_bad(struct pace *pace, int64_t now_ms, bool limited, int64_t retry_after_ms)
{
    if (now_ms < pace->hold_until_ms)
        return;                          /* sent before the hold: the same refusal once more */
    if (limited) {
        pace->per_second = pace->per_second / 2 > 1 ? pace->per_second / 2 : 1;
        pace->tokens = 0;
        pace->filled_at_ms = now_ms;
    } else if (++pace->silent < SILENT_MOST) {
        return;                          /* one task's bad luck, not yet the provider's */
    }
    int64_t wait_ms = backoff_next_ms(&pace->backoff);
    if (retry_after_ms > wait_ms)
        wait_ms = retry_after_ms < RETRY_AFTER_MOST_MS ? retry_after_ms : RETRY_AFTER_MOST_MS;
    pace->hold_until_ms = now_ms + wait_ms;
}

int history_of(struct history *history, const char *model)
{
    for (int i = 0; i < history->count; i++)
        if (strcmp(history->rows[i].model, model) == 0)
            return i;
    if (history->count == HISTORY_MODELS)
        return HISTORY_MODELS - 1;
    snprintf(history->rows[history->count].model, HISTORY_MODEL_BYTES, "%s", model);
    return history->count++;
}

void history_add(struct history *history, int row, int64_t render_ms)
{
    if (render_ms < 0)
        return;                          /* two machines' clocks differ */
    bool first = history->rows[row].renders == 0;
    history->rows[row].render_ms = first ? render_ms : (history->rows[row].render_ms * 7 + render_ms) / 8;
    history->rows[row].renders++;
}

/* Each wait is spread a little upwards, so that tasks submitted together are not looked at together for
 * ever. */
static int64_t spread_ms(int64_t wait_ms)
{
    return wait_ms + jitter_ms(0, wait_ms / 10);
}

int64_t pace_next_ms(const struct pace_task *task)
{
    int64_t wait_ms = task->every_ms;
    int64_t expected_ms = task->render_ms * 3 / 4 - task->since_submitted_ms;
    int64_t late_ms = task->since_submitted_ms - task->render_ms * 2;
    if (!task->looked) {
        /* A restored task may have been looked at by its former owner a moment ago: spread over one
         * interval. */
        bool restored = task->since_submitted_ms >= task->every_ms;
        wait_ms = restored ? jitter_ms(0, task->every_ms) : task->every_ms - task->since_submitted_ms;
        if (expected_ms > wait_ms)
            wait_ms = expected_ms;
    } else if (task->render_ms > 0 && late_ms > 0 && late_ms / SLOW_SHARE > wait_ms) {
        /* Long past what its model takes (a queue at the provider): a look finds less, so they come
         * further apart. */
        wait_ms = late_ms / SLOW_SHARE < wait_ms * SLOW_MOST ? late_ms / SLOW_SHARE : wait_ms * SLOW_MOST;
    }
    wait_ms = spread_ms(wait_ms);
    int64_t least_ms = task->looked ? task->every_ms : 0;
    if (task->until_deadline_ms > 0 && wait_ms > task->until_deadline_ms)
        wait_ms = task->until_deadline_ms > least_ms ? task->until_deadline_ms : least_ms;
    return wait_ms;
}

int64_t pace_later_ms(int64_t every_ms, unsigned failures, int64_t retry_after_ms)
{
    unsigned doublings = failures < LATER_DOUBLINGS_MOST ? failures : LATER_DOUBLINGS_MOST;
    int64_t wait_ms = spread_ms(every_ms << doublings);
    if (retry_after_ms > wait_ms)
        wait_ms = retry_after_ms < RETRY_AFTER_MOST_MS ? retry_after_ms : RETRY_AFTER_MOST_MS;
    return wait_ms;
}
