/* A group member: open, poll, close. Assignments are in rebalance.c. */
#include "kafka/consumer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/consumer_priv.h"

enum { CLOSE_MS = 10000, DESTROY_MS = 5000 };

/* What waits in the consumer, all partitions together, is queued.*: it bounds idle memory. Who reaches one of the two is
 * not looked at again for a second (librdkafka #2879; a setting only since 2.2): where a backlog must be read at full
 * speed, more than a second's work must fit. */
#define CONSUMER_ROWS_WITH(messages, kbytes) { \
    { "isolation.level", "read_committed", true }, \
    { "partition.assignment.strategy", "range,roundrobin", true },      /* eager; see the header */ \
    { "enable.auto.commit", "false", true }, \
    { "enable.auto.offset.store", "false", true }, \
    { "auto.offset.reset", "error", true },      /* never skip in silence what retention took away */ \
    { "enable.partition.eof", "true", true }, \
    { "check.crcs", "true", true }, \
    { "allow.auto.create.topics", "false", true }, \
    { "session.timeout.ms", "10000", false }, \
    { "heartbeat.interval.ms", "1500", false }, \
    { "fetch.wait.max.ms", "100", false }, \
    { "fetch.error.backoff.ms", "50", false }, \
    { "fetch.max.bytes", "4194304", false }, \
    { "queued.min.messages", messages, false }, \
    { "queued.max.messages.kbytes", kbytes, false }, \
    /* a topic that appears late is found within this */ \
    { "topic.metadata.refresh.interval.ms", "10000", false }, \
}
static const struct kafka_row CONSUMER_ROWS[] = CONSUMER_ROWS_WITH("5000", "8192");
static const struct kafka_row BACKLOG_ROWS[] = CONSUMER_ROWS_WITH("60000", "32768");
enum { ROWS = sizeof CONSUMER_ROWS / sizeof CONSUMER_ROWS[0] };
const struct kafka_rows KAFKA_CONSUMER = { "consumer", CONSUMER_ROWS, ROWS };
const struct kafka_rows KAFKA_BACKLOG_CONSUMER = { "backlog consumer", BACKLOG_ROWS, ROWS };

static void handle_open(struct kafka_consumer *consumer)
{
    consumer->link = kafka_link_new(consumer, "consumer", consumer->group);
    rd_kafka_conf_t *conf = kafka_conf(&consumer->config, consumer->link, consumer->config.reads_backlogs
                                       ? &KAFKA_BACKLOG_CONSUMER : &KAFKA_CONSUMER);
    char why[200];
    must(rd_kafka_conf_set(conf, "group.id", consumer->group, why, sizeof why) == RD_KAFKA_CONF_OK);
    rd_kafka_conf_set_rebalance_cb(conf, kafka_consumer_rebalance);
    consumer->handle = kafka_handle(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer->handle);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->handle);
    rd_kafka_queue_io_event_enable(consumer->queue, consumer->wake[1], "w", 1);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(consumer->topic_count);
    for (int i = 0; i < consumer->topic_count; i++)
        rd_kafka_topic_partition_list_add(list, consumer->topics[i], RD_KAFKA_PARTITION_UA);
    must(rd_kafka_subscribe(consumer->handle, list) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    consumer->rejoin = false;
}

/* Leaves the group through a queue that we serve ourselves, so that a close that hangs (#4187, #4724) can be
 * left behind: the group then takes the partitions away after the session time-out. */
static void handle_close(struct kafka_consumer *consumer)
{
    rd_kafka_queue_t *rest = rd_kafka_queue_new(consumer->handle);
    rd_kafka_queue_io_event_enable(consumer->queue, -1, NULL, 0);
    consumer->closing = true;
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->handle, rest);
    int64_t until_ms = clock_mono_ms() + CLOSE_MS;
    bool closed = error != NULL;         /* a fatal error: nothing to leave */
    while (!closed && clock_mono_ms() < until_ms) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(rest, 50);
        /* this queue gives no callbacks */
        if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            kafka_consumer_rebalance(consumer->handle, rd_kafka_event_error(event),
                                     rd_kafka_event_topic_partition_list(event), consumer->link);
        if (event)
            rd_kafka_event_destroy(event);
        closed = rd_kafka_consumer_closed(consumer->handle);
    }
    if (error)
        rd_kafka_error_destroy(error);
    if (!closed)
        log_warn("kafka_close_left", LOG_TEXT("group", consumer->group), LOG_NUMBER("waited_ms", CLOSE_MS));
    if (consumer->held)
        kafka_consumer_revoke_all(consumer, true);
    consumer->closing = consumer->joined = false;
    rd_kafka_queue_destroy(rest);
    rd_kafka_queue_destroy(consumer->queue);
    consumer->queue = NULL;
    kafka_handle_end(&consumer->handle, &consumer->link, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE, DESTROY_MS);
}

struct kafka_consumer *kafka_consumer_open(const struct kafka_config *config, const char *group,
                                           const char *const *topics, int count,
                                               const struct kafka_consumer_hooks *hooks)
{
    struct kafka_consumer *consumer = xcalloc(1, sizeof *consumer);
    consumer->config = kafka_config_copy(config);
    consumer->group = xstrdup(group);
    consumer->topics = xcalloc((size_t)count, sizeof *consumer->topics);
    for (int i = 0; i < count; i++)
        consumer->topics[i] = xstrdup(topics[i]);
    consumer->topic_count = count;
    consumer->slots = xcalloc((size_t)count, sizeof *consumer->slots);
    if (hooks)
        consumer->hooks = *hooks;
    must(pipe2(consumer->wake, O_NONBLOCK | O_CLOEXEC) == 0);
    handle_open(consumer);
    return consumer;
}

void kafka_consumer_close(struct kafka_consumer **closing)
{
    struct kafka_consumer *consumer = *closing;
    if (!consumer)
        return;
    handle_close(consumer);
    for (int i = 0; i < consumer->topic_count; i++) {
        free(consumer->slots[i].rows);
        free(consumer->topics[i]);
    }
    free(consumer->slots);
    free(consumer->topics);
    free(consumer->group);
    close(consumer->wake[0]);
    close(consumer->wake[1]);
    kafka_config_free(&consumer->config);
    free(consumer);
    *closing = NULL;
}

int kafka_consumer_topic(const struct kafka_consumer *consumer, const char *name)
{
    for (int i = 0; i < consumer->topic_count; i++)
        if (strcmp(consumer->topics[i], name) == 0)
            return i;
    return -1;
}

/* Polls; when nothing is queued, first empties the wake pipe and looks again, so that no wake-up is lost
 * between. */
static rd_kafka_message_t *message_next(struct kafka_consumer *consumer, int timeout_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->handle, 0);
    if (message)
        return message;
    char bytes[64];
    while (read(consumer->wake[0], bytes, sizeof bytes) > 0)
        continue;
    return rd_kafka_consumer_poll(consumer->handle, timeout_ms);
}

static enum kafka_event record_event(struct kafka_consumer *consumer, rd_kafka_message_t *message,
                                     struct kafka_record *record)
{
    int topic = kafka_consumer_topic(consumer, rd_kafka_topic_name(message->rkt));
    struct slot *slot = topic < 0 ? NULL : kafka_consumer_slot(consumer, topic, message->partition);
    if (!slot) {                             /* of an assignment that is over */
        rd_kafka_message_destroy(message);
        return KAFKA_NOTHING;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        int64_t low, high = message->offset;
        rd_kafka_get_watermark_offsets(consumer->handle, consumer->topics[topic], message->partition, &low,
                                       &high);
        slot->position = message->offset;
        slot->high_at_end = high;
        *record = (struct kafka_record){ .topic = topic, .partition = message->partition,
                                         .offset = message->offset,
                                         .timestamp_ms = -1 };
        rd_kafka_message_destroy(message);
        return KAFKA_END;
    }
    slot->position = message->offset + 1;
    slot->high_at_end = -1;
    kafka_record_fill(record, topic, message);
    return KAFKA_RECORD;
}

static enum kafka_event restart(struct kafka_consumer *consumer, enum trouble *trouble)
{
    consumer->stopped = true;
    *trouble = TROUBLE_RESTART;
    return KAFKA_TROUBLE;
}

/* What is not a record. Most of it passes by itself: librdkafka goes on trying. */
static enum kafka_event error_event(struct kafka_consumer *consumer, rd_kafka_message_t *message,
                                    enum trouble *trouble)
{
    rd_kafka_resp_err_t code = message->err;
    const char *topic = message->rkt ? rd_kafka_topic_name(message->rkt) : NULL;
    const char *words = rd_kafka_message_errstr(message);
    enum kafka_event event = KAFKA_NOTHING;
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        log_error("kafka_offset_gone", LOG_TEXT("group", consumer->group), LOG_TEXT("topic", topic),
                  LOG_NUMBER("partition", message->partition), LOG_TEXT("text", words),
                  LOG_TEXT("meaning", "the group's committed offset is no longer in the topic: records were "
                           "deleted before they were read; set the group's offset deliberately, then start "
                           "again"));
        event = restart(consumer, trouble);
    } else if (code == RD_KAFKA_RESP_ERR__BAD_MSG || code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION) {
        log_error("kafka_record_corrupt", LOG_TEXT("topic", topic),
                  LOG_NUMBER("partition", message->partition),
                  LOG_NUMBER("offset", message->offset), LOG_TEXT("text", words));
        event = restart(consumer, trouble);
    } else if (code == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_fatal_error(consumer->handle, NULL, 0)) {
        log_error("kafka_consumer_fatal", LOG_TEXT("group", consumer->group), LOG_TEXT("text", words));
        kafka_consumer_rejoin(consumer);
    } else if (kafka_link_may_say(consumer->link, rd_kafka_err2name(code))) {
        log_warn("kafka_consumer_waits", LOG_TEXT("group", consumer->group), LOG_TEXT("topic", topic),
                 LOG_TEXT("error_code", rd_kafka_err2name(code)), LOG_TEXT("text", words));
    }
    rd_kafka_message_destroy(message);
    return event;
}

enum kafka_event kafka_consumer_poll(struct kafka_consumer *consumer, int timeout_ms,
                                     struct kafka_record *record, enum trouble *trouble)
{
    *trouble = TROUBLE_NONE;
    if (consumer->stopped)
        return restart(consumer, trouble);
    if (consumer->rejoin && clock_mono_ms() >= consumer->rejoin_at_ms) {
        handle_close(consumer);
        handle_open(consumer);
    }
    rd_kafka_message_t *message = message_next(consumer, timeout_ms);
    if (!message)
        return KAFKA_NOTHING;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        kafka_link_heard(consumer->link);
        return record_event(consumer, message, record);
    }
    return error_event(consumer, message, trouble);
}

int kafka_consumer_wake_fd(struct kafka_consumer *consumer) { return consumer->wake[0]; }

void kafka_consumer_nudge(struct kafka_consumer *consumer)
{
    /* A full pipe is readable already. */
    if (write(consumer->wake[1], "n", 1) < 0)
        must(errno == EAGAIN || errno == EINTR);
}
