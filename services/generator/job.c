#include "generator/job.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/work_record.h"

const char *const JOB_STATE_NAMES[JOB_STATES] = {
    [JOB_FRESH] = "fresh", [JOB_READY] = "ready", [JOB_WAITING] = "waiting", [JOB_INTENDING] = "intending",
    [JOB_POSTING] = "posting", [JOB_DOUBTFUL] = "doubtful", [JOB_UNKNOWN] = "unknown", [JOB_CLOSING] = "closing",
        [JOB_ENDING] = "ending",
};

static const bool may_go[JOB_STATES][JOB_STATES] = {
    [JOB_FRESH]     = { [JOB_READY] = true, [JOB_POSTING] = true, [JOB_DOUBTFUL] = true,
                        [JOB_ENDING] = true },
    [JOB_READY]     = { [JOB_INTENDING] = true, [JOB_UNKNOWN] = true, [JOB_ENDING] = true },
    [JOB_WAITING]   = { [JOB_READY] = true, [JOB_ENDING] = true },
    [JOB_INTENDING] = { [JOB_POSTING] = true, [JOB_CLOSING] = true },
    [JOB_POSTING]   = { [JOB_CLOSING] = true, [JOB_WAITING] = true, [JOB_UNKNOWN] = true,
                        [JOB_ENDING] = true },
    [JOB_DOUBTFUL]  = { [JOB_READY] = true, [JOB_UNKNOWN] = true, [JOB_CLOSING] = true, [JOB_ENDING] = true },
    [JOB_UNKNOWN]   = { [JOB_CLOSING] = true, [JOB_ENDING] = true },
    [JOB_CLOSING]   = { [JOB_READY] = true, [JOB_WAITING] = true, [JOB_ENDING] = true },
};

void job_move(struct job *job, enum job_state to)
{
    must(may_go[job->state][to]);
    job->state = to;
}

static const char *keep(char **room, const char *string)
{
    if (!string)
        return NULL;
    size_t bytes = strlen(string) + 1;
    char *kept = memcpy(*room, string, bytes);
    *room += bytes;
    return kept;
}

static size_t bytes_of(const char *string)
{
    return string ? strlen(string) + 1 : 0;
}

static struct job *job_of(const struct event *event)
{
    size_t bytes = bytes_of(event->generation_id) + bytes_of(event->user_id) + bytes_of(event->project_id) +
                   bytes_of(event->prompt) + bytes_of(event->model) + bytes_of(event->ratio) +
                   bytes_of(event->image) + bytes_of(event->task_id);
    struct job *job = xcalloc(1, sizeof *job + bytes);
    char *room = job->text;
    job->kind = event->type == EVENT_GENERATION_JOB ? JOB_GENERATION
        : event->type == EVENT_GENERATION_CANCEL_REQUESTED ? JOB_CANCEL : JOB_WORD;
    job->item.key = keep(&room, event->generation_id);
    job->item.key_length = (uint8_t)strlen(event->generation_id);
    job->user = keep(&room, event->user_id);
    job->project = keep(&room, event->project_id);
    job->prompt = keep(&room, event->prompt);
    job->model = keep(&room, event->model);
    job->ratio = keep(&room, event->ratio);
    job->image = keep(&room, event->image);
    job->settled_task = keep(&room, event->task_id);
    job->duration_seconds = event->duration_seconds == EVENT_ABSENT ? 0 : event->duration_seconds;
    job->seed = event->seed == EVENT_ABSENT ? -1 : event->seed;
    job->required_tokens = event->required_tokens;
    job->deadline = (struct deadline){ .accepted_at_ms = event->accepted_at,
                                       .deadline_at_ms = event->deadline_at };
    return job;
}

struct job *job_read(const struct kafka_record *record, struct decode_error *error)
{
    struct event event;
    struct kafka_header parent;
    if (!work_record_decode(record, TOPIC_JOBS, EVENT_GENERATION_JOB, &event, error))
        return NULL;
    struct job *job = job_of(&event);
    record_traceparent(record, &parent);
    if (parent.value && traceparent_valid(parent.value, parent.length))
        snprintf(job->traceparent, sizeof job->traceparent, "%.*s", (int)parent.length, parent.value);
    event_clear(&event);
    return job;
}

/* How far it has come: what may hide a task must never be the one that is thrown away. */
static int rank(const struct job *job)
{
    return job->item.intent_at_ms != 0 ? 2 : job->item.attempts > 0 ? 1 : 0;
}

bool job_precedes(const struct job *job, const struct job *other)
{
    if (rank(job) != rank(other))
        return rank(job) > rank(other);
    if (job->deadline.accepted_at_ms != other->deadline.accepted_at_ms)
        return job->deadline.accepted_at_ms < other->deadline.accepted_at_ms;
    return job->item.offset < other->item.offset;
}

struct kafka_header job_traceparent(const struct job *job)
{
    bool known = job->traceparent[0] != '\0';
    return (struct kafka_header){ .name = "traceparent", .value = known ? job->traceparent : NULL,
                                  .length = known ? strlen(job->traceparent) : 0 };
}

const char *job_trace_id(const struct job *job, char out[33])
{
    if (job->traceparent[0] == '\0')
        return NULL;
    memcpy(out, job->traceparent + 3, 32);
    out[32] = '\0';
    return out;
}
