#include "generator/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

enum { HOLD_FIRST_MS = 500, HOLD_MOST_MS = 60 * 1000 };

void lanes_free(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++) {
        turns_free(&lanes->all[i]->turns);
        free(lanes->all[i]);
    }
    *lanes = (struct lanes){ 0 };
}

struct lane *lanes_of(struct lanes *lanes, const char *model)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (strcmp(lanes->all[i]->model, model) == 0)
            return lanes->all[i];
    if (lanes->count == LANES_MAX)
        return lanes->all[LANES_MAX - 1];
    struct lane *lane = xcalloc(1, sizeof *lane);
    snprintf(lane->model, sizeof lane->model, "%s", model);
    lane->most = -1;
    lane->backoff = (struct backoff){ .first_ms = HOLD_FIRST_MS, .most_ms = HOLD_MOST_MS };
    lanes->all[lanes->count++] = lane;
    return lane;
}

static bool may_go(const struct lane *lane, int64_t now_ms)
{
    bool full = lane->most >= 0 && lane->calls_open + lane->live >= (size_t)lane->most;
    return lane->turns.waiting > 0 && now_ms >= lane->hold_until_ms && !full &&
        !(lane->cautious && lane->calls_open > 0);
}

struct turn *lanes_take(struct lanes *lanes, int64_t now_ms, struct lane **lane)
{
    for (size_t tried = 0; tried < lanes->count; tried++) {
        struct lane *next = lanes->all[lanes->next++ % lanes->count];
        if (!may_go(next, now_ms))
            continue;
        next->calls_open++;
        *lane = next;
        return turns_take(&next->turns);
    }
    return NULL;
}

int64_t lanes_wait_ms(const struct lanes *lanes, int64_t now_ms, int64_t most_ms)
{
    int64_t wait_ms = most_ms;
    for (size_t i = 0; i < lanes->count; i++) {
        const struct lane *lane = lanes->all[i];
        int64_t left_ms = lane->hold_until_ms - now_ms;
        if (lane->turns.waiting > 0 && left_ms > 0 && left_ms < wait_ms)
            wait_ms = left_ms;
    }
    return wait_ms;
}

size_t lanes_waiting(const struct lanes *lanes)
{
    size_t waiting = 0;
    for (size_t i = 0; i < lanes->count; i++)
        waiting += lanes->all[i]->turns.waiting;
    return waiting;
}

void lane_held(struct lane *lane, int64_t now_ms, int64_t at_least_ms)
{
    lane_left(lane);
    /* Calls that were open together are refused together: that is one refusal, not sixteen. */
    if (lane->cautious && now_ms < lane->hold_until_ms && at_least_ms <= lane->hold_until_ms - now_ms)
        return;
    int64_t wait_ms = backoff_next_ms(&lane->backoff);
    lane->hold_until_ms = now_ms + (wait_ms > at_least_ms ? wait_ms : at_least_ms);
    lane->cautious = true;
}

void lane_taken(struct lane *lane)
{
    lane_left(lane);
    lane->cautious = false;
    lane->hold_until_ms = 0;
    backoff_reset(&lane->backoff);
}

void lane_left(struct lane *lane)
{
    must(lane->calls_open > 0);
    lane->calls_open--;
}
