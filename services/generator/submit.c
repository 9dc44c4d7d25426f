#include "generator/submit.h"

#include "base/must.h"

enum {
    WAIT_FIRST_MS = 1000, WAIT_MOST_MS = 60 * 1000,
    /* a day's count frees up bit by bit over 24 hours */
    DAILY_FIRST_MS = 60 * 1000, WAIT_LIMIT_MS = 15 * 60 * 1000,
    /* how old an intent may be when its POST starts */
    POST_START_MS = 15 * 1000,
    CLOCKS_DIFFER_MS = 2 * 1000,
};
_Static_assert(POST_START_MS + CLOCKS_DIFFER_MS < SUBMIT_MARGIN_MS,
               "a POST must be over before the next owner calls its intent unknown");

bool submit_allowed(const struct submit_rules *rules, int attempts)
{
    return attempts < (rules->resubmit ? rules->max_submissions : 1);
}

enum submit_step submit_unknown(const struct submit_rules *rules, int attempts, bool cancel_waits)
{
    if (rules->hold)
        return SUBMIT_HOLD;
    return submit_allowed(rules, attempts) && !cancel_waits ? SUBMIT_AGAIN : SUBMIT_FAIL_UNKNOWN;
}

enum submit_step submit_answered(const struct submit_rules *rules, enum runway_created created, int attempts,
                                 bool cancel_waits)
{
    switch (created) {
    case RUNWAY_SUBMITTED: return SUBMIT_TASK_OUT;
    case RUNWAY_NOT_MADE:  return SUBMIT_CLOSE_AND_WAIT;
    case RUNWAY_OPERATOR:  return SUBMIT_CLOSE_AND_BREAK;
    case RUNWAY_REFUSED:   return SUBMIT_FAIL_REFUSED;
    case RUNWAY_UNKNOWN:   return submit_unknown(rules, attempts, cancel_waits);
    }
    unreachable();
}

int64_t submit_unknown_in_ms(const struct submit_rules *rules, int64_t intent_at_ms, int64_t wall_ms)
{
    int64_t most_ms = rules->create_timeout_ms + SUBMIT_MARGIN_MS;
    int64_t left_ms = intent_at_ms + most_ms - wall_ms;
    return left_ms < 0 ? 0 : left_ms > most_ms ? most_ms : left_ms;
}

bool submit_fresh(const struct submit_rules *rules, int64_t since_queued_ms, int64_t since_intent_ms)
{
    int64_t most_ms = rules->create_timeout_ms < POST_START_MS ? rules->create_timeout_ms : POST_START_MS;
    return since_queued_ms <= most_ms && since_intent_ms <= most_ms;
}

struct backoff submit_backoff(void)
{
    return (struct backoff){ .first_ms = WAIT_FIRST_MS, .most_ms = WAIT_MOST_MS };
}

int64_t submit_wait_ms(struct backoff *backoff, const struct runway_create_answer *answer)
{
    if (answer->daily_limit && backoff->first_ms < DAILY_FIRST_MS)
        *backoff = (struct backoff){ .first_ms = DAILY_FIRST_MS, .most_ms = WAIT_LIMIT_MS };
    int64_t wait_ms = backoff_next_ms(backoff);
    if (answer->retry_after_ms > wait_ms)
        wait_ms = answer->retry_after_ms;
    return wait_ms < WAIT_LIMIT_MS ? wait_ms : WAIT_LIMIT_MS;
}
