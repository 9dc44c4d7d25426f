/* What one answer about a task means for it (design section 8), as pure functions. Only the provider's
 * word ends a task: a terminal status, or the acknowledgement of our DELETE; a clock alone never does. */
#ifndef POLLER_LOOK_H
#define POLLER_LOOK_H

#include "runway/runway.h"

enum look_step {
    LOOK_AGAIN,              /* nothing to do yet */
    LOOK_LATER,              /* no answer about the task: again with backoff */
    LOOK_BREAK,              /* the operator's trouble */
    /* the video is there: delivered, also when it came late or was no longer wanted */
    LOOK_COMPLETE,
    LOOK_FAIL,               /* the provider says so */
    LOOK_EMPTY,              /* succeeded without any output: nothing to deliver */
    LOOK_CANCELLED,          /* at the provider, not through us */
    LOOK_DELETE,             /* still going, and past its deadline or no longer wanted */
    LOOK_MISSED,             /* 404: to be seen again */
    LOOK_GONE,               /* 404 again: it does not exist any more */
    LOOK_STEPS
};

struct look_task {
    bool cancel_wanted;
    bool delete_sent;                /* one of our DELETEs was never answered: a 404 may be its doing */
    int64_t deadline_at_ms;          /* wall */
    int64_t missing_since_ms;        /* monotonic; 0: was there when last seen */
    int64_t missing_confirm_ms;      /* a 404 is believed when it is still there after so long */
};
struct look_clock { int64_t wall_ms, mono_ms; };

enum look_step look_next(const struct look_task *task, const struct runway_look_answer *answer,
                         const struct look_clock *now);

/* May tasks that answer 404 be ended? A key of another project answers 404 to everything. So only once
 * this key has shown us a living task, and not for many at once. */
struct look_missing { size_t live, missing; bool key_proven, operator_agrees; };
bool look_missing_may_end(const struct look_missing *missing);

#endif
