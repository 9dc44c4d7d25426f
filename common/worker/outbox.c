#include "worker/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"

enum {
    OWN_HEADERS = 16,                /* ours on any message */
    REASONS_MAX = 32,                /* different dead-letter codes in one transaction */
    NUMBER_BYTES = 24,
};

struct reason { char code[33]; int64_t count; };

struct outbox {
    char *program, *group;
    struct kafka_producer *producer;
    struct metrics *metrics;
    char *topics[TOPIC_COUNT];
    int32_t journal_partitions;      /* 0: not known yet */
    struct text value, ce_id;
    struct kafka_header *headers;    /* of the message at hand; grows to the widest dead letter */
    size_t header_count, header_capacity;
    struct reason reasons[REASONS_MAX];      /* dead letters of the open transaction */
    int reason_count;
};

struct outbox *outbox_open(const struct outbox_config *config)
{
    struct outbox *outbox = xcalloc(1, sizeof *outbox);
    outbox->program = xstrdup(config->program);
    outbox->group = xstrdup(config->group);
    outbox->producer = config->producer;
    outbox->metrics = config->metrics;
    for (int i = 0; i < TOPIC_COUNT; i++) {
        struct text name = { 0 };
        text_add_string(&name, config->topic_prefix);
        text_add_string(&name, TOPICS[i].name);
        outbox->topics[i] = name.bytes;
    }
    outbox->header_capacity = OWN_HEADERS;
    outbox->headers = xcalloc(outbox->header_capacity, sizeof *outbox->headers);
    return outbox;
}

void outbox_close(struct outbox **outbox)
{
    struct outbox *self = *outbox;
    if (!self)
        return;
    for (int i = 0; i < TOPIC_COUNT; i++)
        free(self->topics[i]);
    free(self->program);
    free(self->group);
    free(self->headers);
    text_free(&self->value);
    text_free(&self->ce_id);
    free(self);
    *outbox = NULL;
}

void outbox_journal_partitions(struct outbox *outbox, int32_t partitions)
{
    must(partitions > 0);
    outbox->journal_partitions = partitions;
}

const char *outbox_topic(const struct outbox *outbox, enum topic topic)
{
    return outbox->topics[topic];
}

/* ---- headers */

static void add_header(struct outbox *outbox, const char *name, const char *value, size_t length)
{
    if (outbox->header_count == outbox->header_capacity) {
        outbox->header_capacity *= 2;
        outbox->headers = xrealloc(outbox->headers, outbox->header_capacity * sizeof *outbox->headers);
    }
    outbox->headers[outbox->header_count++] = (struct kafka_header){ name, value, length };
}

static void add_text(struct outbox *outbox, const char *name, const char *value)
{
    add_header(outbox, name, value, strlen(value));
}

static size_t number_text(char out[NUMBER_BYTES], int64_t value)
{
    return (size_t)snprintf(out, NUMBER_BYTES, "%lld", (long long)value);
}

/* ---- events */

static const char *key_of(const struct event *event, enum topic topic)
{
    return TOPICS[topic].key == TOPIC_KEY_GENERATION ? event->generation_id : event->user_id;
}

static int32_t partition_of(const struct outbox *outbox, const char *key, enum topic topic)
{
    if (topic != TOPIC_JOURNAL)
        return -1;
    must(key && outbox->journal_partitions > 0);
    return bucket_of(key, strlen(key), outbox->journal_partitions);
}

enum trouble outbox_event(struct outbox *outbox, const struct event *event, enum topic topic,
                          const struct kafka_header *traceparent, const char *origin)
{
    char time[RFC3339_BYTES], trace[TRACEPARENT_BYTES];
    const char *key = key_of(event, topic);
    clock_format(event->at != EVENT_ABSENT ? event->at : clock_wall_ms(), time);
    traceparent_child(traceparent ? traceparent->value : NULL, traceparent ? traceparent->length : 0, trace);
    event_ce_id(event, origin, &outbox->ce_id);
    text_clear(&outbox->value);
    event_encode(event, &outbox->value);

    outbox->header_count = 0;
    add_header(outbox, "ce_specversion", "1.0", 3);
    add_header(outbox, "ce_id", outbox->ce_id.bytes, outbox->ce_id.length);
    add_text(outbox, "ce_type", EVENTS[event->type].ce_type);
    add_text(outbox, "ce_source", outbox->program);
    add_header(outbox, "ce_time", time, RFC3339_BYTES - 1);
    if (event_subject(event))
        add_text(outbox, "ce_subject", event_subject(event));
    add_header(outbox, "content-type", "application/json", sizeof "application/json" - 1);
    add_header(outbox, "traceparent", trace, TRACEPARENT_BYTES - 1);

    const struct kafka_message message = {
        .topic = outbox->topics[topic], .partition = partition_of(outbox, key, topic),
        .key = key, .key_length = key ? strlen(key) : 0,
        .value = outbox->value.bytes, .value_length = outbox->value.length,
        .headers = outbox->headers, .header_count = outbox->header_count,
    };
    return kafka_producer_produce(outbox->producer, &message, NULL);
}

enum trouble outbox_copy(struct outbox *outbox, const struct kafka_message *message, int64_t *delivered)
{
    return kafka_producer_produce(outbox->producer, message, delivered);
}

/* ---- dead letters */

static void count_reason(struct outbox *outbox, const char *code)
{
    int i = 0;
    while (i < outbox->reason_count && strncmp(outbox->reasons[i].code, code,
                                               sizeof outbox->reasons[i].code - 1) != 0)
        i++;
    if (i == REASONS_MAX)
        i = REASONS_MAX - 1;
    if (i == outbox->reason_count) {
        snprintf(outbox->reasons[i].code, sizeof outbox->reasons[i].code, "%s", code);
        outbox->reasons[i].count = 0;
        outbox->reason_count++;
    }
    outbox->reasons[i].count++;
}

/* A record of a well-compressed batch can be larger than any topic takes; a letter that can't be written
 * would stop its partition for ever. Such a one is named, not copied: it still lies where it came from. */
static bool letter_fits(const struct kafka_record *record)
{
    struct kafka_header header;
    size_t bytes = record->key_length + record->value_length;
    for (size_t i = 0; kafka_record_header_at(record, i, &header); i++)
        bytes += strlen(header.name) + header.length;
    return bytes <= OUTBOX_LETTER_BYTES_MAX;
}

enum trouble outbox_dead_letter(struct outbox *outbox, const struct kafka_record *record, enum topic topic,
                                const char *code, const char *message)
{
    char partition[NUMBER_BYTES], offset[NUMBER_BYTES], timestamp[NUMBER_BYTES], now[RFC3339_BYTES];
    const bool whole = letter_fits(record);
    outbox->header_count = 0;
    struct kafka_header header;
    for (size_t i = 0; whole && kafka_record_header_at(record, i, &header); i++)
        add_header(outbox, header.name, header.value, header.length);
    if (!whole)
        add_text(outbox, "dlq-omitted", "key, value and headers: too large to copy, see the origin");
    clock_format(clock_wall_ms(), now);
    add_text(outbox, "dlq-original-topic", outbox->topics[topic]);
    add_header(outbox, "dlq-original-partition", partition, number_text(partition, record->partition));
    add_header(outbox, "dlq-original-offset", offset, number_text(offset, record->offset));
    add_header(outbox, "dlq-original-timestamp", timestamp, number_text(timestamp, record->timestamp_ms));
    add_text(outbox, "dlq-original-consumer-group", outbox->group);
    add_text(outbox, "dlq-error-code", code);
    add_text(outbox, "dlq-error-message", message);
    add_text(outbox, "dlq-attempts", "1");       /* what can't be understood is not tried again */
    add_text(outbox, "dlq-first-failed-at", now);
    add_text(outbox, "dlq-service", outbox->program);
    add_text(outbox, "dlq-version", REELGATE_VERSION);
    count_reason(outbox, code);
    const struct kafka_message letter = {
        .topic = outbox->topics[TOPIC_DEAD_LETTERS], .partition = -1,
        .key = whole ? record->key : NULL, .key_length = whole ? record->key_length : 0,
        .value = whole ? record->value : NULL, .value_length = whole ? record->value_length : 0,
        .headers = outbox->headers, .header_count = outbox->header_count,
    };
    return kafka_producer_produce(outbox->producer, &letter, NULL);
}

void outbox_settled(struct outbox *outbox, bool committed)
{
    for (int i = 0; committed && outbox->metrics && i < outbox->reason_count; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "reason=\"%s\"", outbox->reasons[i].code);
        metric_add(metrics_counter(outbox->metrics, "reelgate_dlq_records_total", labels,
                                   "Records sent to the dead-letter topic, by reason."),
                                       outbox->reasons[i].count);
    }
    outbox->reason_count = 0;
}

/* ---- marks */

enum trouble outbox_mark(struct outbox *outbox, enum topic topic, int32_t partition, const char *key,
                         size_t key_length,
                         enum mark mark, int64_t item_offset, int attempt, int64_t *delivered)
{
    static const char *const names[] = { [MARK_DONE] = "done", [MARK_INTENT] = "intent",
                                         [MARK_CLOSE] = "close" };
    char item[NUMBER_BYTES], attempt_text[NUMBER_BYTES];
    outbox->header_count = 0;
    add_text(outbox, "mark", names[mark]);
    add_header(outbox, "item", item, number_text(item, item_offset));
    add_header(outbox, "attempt", attempt_text, number_text(attempt_text, attempt));
    const struct kafka_message message = {
        .topic = outbox->topics[topic], .partition = partition, .key = key, .key_length = key_length,
        .headers = outbox->headers, .header_count = outbox->header_count,
    };
    return kafka_producer_produce(outbox->producer, &message, delivered);
}

/* ---- reading */

void record_source(const struct kafka_record *record, enum topic topic, struct event_source *source)
{
    *source = (struct event_source){ .value = record->value, .length = record->value_length, .topic = topic };
    if (!kafka_record_header(record, "content-type", &source->content_type, &source->content_type_length))
        source->content_type = NULL;
    if (!kafka_record_header(record, "ce_type", &source->ce_type, &source->ce_type_length))
        source->ce_type = NULL;
}

void record_traceparent(const struct kafka_record *record, struct kafka_header *header)
{
    *header = (struct kafka_header){ .name = "traceparent" };
    if (!kafka_record_header(record, "traceparent", &header->value, &header->length))
        header->value = NULL;
}
