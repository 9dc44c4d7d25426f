/* The decisions about the one paid call (design section 7), as pure functions. The provider's create can't
 * be repeated: a lost answer may hide a task that is already billed. */
#ifndef GENERATOR_SUBMIT_H
#define GENERATOR_SUBMIT_H

#include "base/backoff.h"
#include "runway/runway.h"

/* added to the POST's own limit before a stranger's intent is called unknown */
enum { SUBMIT_MARGIN_MS = 30 * 1000 };

struct submit_rules {
    bool resubmit, hold;             /* unknown_submission; neither: fail */
    int max_submissions;             /* with resubmit: in all */
    int64_t create_timeout_ms;       /* the POST's own limit */
};

enum submit_step {
    SUBMIT_TASK_OUT,                 /* task and submitted out, job done */
    SUBMIT_CLOSE_AND_WAIT,           /* no task was made: close the intent, try again later */
    /* the operator's trouble: close the intent, open the breaker, nobody fails */
    SUBMIT_CLOSE_AND_BREAK,
    SUBMIT_FAIL_REFUSED,             /* the request's fault */
    SUBMIT_FAIL_UNKNOWN,             /* there may be a task, and the policy allows no other */
    /* there may be a task, and the policy allows another: a new intent, a new POST */
    SUBMIT_AGAIN,
    SUBMIT_HOLD,                     /* there may be a task, and the operator is to say which */
};

/* attempts: intents that are not closed, this one included. cancel_waits: its user no longer wants it, so
 * no second task. */
enum submit_step submit_answered(const struct submit_rules *rules, enum runway_created created, int attempts,
                                 bool cancel_waits);
enum submit_step submit_unknown(const struct submit_rules *rules, int attempts, bool cancel_waits);
/* May a first or another intent be written? attempts: as above, before it. */
bool submit_allowed(const struct submit_rules *rules, int attempts);

/* How long from now until an open intent that we have no POST for is unknown. Its owner may POST a little
 * after its intent and wait for the whole limit; clocks of two machines differ, so never longer than from
 * when we saw it ourselves. */
int64_t submit_unknown_in_ms(const struct submit_rules *rules, int64_t intent_at_ms, int64_t wall_ms);
/* May the POST of a committed intent still start? Not after a pause (a stopped process, a suspended
 * machine) so long that the next owner could call the intent unknown before this POST's own limit has
 * passed. */
bool submit_fresh(const struct submit_rules *rules, int64_t since_queued_ms, int64_t since_intent_ms);
/* How long this job waits after "no task was made": its own backoff, the provider's Retry-After, minutes
 * at a daily limit. */
int64_t submit_wait_ms(struct backoff *backoff, const struct runway_create_answer *answer);
struct backoff submit_backoff(void);

#endif
