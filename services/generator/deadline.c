#include "generator/deadline.h"

int64_t deadline_of(const struct deadline *deadline)
{
    int64_t least_ms = deadline->live_at_ms + DEADLINE_GRACE_MS;
    int64_t told_ms = deadline->deadline_at_ms;
    return (told_ms > least_ms ? told_ms : least_ms) + deadline->standstill_ms;
}

int64_t deadline_for_task(const struct deadline *deadline, int64_t submitted_at_ms)
{
    int64_t moved_ms = deadline->deadline_at_ms + deadline->standstill_ms;
    if (submitted_at_ms <= deadline->deadline_at_ms)
        return moved_ms;
    int64_t anew_ms = submitted_at_ms + (deadline->deadline_at_ms - deadline->accepted_at_ms);
    return anew_ms > moved_ms ? anew_ms : moved_ms;
}
