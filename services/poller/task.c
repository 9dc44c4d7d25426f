#include "poller/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/work_record.h"

const char *const TASK_STATE_NAMES[TASK_STATES] = {
    [TASK_FRESH] = "fresh", [TASK_WAITING] = "waiting", [TASK_LOOKING] = "looking",
        [TASK_DELETING] = "deleting",
    [TASK_ENDING] = "ending",
};

static const bool may_go[TASK_STATES][TASK_STATES] = {
    [TASK_FRESH]    = { [TASK_WAITING] = true, [TASK_ENDING] = true },
    [TASK_WAITING]  = { [TASK_LOOKING] = true, [TASK_DELETING] = true, [TASK_ENDING] = true },
    [TASK_LOOKING]  = { [TASK_WAITING] = true, [TASK_DELETING] = true, [TASK_ENDING] = true },
    [TASK_DELETING] = { [TASK_WAITING] = true, [TASK_ENDING] = true },
};

_Static_assert(HISTORY_MODELS <= UINT8_MAX, "a task names its model's row in one byte");
_Static_assert(3 * (ID_LENGTH_MAX + 1) + TRACEPARENT_BYTES <= UINT8_MAX,
               "where the last text begins fits one byte");

void task_move(struct task *task, enum task_state to)
{
    must(may_go[task->state][to]);
    task->state = (uint8_t)to;
}

static uint8_t keep(struct text *room, const char *bytes, size_t length)
{
    must(room->length <= UINT8_MAX);
    uint8_t at = (uint8_t)room->length;
    text_add(room, bytes, length);
    text_add_char(room, '\0');
    return at;
}

static struct task *task_of(const struct event *event, const struct kafka_header *parent,
                            struct history *history)
{
    struct text room = { 0 };
    struct task head = { .kind = event->type == EVENT_GENERATION_TASK ? TASK_FOLLOWED
                         : event->type == EVENT_GENERATION_CANCEL_REQUESTED ? TASK_CANCEL : TASK_ORPHAN };
    keep(&room, event->generation_id, strlen(event->generation_id));
    if (parent->value && traceparent_valid(parent->value, parent->length))
        head.trace_at = keep(&room, parent->value, parent->length);
    head.user_at = keep(&room, event->user_id, strlen(event->user_id));
    if (event->project_id && event->type == EVENT_GENERATION_TASK)
        head.project_at = keep(&room, event->project_id, strlen(event->project_id));
    if (head.kind != TASK_CANCEL)
        head.task_at = keep(&room, event->task_id, strlen(event->task_id));
    if (head.kind == TASK_FOLLOWED) {
        head.model = (uint8_t)history_of(history, event->model);
        head.required_tokens = event->required_tokens;
        head.accepted_at_ms = event->accepted_at;
        head.submitted_at_ms = event->submitted_at;
        head.deadline_at_ms = event->deadline_at;
    }
    struct task *task = xmalloc(sizeof *task + room.length);
    *task = head;
    memcpy(task->text, room.bytes, room.length);
    task->item.key = task->text;
    task->item.key_length = (uint8_t)strlen(task->text);
    text_free(&room);
    return task;
}

struct task *task_read(const struct kafka_record *record, struct history *history, struct decode_error *error)
{
    struct event event;
    struct kafka_header parent;
    if (!work_record_decode(record, TOPIC_TASKS, EVENT_GENERATION_TASK, &event, error))
        return NULL;
    if (event.type == EVENT_GENERATION_SUBMISSION_SETTLED && !event.task_id) {
        snprintf(error->reason, sizeof error->reason, "missing_field");
        snprintf(error->message, sizeof error->message, "taskId is missing: there is nothing to delete");
        event_clear(&event);
        return NULL;
    }
    record_traceparent(record, &parent);
    struct task *task = task_of(&event, &parent, history);
    event_clear(&event);
    return task;
}

const char *task_user(const struct task *task)
{
    return task->text + task->user_at;
}

const char *task_project(const struct task *task)
{
    return task->project_at ? task->text + task->project_at : NULL;
}

const char *task_id(const struct task *task)
{
    return task->task_at ? task->text + task->task_at : NULL;
}

struct kafka_header task_traceparent(const struct task *task)
{
    const char *value = task->trace_at ? task->text + task->trace_at : NULL;
    return (struct kafka_header){ .name = "traceparent", .value = value,
                                  .length = value ? strlen(value) : 0 };
}

const char *task_trace_id(const struct task *task, char out[33])
{
    if (!task->trace_at)
        return NULL;
    memcpy(out, task->text + task->trace_at + 3, 32);
    out[32] = '\0';
    return out;
}

bool task_precedes(const struct task *task, const struct task *other)
{
    if (task->submitted_at_ms != other->submitted_at_ms)
        return task->submitted_at_ms < other->submitted_at_ms;
    return task->item.offset < other->item.offset;
}
