/* When to look, and how often in all. Values only; the clock (monotonic) is the caller's. */
#ifndef POLLER_PACE_H
#define POLLER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"

/* ---- the whole process: a token bucket that halves its rate when the provider says 429 and recovers look
 * by look */
struct pace {
    double per_second, most_per_second, tokens;
    int64_t filled_at_ms, hold_until_ms;
    struct backoff backoff;
    unsigned silent;                     /* answers in a row that were none */
};
void pace_init(struct pace *pace, int64_t looks_per_second, int64_t now_ms);
bool pace_take(struct pace *pace, int64_t now_ms);                       /* true: a look may start now */
int64_t pace_wait_ms(const struct pace *pace, int64_t now_ms, int64_t most_ms);
/* the provider answered about a task */
void pace_good(struct pace *pace);
/* 429, 5xx, no answer. limited: 429. After some in a row everything waits: at least retry_after_ms when
 * the provider says so. */
void pace_bad(struct pace *pace, int64_t now_ms, bool limited, int64_t retry_after_ms);

/* ---- how long renders of a model take: a moving average, so that the first look is not wasted */
enum { HISTORY_MODELS = 64, HISTORY_MODEL_BYTES = 65 };      /* models beyond the 64th share the last row */
struct history_row { char model[HISTORY_MODEL_BYTES]; int64_t render_ms, renders; };
struct history { struct history_row rows[HISTORY_MODELS]; int count; };
int history_of(struct history *history, const char *model);              /* the model's row, made when new */
void history_add(struct history *history, int row, int64_t render_ms);

/* ---- one task. Waits from now; never below every_ms since the last look. */
struct pace_task {
    /* until_deadline_ms: no longer than that, when it is ahead */
    int64_t since_submitted_ms, until_deadline_ms;
    int64_t render_ms;                               /* the model's average, 0: unknown */
    int64_t every_ms;
    bool looked;                                     /* false: this is its first look */
};
int64_t pace_next_ms(const struct pace_task *task);
/* after an answer that was none */
int64_t pace_later_ms(int64_t every_ms, unsigned failures, int64_t retry_after_ms);

#endif
