/* A client's producer: one message at a time, acknowledged or not. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/admin.h"
#include "kafka/priv.h"

struct kafka_publisher { struct kafka_config config; rd_kafka_t *handle; struct kafka_link *link; };

/* What became of one message. Not on the caller's stack: a report may come after its caller has gone on. */
struct delivery { int references; bool over; rd_kafka_resp_err_t code; int32_t partition; int64_t offset; };

static const struct kafka_row PUBLISHER_ROWS[] = {
    { "enable.idempotence", "true", true },
    { "acks", "all", true },
    { "partitioner", "murmur2_random", true },
    { "allow.auto.create.topics", "false", true },
    { "linger.ms", "0", false },
    { "message.timeout.ms", "30000", false },
};
const struct kafka_rows KAFKA_PUBLISHER = { "publisher", PUBLISHER_ROWS, sizeof PUBLISHER_ROWS / sizeof PUBLISHER_ROWS[0] };

static void delivery_drop(struct delivery *delivery)
{
    if (--delivery->references == 0)
        free(delivery);
}

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    struct delivery *delivery = message->_private;
    (void)handle;
    (void)opaque;
    delivery->over = true;
    delivery->code = message->err;
    delivery->partition = message->partition;
    delivery->offset = message->offset;
    delivery_drop(delivery);
}

static void publisher_start(struct kafka_publisher *publisher)
{
    publisher->link = kafka_link_new(publisher, "publisher", publisher->config.client_id);
    rd_kafka_conf_t *conf = kafka_conf(&publisher->config, publisher->link, &KAFKA_PUBLISHER);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    publisher->handle = kafka_handle(RD_KAFKA_PRODUCER, conf);
}

static void publisher_end(struct kafka_publisher *publisher)
{
    rd_kafka_purge(publisher->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(publisher->handle, 1000);         /* the last reports free their deliveries */
    kafka_handle_end(&publisher->handle, &publisher->link, 0, 5000);
}

struct kafka_publisher *kafka_publisher_open(const struct kafka_config *config)
{
    struct kafka_publisher *publisher = xcalloc(1, sizeof *publisher);
    publisher->config = kafka_config_copy(config);
    publisher_start(publisher);
    return publisher;
}

void kafka_publisher_close(struct kafka_publisher **publisher)
{
    if (!*publisher)
        return;
    publisher_end(*publisher);
    kafka_config_free(&(*publisher)->config);
    free(*publisher);
    *publisher = NULL;
}

/* The topic's handle is not kept: librdkafka keeps the topic itself for as long as the producer lives. */
enum trouble kafka_publisher_prewarm(struct kafka_publisher *publisher, const char *topic, int timeout_ms)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(publisher->handle, topic, NULL);
    must(handle);
    enum trouble trouble = kafka_prewarm(publisher->handle, publisher->link, handle, timeout_ms);
    rd_kafka_topic_destroy(handle);
    return trouble;
}

static rd_kafka_resp_err_t message_send(struct kafka_publisher *publisher,
                                        const struct kafka_message *message, struct delivery *delivery)
{
    rd_kafka_headers_t *headers = kafka_headers(message->headers, message->header_count);
    rd_kafka_resp_err_t code = rd_kafka_producev(publisher->handle, RD_KAFKA_V_TOPIC(message->topic),
        RD_KAFKA_V_PARTITION(message->partition), RD_KAFKA_V_KEY(message->key, message->key_length),
        RD_KAFKA_V_VALUE((void *)message->value, message->value_length),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(delivery), RD_KAFKA_V_END);
    if (code && headers)
        rd_kafka_headers_destroy(headers);
    if (!code)
        delivery->references++;
    return code;
}

static enum trouble delivery_judge(const struct delivery *delivery, const char *topic)
{
    if (!delivery->over)
        return TROUBLE_RETRY;
    switch ((int)delivery->code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return TROUBLE_NONE;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT: case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT: case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE: case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__FATAL: case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        log_warn("kafka_publish_failed", LOG_TEXT("topic", topic),
                 LOG_TEXT("error_code", rd_kafka_err2name(delivery->code)));
        return TROUBLE_RETRY;
    default:
        log_error("kafka_publish_refused", LOG_TEXT("topic", topic),
                  LOG_TEXT("error_code", rd_kafka_err2name(delivery->code)));
        return TROUBLE_RESTART;
    }
}

enum trouble kafka_publish(struct kafka_publisher *publisher, const struct kafka_message *message,
                           int timeout_ms, int32_t *partition, int64_t *offset)
{
    /* "sequence desynchronization" and its like: start over */
    if (rd_kafka_fatal_error(publisher->handle, NULL, 0)) {
        publisher_end(publisher);
        publisher_start(publisher);
    }
    int64_t until_ms = clock_mono_ms() + timeout_ms;
    struct delivery *delivery = xcalloc(1, sizeof *delivery);
    delivery->references = 1;
    rd_kafka_resp_err_t code = message_send(publisher, message, delivery);
    if (code) {
        delivery->over = true;
        delivery->code = code;
    }
    while (!delivery->over && clock_mono_ms() < until_ms)
        rd_kafka_poll(publisher->handle, 50);
    enum trouble trouble = delivery_judge(delivery, message->topic);
    if (trouble == TROUBLE_NONE) {
        kafka_link_heard(publisher->link);
        if (partition)
            *partition = delivery->partition;
        if (offset)
            *offset = delivery->offset;
    }
    delivery_drop(delivery);
    return trouble;
}
