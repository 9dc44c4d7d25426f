#include "poller/progress.h"

bool progress_take(struct task *task, const struct progress_rule *rule, int64_t now_ms)
{
    if (rule->step_percent == 0 || task->progress == 0)
        return false;
    uint32_t now_s = (uint32_t)(now_ms / 1000);
    bool again = task->told != 0;
    if (again && (task->progress < task->told + rule->step_percent
                  || (int64_t)(now_s - task->told_at_s) * 1000 < rule->every_ms))
        return false;
    task->told = task->progress;
    task->told_at_s = now_s;
    return true;
}

enum trouble progress_write(const struct task *task, struct outbox *outbox)
{
    const struct kafka_header parent = task_traceparent(task);
    struct event event;
    event_init(&event, EVENT_GENERATION_PROGRESSED);
    event.generation_id = task->item.key;
    event.user_id = task_user(task);
    event.project_id = task_project(task);
    event.task_id = task_id(task);
    event.progress = (task->progress - 1) / 100.0;
    event.has_timings = true;
    event.timings = (struct event_timings){ .accepted_at_ms = task->accepted_at_ms,
                                            .submitted_at_ms = task->submitted_at_ms };
    return outbox_event(outbox, &event, TOPIC_RESULTS, &parent, NULL);
}
