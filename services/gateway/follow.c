#include "gateway/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/letters.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/outbox.h"

enum { OPEN_TIMEOUT_MS = 3000, OPEN_TURN_MS = 500, RECORDS_A_TURN = 5000 };

static const enum topic FOLLOWED[] = { TOPIC_REQUESTS, TOPIC_RESULTS, TOPIC_JOURNAL, TOPIC_DEAD_LETTERS };
enum { FOLLOWED_COUNT = sizeof FOLLOWED / sizeof FOLLOWED[0] };

struct follow {
    struct follow_config config;
    struct kafka_client *client;
    struct kafka_reader *reader;
    int32_t partitions[FOLLOWED_COUNT];
    int topic; int32_t partition;        /* to be opened next */
    bool opened, caught_up;
};

struct follow *follow_open(const struct follow_config *config)
{
    struct follow *follow = xcalloc(1, sizeof *follow);
    follow->config = *config;
    follow->client = kafka_client_open(&config->kafka);
    return follow;
}

void follow_close(struct follow **closing)
{
    struct follow *follow = *closing;
    if (!follow)
        return;
    kafka_reader_close(&follow->reader);
    kafka_client_close(&follow->client);
    free(follow);
    *closing = NULL;
}

bool follow_caught_up(const struct follow *follow)
{
    return follow->caught_up;
}

int32_t follow_journal_partitions(const struct follow *follow)
{
    for (int t = 0; t < FOLLOWED_COUNT; t++)
        if (FOLLOWED[t] == TOPIC_JOURNAL)
            return follow->partitions[t];
    unreachable();
}

/* ---- opening */

static void topic_name(const struct follow *follow, enum topic topic, char out[256])
{
    snprintf(out, 256, "%s%s", follow->config.topic_prefix, TOPICS[topic].name);
}

static enum trouble add_partition(struct follow *follow, enum topic topic, int32_t partition,
                                  int32_t partitions)
{
    char name[256];
    int64_t low, high;
    topic_name(follow, topic, name);
    enum trouble trouble = kafka_client_watermarks(follow->client, name, partition, &low, &high,
                                                   OPEN_TIMEOUT_MS);
    if (trouble != TROUBLE_NONE)
        return trouble;
    int64_t from = high - follow->config.records_max > low ? high - follow->config.records_max : low;
    trouble = kafka_reader_add(follow->reader, name, partition, from, OPEN_TIMEOUT_MS);
    if (trouble == TROUBLE_NONE) {
        view_lock(follow->config.view);
        view_floor(follow->config.view, topic, partition, partitions, from);
        view_unlock(follow->config.view);
    }
    return trouble;
}

/* The next one that is not open yet. What is open stays so: with a slow broker sixty questions take their
 * time, and one that goes unanswered must not undo the others. */
static enum trouble open_next(struct follow *follow)
{
    char name[256];
    enum topic topic = FOLLOWED[follow->topic];
    int32_t *partitions = &follow->partitions[follow->topic];
    topic_name(follow, topic, name);
    enum trouble trouble = *partitions > 0 ? TROUBLE_NONE
        : kafka_client_partitions(follow->client, name, partitions, OPEN_TIMEOUT_MS);
    if (trouble == TROUBLE_NONE)
        trouble = add_partition(follow, topic, follow->partition, *partitions);
    if (trouble != TROUBLE_NONE)
        return trouble;
    if (++follow->partition == *partitions) {
        follow->partition = 0;
        follow->opened = ++follow->topic == FOLLOWED_COUNT;
    }
    return TROUBLE_NONE;
}

/* Some of them: the loop must turn. */
static enum trouble open_some(struct follow *follow, int64_t until_ms)
{
    enum trouble trouble = TROUBLE_NONE;
    if (!follow->reader)
        follow->reader = kafka_reader_open(&follow->config.kafka);
    while (!follow->opened && trouble == TROUBLE_NONE && clock_mono_ms() < until_ms)
        trouble = open_next(follow);
    return trouble;
}

/* ---- reading */

static void take_event(struct follow *follow, enum topic topic, const struct kafka_record *record)
{
    struct event_source source;
    struct event event;
    struct decode_error error;
    record_source(record, topic, &source);
    enum decode answer = event_decode(&source, &event, &error);
    if (answer == DECODE_OK && EVENTS[event.type].topic == topic) {
        view_lock(follow->config.view);
        view_take(follow->config.view, &(struct place){ .topic = topic, .partition = record->partition,
            .offset = record->offset, .at_ms = record->timestamp_ms }, &event);
        view_unlock(follow->config.view);
    }
    if (answer != DECODE_MALFORMED)
        event_clear(&event);
}

static void take(struct follow *follow, const struct kafka_record *record)
{
    enum topic topic = FOLLOWED[record->topic];
    if (topic == TOPIC_DEAD_LETTERS)
        letter_take(follow->config.view, record);
    else if (record->value_length > 0)
        take_event(follow, topic, record);
}

enum trouble follow_turn(struct follow *follow, int wait_ms)
{
    enum trouble trouble = follow->opened ? TROUBLE_NONE : open_some(follow, clock_mono_ms() + OPEN_TURN_MS);
    if (trouble != TROUBLE_NONE || !follow->opened)
        return trouble;
    struct kafka_record record;
    for (int i = 0; i < RECORDS_A_TURN; i++) {
        enum kafka_event heard = kafka_reader_poll(follow->reader, i == 0 ? wait_ms : 0, &record, &trouble);
        if (heard == KAFKA_TROUBLE)
            return trouble;
        if (heard == KAFKA_NOTHING)
            break;
        if (heard == KAFKA_RECORD) {
            take(follow, &record);
            kafka_record_release(&record);
        }
    }
    if (!follow->caught_up && kafka_reader_done(follow->reader)) {
        follow->caught_up = true;
        view_lock(follow->config.view);
        view_is_caught_up(follow->config.view, clock_wall_ms());
        view_unlock(follow->config.view);
    }
    return TROUBLE_NONE;
}
