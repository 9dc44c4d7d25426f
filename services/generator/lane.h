/* Waiting jobs by model, since the provider's limits are a model's: a 429 holds the jobs of that model
 * back and no others. After a hold one job goes ahead, and the rest when it was taken. Values only; clock
 * (monotonic) from the caller. */
#ifndef GENERATOR_LANE_H
#define GENERATOR_LANE_H

#include "base/backoff.h"
#include "generator/turns.h"

enum { LANES_MAX = 64, LANE_MODEL_BYTES = 65 };      /* models beyond the 64th share the last lane */

struct lane {
    char model[LANE_MODEL_BYTES];
    struct turns turns;
    struct backoff backoff;
    int64_t hold_until_ms;
    bool cautious;           /* the last answer was "not now": one call at a time */
    size_t calls_open;
    size_t live;             /* its tasks in our partitions */
    int64_t most;            /* so many calls and live tasks at once; -1: no limit that we know */
};
struct lanes { struct lane *all[LANES_MAX]; size_t count, next; };      /* zero-initialise it */

void lanes_free(struct lanes *lanes);
/* the model's lane; lives until lanes_free */
struct lane *lanes_of(struct lanes *lanes, const char *model);
/* The next waiting turn of a lane that may go now, lanes in turn; counted in calls_open of *lane. NULL:
 * none. */
struct turn *lanes_take(struct lanes *lanes, int64_t now_ms, struct lane **lane);
/* until a held lane may go */
int64_t lanes_wait_ms(const struct lanes *lanes, int64_t now_ms, int64_t most_ms);
size_t lanes_waiting(const struct lanes *lanes);

/* How a call of this lane ended. held: no task was made, the provider wants fewer; at_least_ms: its
 * Retry-After or 0. */
void lane_held(struct lane *lane, int64_t now_ms, int64_t at_least_ms);
void lane_taken(struct lane *lane);                      /* any answer that a working provider gives */
void lane_left(struct lane *lane);                       /* the call came to nothing of its own */

#endif
