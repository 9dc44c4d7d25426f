#include "poller/look.h"

#include "base/must.h"

enum { MISSING_MOST = 5, SHARE_FROM_LIVE = 10, SHARE = 5 /* one in five */ };

static enum look_step still_going(const struct look_task *task, const struct look_clock *now)
{
    return task->cancel_wanted || now->wall_ms >= task->deadline_at_ms ? LOOK_DELETE : LOOK_AGAIN;
}

static enum look_step by_status(const struct look_task *task, const struct runway_look_answer *answer,
                                const struct look_clock *now)
{
    switch (answer->status) {
    case RUNWAY_SUCCEEDED: return answer->output_count > 0 ? LOOK_COMPLETE : LOOK_EMPTY;
    case RUNWAY_FAILED:    return LOOK_FAIL;
    case RUNWAY_CANCELLED: return LOOK_CANCELLED;
    case RUNWAY_THROTTLED: case RUNWAY_PENDING: case RUNWAY_RUNNING: case RUNWAY_STATUS_UNKNOWN:
        return still_going(task, now);
    }
    unreachable();
}

enum look_step look_next(const struct look_task *task, const struct runway_look_answer *answer,
                         const struct look_clock *now)
{
    switch (answer->look) {
    case RUNWAY_TASK:          return by_status(task, answer, now);
    case RUNWAY_LATER:         return LOOK_LATER;
    case RUNWAY_LOOK_OPERATOR: return LOOK_BREAK;
    case RUNWAY_MISSING:
        if (task->delete_sent)
            return LOOK_DELETE;          /* its 404 will be the acknowledgement that we missed */
        if (task->missing_since_ms == 0)
            return LOOK_MISSED;
        return now->mono_ms - task->missing_since_ms >= task->missing_confirm_ms ? LOOK_GONE : LOOK_MISSED;
    }
    unreachable();
}

bool look_missing_may_end(const struct look_missing *missing)
{
    if (missing->operator_agrees)
        return true;
    if (!missing->key_proven || missing->missing > MISSING_MOST)
        return false;
    return missing->live < SHARE_FROM_LIVE || missing->missing * SHARE <= missing->live;
}
