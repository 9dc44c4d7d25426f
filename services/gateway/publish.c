#include "gateway/publish.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/pool.h"

#include "base/clock.h"
#include "base/xalloc.h"

enum { PUBLISHERS = 4 };                 /* each waits for its acknowledgement, some 3 ms */

struct publish {
    struct pool pool;
    struct kafka_publisher *publishers[PUBLISHERS];
    char *topics[TOPIC_COUNT];
    int timeout_ms;
};

struct publish *publish_open(const struct publish_config *config)
{
    struct publish *publish = xcalloc(1, sizeof *publish);
    publish->timeout_ms = config->timeout_ms;
    pool_open(&publish->pool);
    for (int i = 0; i < PUBLISHERS; i++) {
        publish->publishers[i] = kafka_publisher_open(&config->kafka);
        pool_give(&publish->pool, publish->publishers[i]);
    }
    for (int t = 0; t < TOPIC_COUNT; t++) {
        struct text name = { 0 };
        text_add_string(&name, config->topic_prefix);
        text_add_string(&name, TOPICS[t].name);
        publish->topics[t] = name.bytes;
    }
    return publish;
}

void publish_close(struct publish **closing)
{
    struct publish *publish = *closing;
    if (!publish)
        return;
    for (int i = 0; i < PUBLISHERS; i++)
        kafka_publisher_close(&publish->publishers[i]);
    for (int t = 0; t < TOPIC_COUNT; t++)
        free(publish->topics[t]);
    pool_close(&publish->pool);
    free(publish);
    *closing = NULL;
}

enum trouble publish_prewarm(struct publish *publish)
{
    static const enum topic topics[] = { TOPIC_REQUESTS, TOPIC_GRANTS };
    enum trouble trouble = TROUBLE_NONE;
    for (int i = 0; i < PUBLISHERS && trouble == TROUBLE_NONE; i++) {
        struct kafka_publisher *publisher = pool_take(&publish->pool, publish->timeout_ms);
        if (!publisher)
            return TROUBLE_RETRY;
        for (size_t t = 0; t < sizeof topics / sizeof topics[0] && trouble == TROUBLE_NONE; t++)
            trouble = kafka_publisher_prewarm(publisher, publish->topics[topics[t]], publish->timeout_ms);
        pool_give_last(&publish->pool, publisher);
    }
    return trouble;
}

const char *publish_topic(const struct publish *publish, enum topic topic)
{
    return publish->topics[topic];
}

enum trouble publish_message(struct publish *publish, const struct kafka_message *message,
                             struct published *published)
{
    struct kafka_publisher *publisher = pool_take(&publish->pool, publish->timeout_ms);
    if (!publisher)
        return TROUBLE_RETRY;
    enum trouble trouble = kafka_publish(publisher, message, publish->timeout_ms, &published->partition,
                                         &published->offset);
    pool_give(&publish->pool, publisher);
    return trouble;
}

static struct kafka_header header(const char *name, const char *value)
{
    return (struct kafka_header){ .name = name, .value = value, .length = strlen(value) };
}

enum trouble publish_event(struct publish *publish, const struct event *event, const char *by,
                           const char *traceparent, struct published *published)
{
    struct text value = { 0 }, ce_id = { 0 };
    char now[RFC3339_BYTES], trace[TRACEPARENT_BYTES];
    event_encode(event, &value);
    event_ce_id(event, NULL, &ce_id);
    clock_format(clock_wall_ms(), now);
    traceparent_child(traceparent, traceparent ? strlen(traceparent) : 0, trace);
    const struct kafka_header headers[] = {
        header("ce_specversion", "1.0"), header("ce_id", ce_id.bytes),
        header("ce_type", EVENTS[event->type].ce_type), header("ce_source", "reelgate-gateway"),
        header("ce_time", now), header("ce_subject", event_subject(event)),
        header("content-type", "application/json"), header("traceparent", trace), header("by", by ? by : ""),
    };
    const struct kafka_message message = {
        .topic = publish->topics[EVENTS[event->type].topic], .partition = -1,
        .key = event->user_id, .key_length = strlen(event->user_id),
        .value = value.bytes, .value_length = value.length,
        .headers = headers, .header_count = sizeof headers / sizeof headers[0] - !by,
    };
    enum trouble trouble = publish_message(publish, &message, published);
    text_free(&value);
    text_free(&ce_id);
    return trouble;
}
