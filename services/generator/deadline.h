/* Until when a job may wait for its submission. Times are wall-clock milliseconds. */
#ifndef GENERATOR_DEADLINE_H
#define GENERATOR_DEADLINE_H

#include <stdint.h>

enum { DEADLINE_GRACE_MS = 30 * 1000 };

struct deadline {
    int64_t accepted_at_ms, deadline_at_ms;      /* as its user was told */
    int64_t live_at_ms;                          /* since when we hold the job */
    int64_t standstill_ms;                       /* of that: how long the breaker was open */
};

/* The clock stands still while the breaker is open, and a job that comes back after its deadline (the
 * operator stopped us to give us a new key) gets a little time of ours: nobody's generation fails for the
 * operator's trouble. */
int64_t deadline_of(const struct deadline *deadline);
/* What the task is given. Submitted past the deadline: as much time as its user was promised, else it
 * would be cancelled at once, and paid for. */
int64_t deadline_for_task(const struct deadline *deadline, int64_t submitted_at_ms);

#endif
