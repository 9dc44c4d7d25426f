/* Counts the live tasks of our own partitions: jobs and tasks have the same keys and the same number of
 * partitions, so whoever owns partition p of jobs hands on into partition p of tasks, and nobody else does.
 * Read from where the poller's group stands, behind which every live task lies. What is counted only bounds
 * what we submit: being a little behind costs a moment's wait, nothing else. */
#include "generator/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "worker/work_record.h"

enum { ASK_MS = 1000, AGAIN_MS = 1000, RECORDS_MAX = 2000 };

/* ---- partitions */

void following_assigned(void *self, int32_t partition)
{
    struct following *following = &((struct generator *)self)->following;
    if (partition >= following->room) {
        size_t more = (size_t)(partition + 1 - following->room);
        following->held = xrealloc(following->held, (size_t)(partition + 1) * sizeof *following->held);
        memset(following->held + following->room, 0, more * sizeof *following->held);
        following->room = partition + 1;
    }
    following->held[partition] = FOLLOWING_HELD;
    following->held_count++;
    following->partitions = 0;           /* there may be more of them than when we last asked */
}

/* A reader has no way to let go of one partition; a rebalance takes them all anyway. */
static void stop_reading(struct generator *generator)
{
    struct following *following = &generator->following;
    kafka_reader_close(&following->reader);
    for (int32_t p = 0; p < following->room; p++)
        if (following->held[p] == FOLLOWING_READ)
            following->held[p] = FOLLOWING_HELD;
}

void following_revoked(void *self, int32_t partition)
{
    struct generator *generator = self;
    struct following *following = &generator->following;
    stop_reading(generator);
    crowd_drop(&generator->crowd, partition);
    following->held[partition] = FOLLOWING_NOT;
    following->held_count--;
}

void following_hand_on(struct generator *generator, const struct job *job)
{
    const struct following *following = &generator->following;
    /* Not read yet: its record is counted when it is, or was there and gone before. */
    if (generator->limits.bounded && following->held[job->item.partition] == FOLLOWING_READ)
        crowd_hand_on(&generator->crowd, job->item.partition, job->lane, job->item.key);
}

void following_close(struct generator *generator)
{
    kafka_reader_close(&generator->following.reader);
    kafka_client_close(&generator->following.client);
    crowd_free(&generator->crowd);
    free(generator->following.held);
    free(generator->following.tasks);
}

/* ---- beginning */

static bool learn_partitions(struct generator *generator)
{
    struct following *following = &generator->following;
    const struct worker_settings *worker = &generator->settings->worker;
    int32_t jobs, tasks;
    struct text name = { 0 };
    if (following->partitions != 0)
        return following->partitions > 0;
    if (!following->client) {
        following->kafka = (struct kafka_config){ .bootstrap_servers = worker->kafka_bootstrap_servers,
                                                  .client_id = "reelgate-generator",
                                                  .properties = &worker->kafka };
        char *group = worker_group(worker, "reelgate-poller");
        following->client = kafka_client_open_group(&following->kafka, group);
        free(group);
        text_printf(&name, "%s%s", worker->topic_prefix, TOPICS[TOPIC_TASKS].name);
        following->tasks = name.bytes;
    }
    struct text topic = { 0 };
    text_printf(&topic, "%s%s", worker->topic_prefix, TOPICS[TOPIC_JOBS].name);
    bool known = kafka_client_partitions(following->client, topic.bytes, &jobs, ASK_MS) == TROUBLE_NONE
        && kafka_client_partitions(following->client, following->tasks, &tasks, ASK_MS) == TROUBLE_NONE;
    text_free(&topic);
    if (known && jobs != tasks)
        log_error("tasks_not_counted", LOG_NUMBER("jobs_partitions", jobs), LOG_NUMBER("tasks_partitions", tasks),
                  LOG_TEXT("reason", "jobs and tasks must have as many partitions as each other: the "
                                     "provider's concurrency is not kept to"));
    if (known)
        following->partitions = jobs == tasks ? jobs : -1;
    return known && jobs == tasks;
}

static bool begin_reading(struct generator *generator, int32_t partition)
{
    struct following *following = &generator->following;
    int64_t from = -1;
    if (!following->lost && kafka_group_committed(following->client, following->tasks, partition, &from, ASK_MS) != TROUBLE_NONE)
        return false;
    if (!following->reader)
        following->reader = kafka_reader_open(&following->kafka);
    if (kafka_reader_add(following->reader, following->tasks, partition, from < 0 ? KAFKA_FROM_BEGINNING : from,
                         ASK_MS) != TROUBLE_NONE)
        return false;
    following->held[partition] = FOLLOWING_READ;
    return true;
}

static void begin(struct generator *generator)
{
    struct following *following = &generator->following;
    if (clock_mono_ms() < following->retry_at_ms)
        return;
    bool fine = learn_partitions(generator);
    for (int32_t p = 0; p < following->room && fine; p++)
        if (following->held[p] == FOLLOWING_HELD)
            fine = begin_reading(generator, p);
    if (!fine)
        following->retry_at_ms = clock_mono_ms() + AGAIN_MS;
}

/* ---- records */

static bool done_mark(const struct kafka_record *record, int64_t *item)
{
    const char *mark, *number;
    size_t mark_length, number_length;
    char digits[24] = "";
    if (record->value_length > 0 || !kafka_record_header(record, "mark", &mark, &mark_length)
        || mark_length != 4 || memcmp(mark, "done", 4) != 0
        || !kafka_record_header(record, "item", &number, &number_length) || number_length >= sizeof digits)
        return false;
    memcpy(digits, number, number_length);
    *item = strtoll(digits, NULL, 10);
    return true;
}

static void take(struct generator *generator, const struct kafka_record *record)
{
    struct event event;
    struct decode_error error;
    int64_t item;
    if (done_mark(record, &item))
        crowd_end(&generator->crowd, record->partition, item);
    else if (record->value_length > 0
             && work_record_decode(record, TOPIC_TASKS, EVENT_GENERATION_TASK, &event, &error)) {
        const struct crowd_task task = { record->offset, event.type == EVENT_GENERATION_TASK
                                         ? lanes_of(&generator->lanes, event.model) : NULL };
        if (task.lane)
            crowd_add(&generator->crowd, record->partition, &task, event.generation_id);
        event_clear(&event);
    }
}

static void read_on(struct generator *generator)
{
    struct following *following = &generator->following;
    for (int i = 0; i < RECORDS_MAX; i++) {
        struct kafka_record record;
        enum trouble trouble;
        switch (kafka_reader_poll(following->reader, 0, &record, &trouble)) {
        case KAFKA_NOTHING:
            return;
        case KAFKA_END:
            continue;
        case KAFKA_RECORD:
            take(generator, &record);
            kafka_record_release(&record);
            continue;
        case KAFKA_TROUBLE:                  /* the group stands below what is kept: then what is kept is all */
            following->lost = true;
            for (int32_t p = 0; p < generator->crowd.count; p++)
                crowd_drop(&generator->crowd, p);
            stop_reading(generator);
            return;
        }
    }
}

void following_turn(struct generator *generator)
{
    struct following *following = &generator->following;
    if (!generator->limits.bounded || following->held_count == 0 || following->partitions < 0)
        return;
    begin(generator);
    if (following->reader)
        read_on(generator);
}

bool following_counted(const struct generator *generator)
{
    const struct following *following = &generator->following;
    if (!generator->limits.bounded || following->partitions < 0)
        return true;
    for (int32_t p = 0; p < following->room; p++)
        if (following->held[p] == FOLLOWING_HELD)
            return false;
    return following->reader && kafka_reader_done(following->reader);
}

int following_wake_fd(const struct generator *generator)
{
    struct kafka_reader *reader = generator->following.reader;
    return reader ? kafka_reader_wake_fd(reader) : -1;
}
