#include "cli/unknown.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "cli/journal.h"
#include "cli/wire.h"
#include "json/json.h"

struct place { int32_t partition; int64_t offset; };

/* ---- rows */

static struct unknown *row_add(struct unknowns *unknowns, const struct event *event)
{
    if (unknowns->count == unknowns->capacity) {
        unknowns->capacity = unknowns->capacity ? unknowns->capacity * 2 : 64;
        unknowns->rows = xrealloc(unknowns->rows, unknowns->capacity * sizeof *unknowns->rows);
    }
    struct unknown *row = &unknowns->rows[unknowns->count++];
    *row = (struct unknown){ .partition = -1, .offset = -1 };
    text_copy(row->generation_id, sizeof row->generation_id, event->generation_id);
    text_copy(row->user_id, sizeof row->user_id, event->user_id);
    return row;
}

void unknowns_free(struct unknowns *unknowns)
{
    free(unknowns->rows);
    *unknowns = (struct unknowns){ 0 };
}

struct unknown *unknowns_find(const struct unknowns *unknowns, const char *generation_id, const char *user_id)
{
    for (size_t i = 0; i < unknowns->count; i++)
        if (strcmp(unknowns->rows[i].generation_id, generation_id) == 0
            && strcmp(unknowns->rows[i].user_id, user_id) == 0)
            return &unknowns->rows[i];
    return NULL;
}

static int by_time(const void *left, const void *right)
{
    int64_t a = ((const struct unknown *)left)->since_ms, b = ((const struct unknown *)right)->since_ms;
    return a < b ? -1 : a > b;
}

/* ---- results: what ended for it */

static bool reason_is_unknown(const struct event *event)
{
    char why[JSON_ERROR_BYTES];
    const char *context = event->has_error ? event->error.context : NULL;
    struct json *root = context ? json_parse(context, strlen(context), JSON_BYTES_MAX, why) : NULL;
    const char *reason = json_string(json_get(root, "reason"), NULL);
    bool unknown = reason && strcmp(reason, "submission_unknown") == 0;
    json_free(&root);
    return unknown;
}

static bool holds(const struct kafka_record *record, const char *words)
{
    return words && memmem(record->value, record->value_length, words, strlen(words)) != NULL;
}

/* All results of a week: only those that may matter are decoded. */
static void take_result(void *self, const struct kafka_record *record)
{
    struct unknowns *unknowns = self;
    struct event event;
    if (record->value_length == 0 || (!holds(record, "submission_unknown") && !holds(record, unknowns->wanted_task))
        || !wire_read(record, TOPIC_RESULTS, &event))
        return;
    if (event.type == EVENT_GENERATION_FAILED && reason_is_unknown(&event)) {
        struct unknown *row = row_add(unknowns, &event);
        row->state = UNKNOWN_ENDED;
        row->since_ms = record->timestamp_ms;
    } else if (event.type == EVENT_GENERATION_SUBMITTED && unknowns->wanted_task
               && strcmp(event.task_id, unknowns->wanted_task) == 0) {
        text_copy(unknowns->owner, sizeof unknowns->owner, event.generation_id);
    }
    event_clear(&event);
}

/* ---- jobs: live ones with an attempt that is not known to have come to nothing, and words about those that ended */

struct live_job { struct place place; char *generation_id, *user_id; int64_t since_ms, attempts; };
struct jobs {
    struct unknowns *unknowns;
    struct live_part { struct live_job *rows; size_t count, capacity; } *parts;      /* by partition, by offset */
    int32_t partitions;
};

static struct live_job *job_at(struct jobs *jobs, int32_t partition, int64_t offset)
{
    struct live_part *part = &jobs->parts[partition];
    size_t low = 0, high = part->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (part->rows[middle].place.offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < part->count && part->rows[low].place.offset == offset && part->rows[low].generation_id;
    return found ? &part->rows[low] : NULL;
}

static void job_add(struct jobs *jobs, const struct kafka_record *record, const struct event *event)
{
    struct live_part *part = &jobs->parts[record->partition];
    if (part->count == part->capacity) {
        part->capacity = part->capacity ? part->capacity * 2 : 256;
        part->rows = xrealloc(part->rows, part->capacity * sizeof *part->rows);
    }
    part->rows[part->count++] = (struct live_job){ .place = { record->partition, record->offset },
                                                   .generation_id = xstrdup(event->generation_id),
                                                   .user_id = xstrdup(event->user_id),
                                                   .since_ms = record->timestamp_ms,
                                                   .attempts = wire_attempts(record) };
}

static void job_forget(struct live_job *job)
{
    free(job->generation_id);
    free(job->user_id);
    job->generation_id = job->user_id = NULL;
}

static void take_mark(struct jobs *jobs, const struct kafka_record *record)
{
    struct wire_mark mark;
    struct live_job *job = wire_read_mark(record, &mark) ? job_at(jobs, record->partition, mark.item) : NULL;
    if (!job)
        return;
    if (strcmp(mark.kind, "done") == 0)
        job_forget(job);
    else if (strcmp(mark.kind, "intent") == 0)
        job->since_ms = record->timestamp_ms;
    job->attempts = mark.attempt;
}

static void take_word(struct unknowns *unknowns, const struct event *word)
{
    struct unknown *row = unknowns_find(unknowns, word->generation_id, word->user_id);
    if (!row)
        return;
    row->settled = true;
    row->task_id[0] = '\0';
    if (word->task_id)
        text_copy(row->task_id, sizeof row->task_id, word->task_id);
}

static void take_job(void *self, const struct kafka_record *record)
{
    struct jobs *jobs = self;
    struct event event;
    if (record->partition < 0 || record->partition >= jobs->partitions)
        return;
    if (record->value_length == 0) {
        take_mark(jobs, record);
    } else if (wire_read(record, TOPIC_JOBS, &event)) {
        if (event.type == EVENT_GENERATION_JOB)
            job_add(jobs, record, &event);
        else if (event.type == EVENT_GENERATION_SUBMISSION_SETTLED)
            take_word(jobs->unknowns, &event);
        event_clear(&event);
    }
}

/* What is left is live. */
static void jobs_close(struct jobs *jobs)
{
    for (int32_t p = 0; p < jobs->partitions; p++) {
        for (size_t i = 0; i < jobs->parts[p].count; i++) {
            struct live_job *job = &jobs->parts[p].rows[i];
            if (!job->generation_id)
                continue;
            if (job->attempts > 0) {
                const struct event named = { .generation_id = job->generation_id, .user_id = job->user_id };
                struct unknown *row = row_add(jobs->unknowns, &named);
                row->state = UNKNOWN_OPEN;
                row->since_ms = job->since_ms;
                row->attempts = job->attempts;
                row->partition = p;
                row->offset = job->place.offset;
            }
            job_forget(job);
        }
        free(jobs->parts[p].rows);
    }
    free(jobs->parts);
}

/* ---- both */

static enum cli_exit read_topic(const struct cli *cli, enum topic topic, int32_t partitions,
                                void (*take)(void *self, const struct kafka_record *record), void *self)
{
    int64_t *from = xcalloc((size_t)partitions, sizeof *from);
    enum cli_exit status = topic_read(cli, topic, from, partitions, take, self);
    free(from);
    return status;
}

enum cli_exit unknowns_read(const struct cli *cli, struct unknowns *unknowns)
{
    int32_t results = cli_partitions(cli, TOPIC_RESULTS);
    struct jobs jobs = { .unknowns = unknowns, .partitions = results > 0 ? cli_partitions(cli, TOPIC_JOBS) : 0 };
    if (jobs.partitions == 0)
        return CLI_AWAY;
    jobs.parts = xcalloc((size_t)jobs.partitions, sizeof *jobs.parts);
    enum cli_exit status = read_topic(cli, TOPIC_RESULTS, results, take_result, unknowns);
    if (status == CLI_FINE)
        status = read_topic(cli, TOPIC_JOBS, jobs.partitions, take_job, &jobs);
    jobs_close(&jobs);
    if (unknowns->count > 0)
        qsort(unknowns->rows, unknowns->count, sizeof *unknowns->rows, by_time);
    return status;
}
