#include "component/workset/crew.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "proto/event.h"

#define PROGRAM "reelgate-crew"

const char *crew_topic(const char *prefix, enum topic topic)
{
    static char name[200];
    snprintf(name, sizeof name, "%s%s", prefix, TOPICS[topic].name);
    return name;
}

const char *crew_topics(int32_t partitions)
{
    static char prefix[120];
    snprintf(prefix, sizeof prefix, "%s.", broker_name("set", 0));
    broker_topic(crew_topic(prefix, TOPIC_JOBS), partitions);
    broker_topic(crew_topic(prefix, TOPIC_RESULTS), 2);
    broker_topic(crew_topic(prefix, TOPIC_DEAD_LETTERS), 1);
    return prefix;
}

/* ---- the stage */

static struct work_item *read_item(void *self, const struct kafka_record *record, struct decode_error *error)
{
    (void)self;
    if (record->value_length == 3 && memcmp(record->value, "bad", 3) == 0) {
        snprintf(error->reason, sizeof error->reason, "%s", "malformed_json");
        snprintf(error->message, sizeof error->message, "%s", "This is bad.");
        return NULL;
    }
    struct job *job = xcalloc(1, sizeof *job);
    ck_assert_uint_lt(record->key_length, sizeof job->key);
    if (record->key_length)
        memcpy(job->key, record->key, record->key_length);
    job->item.key = job->key;
    job->item.key_length = (uint8_t)record->key_length;
    return &job->item;
}

static void on_live(void *self, struct work_item *item)
{
    struct crew *crew = self;
    if (crew->count == crew->capacity) {
        crew->capacity = crew->capacity ? 2 * crew->capacity : 16;
        crew->jobs = xrealloc(crew->jobs, crew->capacity * sizeof *crew->jobs);
    }
    crew->jobs[crew->count++] = (struct job *)item;
    crew->live++;
    if (crew->end_at_once)
        workset_end(crew->set, item, NULL);
}

static void forget(struct crew *crew, struct work_item *item)
{
    for (size_t i = 0; i < crew->count; i++)
        if (&crew->jobs[i]->item == item) {
            memmove(crew->jobs + i, crew->jobs + i + 1, (crew->count - i - 1) * sizeof *crew->jobs);
            crew->count--;
            return;
        }
    ck_abort_msg("an item that was never handed out");
}

static void on_drop(void *self, struct work_item *item)
{
    struct crew *crew = self;
    forget(crew, item);
    crew->dropped++;
}

static enum trouble write_item(void *self, struct work_item *item, void *tag, struct outbox *outbox)
{
    struct crew *crew = self;
    const char *value = tag ? tag : "done";
    if (crew->refusals > 0) {
        crew->refusals--;
        return TROUBLE_ABORT_BATCH;
    }
    crew->written++;
    struct kafka_message message = { .topic = outbox_topic(outbox, TOPIC_RESULTS), .partition = -1,
                                     .key = item->key, .key_length = item->key_length,
                                     .value = value, .value_length = strlen(value) };
    return outbox_copy(outbox, &message, NULL);
}

static enum trouble write_note(void *self, struct work_item *item, struct outbox *outbox)
{
    struct crew *crew = self;
    if (crew->note_refusals > 0) {
        crew->note_refusals--;
        return TROUBLE_ABORT_BATCH;
    }
    crew->noted++;
    struct kafka_message message = { .topic = outbox_topic(outbox, TOPIC_RESULTS), .partition = -1,
                                     .key = item->key, .key_length = item->key_length,
                                     .value = "note", .value_length = 4 };
    return outbox_copy(outbox, &message, NULL);
}

static void on_ended(void *self, struct work_item *item, void *tag)
{
    struct crew *crew = self;
    (void)tag;
    forget(crew, item);
    crew->ended++;
}

static void on_intended(void *self, struct work_item *item)
{
    ck_assert_int_ne(item->intent_at_ms, 0);
    ((struct crew *)self)->intended++;
}

static void on_closed(void *self, struct work_item *item)
{
    ck_assert_int_eq(item->intent_at_ms, 0);
    ((struct crew *)self)->closed++;
}

static void on_revoking(void *self) { ((struct crew *)self)->revokings++; }

/* ---- open and turn */

static struct crew *open_with(const char *prefix, const char *instance, int64_t rewrite_after_ms,
                              int64_t commit_every_ms)
{
    static const enum topic writes[] = { TOPIC_RESULTS };
    struct crew *crew = xcalloc(1, sizeof *crew);
    char error[200];
    crew->properties[0] = (struct param_property){ "session.timeout.ms", "6000" };
    crew->properties[1] = (struct param_property){ "heartbeat.interval.ms", "500" };
    crew->settings = (struct worker_settings){
        .kafka_bootstrap_servers = broker_config("crew").bootstrap_servers, .topic_prefix = xstrdup(prefix),
        .instance_id = instance, .kafka = { crew->properties, 2 } };
    crew->metrics = metrics_open();
    crew->health = health_open("127.0.0.1:0", crew->metrics, 60000, error);
    ck_assert_msg(crew->health != NULL, "%s", error);
    struct workset_config config = { .worker = &crew->settings, .metrics = crew->metrics,
                                     .health = crew->health,
                                     .rewrite_after_ms = rewrite_after_ms,
                                     .commit_every_ms = commit_every_ms };
    struct workset_stage stage = {
        .program = PROGRAM, .reads = TOPIC_JOBS, .writes = writes, .write_count = 1, .self = crew,
        .read = read_item, .live = on_live, .drop = on_drop, .write = write_item, .ended = on_ended, .note = write_note,
        .intended = on_intended, .closed = on_closed, .revoking = on_revoking };
    crew->set = workset_open(&config, &stage);
    return crew;
}

struct crew *crew_open(const char *prefix, const char *instance, int64_t rewrite_after_ms)
{
    return open_with(prefix, instance, rewrite_after_ms, 0);
}

struct crew *crew_open_unhurried(const char *prefix, const char *instance, int64_t commit_every_ms)
{
    return open_with(prefix, instance, 3600000, commit_every_ms);
}

void crew_close(struct crew **closing)
{
    struct crew *crew = *closing;
    workset_close(&crew->set);
    ck_assert_uint_eq(crew->count, 0);
    ck_assert_int_eq(crew->live, crew->ended + crew->dropped);
    health_close(&crew->health);
    metrics_close(&crew->metrics);
    free((char *)crew->settings.topic_prefix);
    free(crew->jobs);
    free(crew);
    *closing = NULL;
}

static void turn(struct crew *crew)
{
    ck_assert_int_eq(workset_turn(crew->set), TROUBLE_NONE);
    struct pollfd wait = { .fd = workset_wake_fd(crew->set), .events = POLLIN };
    poll(&wait, 1, 20);
}

bool crew_until(struct crew *crew, bool (*what)(struct crew *crew), int most_ms)
{
    int64_t until_ms = clock_mono_ms() + most_ms;
    while (!what(crew)) {
        if (clock_mono_ms() > until_ms)
            return false;
        turn(crew);
    }
    return true;
}

void crew_turn_for(struct crew *crew, int for_ms)
{
    int64_t until_ms = clock_mono_ms() + for_ms;
    while (clock_mono_ms() < until_ms)
        turn(crew);
}

struct job *crew_job(struct crew *crew, const char *key)
{
    return (struct job *)workset_find(crew->set, key, strlen(key), NULL);
}

bool crew_quiet(struct crew *crew)
{
    return workset_restored(crew->set) && workset_live(crew->set) == 0;
}

/* ---- the group's offset */

static void on_assigned(void *self, int topic, int32_t partition, int64_t committed)
{
    (void)topic;
    ck_assert_int_eq(partition, 0);
    *(int64_t *)self = committed;
}

int64_t crew_committed(const char *prefix)
{
    int64_t committed = -2;
    struct worker_settings settings = { .topic_prefix = prefix };
    char *group = worker_group(&settings, PROGRAM);
    struct kafka_config config = broker_config("crew-offset");
    struct kafka_consumer_hooks hooks = { .self = &committed, .assigned = on_assigned };
    const char *topic = crew_topic(prefix, TOPIC_JOBS);
    struct kafka_consumer *consumer = kafka_consumer_open(&config, group, &topic, 1, &hooks);
    int64_t until_ms = clock_mono_ms() + 20000;
    while (committed == -2 && clock_mono_ms() < until_ms) {
        struct kafka_record record;
        enum trouble trouble;
        if (kafka_consumer_poll(consumer, 100, &record, &trouble) == KAFKA_RECORD)
            kafka_record_release(&record);
    }
    kafka_consumer_close(&consumer);
    free(group);
    return committed;
}
