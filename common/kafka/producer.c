/* A transactional producer: one transaction after the other on a handle that is made anew whenever it can't
 * be trusted.
 *
 * Hazards K1, K2, K5, K6: a time-out is fatal for the handle, an answer that did not come leaves the end of a
 * transaction unknown, and an abort may overtake the first produce. So every indefinite or fatal answer is
 * RENEW: a new handle with the same transactional id fences the old one, and the broker ends what it left
 * open. */
#include "kafka/producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/producer_priv.h"

enum { IDLE_MS = 24 * 3600 * 1000, DESTROY_MS = 5000, FLUSH_BEFORE_ABORT_MS = 1000, FLUSH_BROKEN_MS = 200 };

static const struct kafka_row PRODUCER_ROWS[] = {
    { "enable.idempotence", "true", true },
    { "acks", "all", true },
    { "partitioner", "murmur2_random", true },           /* other languages' clients land keys alike */
    { "allow.auto.create.topics", "false", true },
    { "transaction.timeout.ms", "10000", false },
    { "linger.ms", "5", false },                         /* flush does not wait for it */
    /* a transaction right behind another waits for its markers */
    { "retry.backoff.ms", "5", false },
    { "compression.type", "lz4", false },
    /* the topic decides: a dead letter is larger than its original */
    { "message.max.bytes", "8388608", false },
    { "queue.buffering.max.kbytes", "65536", false },
    { "batch.size", "262144", false },
    { "topic.metadata.refresh.interval.ms", "60000", false },
};
const struct kafka_rows KAFKA_PRODUCER = { "producer", PRODUCER_ROWS, sizeof PRODUCER_ROWS / sizeof PRODUCER_ROWS[0] };

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_producer *producer = ((struct kafka_link *)opaque)->owner;
    (void)handle;
    if (message->err) {
        producer->failed++;
        producer->failure = message->err;
    } else if (message->_private) {
        *(int64_t *)message->_private = message->offset;
    }
}

struct kafka_producer *kafka_producer_open(const struct kafka_config *config, const char *transactional_id)
{
    struct kafka_producer *producer = xcalloc(1, sizeof *producer);
    producer->config = kafka_config_copy(config);
    producer->transactional_id = xstrdup(transactional_id);
    producer->lost = "start";
    return producer;
}

static void handle_open(struct kafka_producer *producer)
{
    char value[32] = "10000", why[200];
    size_t length = sizeof value;
    producer->link = kafka_link_new(producer, "producer", producer->transactional_id);
    rd_kafka_conf_t *conf = kafka_conf(&producer->config, producer->link, &KAFKA_PRODUCER);
    must(rd_kafka_conf_set(conf, "transactional.id", producer->transactional_id, why, sizeof why)
         == RD_KAFKA_CONF_OK);
    must(rd_kafka_conf_get(conf, "transaction.timeout.ms", value, &length) == RD_KAFKA_CONF_OK);
    producer->timeout_ms = strtoll(value, NULL, 10);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);      /* without it flush waits in steps of 10 ms */
    producer->handle = kafka_handle(RD_KAFKA_PRODUCER, conf);
}

static void handle_close(struct kafka_producer *producer)
{
    for (size_t i = 0; i < producer->topic_count; i++) {
        rd_kafka_topic_destroy(producer->topics[i].handle);
        free(producer->topics[i].name);
    }
    producer->topic_count = 0;
    if (producer->handle)
        rd_kafka_purge(producer->handle,
                       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    kafka_handle_end(&producer->handle, &producer->link, 0, DESTROY_MS);
    producer->open = false;
    producer->usable = false;
}

void kafka_producer_close(struct kafka_producer **closing)
{
    struct kafka_producer *producer = *closing;
    if (!producer)
        return;
    if (producer->usable && producer->open)
        kafka_producer_abort(producer);
    handle_close(producer);
    free(producer->topics);
    free(producer->transactional_id);
    kafka_config_free(&producer->config);
    free(producer);
    *closing = NULL;
}

enum trouble kafka_producer_renew(struct kafka_producer *producer, const char *reason, int timeout_ms)
{
    if (producer->stopped)
        return TROUBLE_RESTART;
    if (!producer->joining) {                            /* else: the same handle goes on asking */
        handle_close(producer);
        handle_open(producer);
        producer->joining = true;
        if (!producer->counted && !(producer->lost && strcmp(producer->lost, "start") == 0)) {
            producer->counted = true;
            producer->renewals++;
            log_warn("kafka_producer_renewed", LOG_TEXT("transactional_id", producer->transactional_id),
                     LOG_TEXT("reason", reason));
        }
    }
    rd_kafka_poll(producer->handle, 0);                  /* serves the error callback */
    rd_kafka_error_t *error = rd_kafka_init_transactions(producer->handle, timeout_ms);
    if (!error) {
        kafka_link_heard(producer->link);
        producer->joining = false;
        producer->usable = true;
        producer->lost = NULL;
        producer->counted = false;
        producer->used_at_ms = clock_mono_ms();
        return TROUBLE_NONE;
    }
    if (kafka_link_may_say(producer->link, "init"))
        log_warn("kafka_producer_waits", LOG_TEXT("transactional_id", producer->transactional_id),
                 LOG_TEXT("error_code", rd_kafka_err2name(rd_kafka_error_code(error))),
                 LOG_TEXT("text", rd_kafka_error_string(error)));
    if (!rd_kafka_error_is_retriable(error) || rd_kafka_error_is_fatal(error))
        producer->joining = false;                       /* the next call begins with a new handle */
    rd_kafka_error_destroy(error);
    return TROUBLE_RETRY;
}

/* Topic handles are kept: looking one up by name for each message costs a lock and a hash. */
static rd_kafka_topic_t *topic_handle(struct kafka_producer *producer, const char *name)
{
    for (size_t i = 0; i < producer->topic_count; i++)
        if (strcmp(producer->topics[i].name, name) == 0)
            return producer->topics[i].handle;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer->handle, name, NULL);
    must(handle);
    producer->topics = xrealloc(producer->topics, (producer->topic_count + 1) * sizeof *producer->topics);
    producer->topics[producer->topic_count++] = (struct producer_topic){ xstrdup(name), handle };
    return handle;
}

enum trouble kafka_producer_prewarm(struct kafka_producer *producer, const char *topic, int timeout_ms)
{
    if (!producer->usable)
        return TROUBLE_RENEW;
    return kafka_prewarm(producer->handle, producer->link, topic_handle(producer, topic), timeout_ms);
}

enum trouble kafka_producer_begin(struct kafka_producer *producer)
{
    must(!producer->open);
    if (!producer->usable)
        return TROUBLE_RENEW;
    /* K5: the broker may have forgotten the id */
    if (clock_mono_ms() - producer->used_at_ms > IDLE_MS)
        return kafka_producer_lose(producer, "idle");
    producer->begun_at_ms = producer->used_at_ms = clock_mono_ms();
    producer->failed = 0;
    producer->broken = false;
    enum trouble trouble = kafka_producer_judge(producer, "begin",
                                                rd_kafka_begin_transaction(producer->handle));
    producer->open = trouble == TROUBLE_NONE;
    if (trouble == TROUBLE_NONE || trouble == TROUBLE_RESTART)
        return trouble;
    return kafka_producer_lose(producer, "fatal");
}

enum trouble kafka_producer_produce(struct kafka_producer *producer, const struct kafka_message *message,
                                    int64_t *delivered)
{
    if (!producer->usable)
        return TROUBLE_RENEW;
    must(producer->open);
    rd_kafka_topic_t *topic = topic_handle(producer, message->topic);
    rd_kafka_headers_t *headers = kafka_headers(message->headers, message->header_count);
    if (delivered)
        *delivered = -1;
    rd_kafka_resp_err_t code;
    for (;;) {
        code = rd_kafka_producev(producer->handle, RD_KAFKA_V_RKT(topic),
                                 RD_KAFKA_V_PARTITION(message->partition),
                                 RD_KAFKA_V_KEY(message->key, message->key_length),
                                 RD_KAFKA_V_VALUE((void *)message->value, message->value_length),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers),
                                 RD_KAFKA_V_OPAQUE(delivered), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            break;
        if (kafka_producer_left_ms(producer) == 0)
            break;
        rd_kafka_poll(producer->handle, 10);             /* deliveries make room */
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return TROUBLE_NONE;                             /* the headers are librdkafka's now */
    if (headers)
        rd_kafka_headers_destroy(headers);
    return kafka_producer_judge_code(producer, "produce", code);
}

enum trouble kafka_producer_send_offsets(struct kafka_producer *producer, struct kafka_consumer *consumer,
                                         const struct kafka_membership *membership,
                                             const struct kafka_offset *offsets, size_t count)
{
    if (!producer->usable)
        return TROUBLE_RENEW;
    must(producer->open);
    /* nothing is assigned: whoever has it now may not be overtaken */
    if (!membership) {
        producer->broken = true;
        return TROUBLE_ABORT_BATCH;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        const char *topic = consumer->topics[offsets[i].topic];
        rd_kafka_topic_partition_list_add(list, topic, offsets[i].partition)->offset = offsets[i].next_offset;
    }
    enum trouble trouble;
    do {
        int left_ms = kafka_producer_left_ms(producer);
        if (left_ms == 0) {
            trouble = kafka_producer_lose(producer, "timed_out");
            break;
        }
        trouble = kafka_producer_judge(producer, "send_offsets",
            rd_kafka_send_offsets_to_transaction(producer->handle, list, membership->metadata, left_ms));
    } while (trouble == TROUBLE_RETRY);
    rd_kafka_topic_partition_list_destroy(list);
    return trouble;
}

enum trouble kafka_producer_flush(struct kafka_producer *producer)
{
    if (!producer->usable)
        return TROUBLE_RENEW;
    must(producer->open);
    if (rd_kafka_flush(producer->handle, kafka_producer_left_ms(producer)) == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return kafka_producer_lose(producer, "timed_out");
    if (!producer->failed)
        return TROUBLE_NONE;
    return kafka_producer_judge_code(producer, "delivery", producer->failure);
}

enum trouble kafka_producer_commit(struct kafka_producer *producer)
{
    if (!producer->usable)
        return TROUBLE_RENEW;
    must(producer->open);
    /* -1: for the rest of the transaction's time-out; with another value library and broker may part ways
     * (K7). */
    enum trouble trouble = kafka_producer_judge(producer, "commit",
                                                rd_kafka_commit_transaction(producer->handle, -1));
    if (trouble == TROUBLE_NONE && producer->failed)
        /* committed without a record: can't be, so trust nothing */
        trouble = kafka_producer_lose(producer, "fatal");
    if (trouble == TROUBLE_RETRY)
        trouble = kafka_producer_lose(producer, "timed_out");
    if (trouble == TROUBLE_NONE) {
        producer->open = false;
        producer->used_at_ms = clock_mono_ms();
        kafka_link_heard(producer->link);
    }
    return trouble;
}

enum trouble kafka_producer_abort(struct kafka_producer *producer)
{
    if (!producer->usable)
        return producer->stopped ? TROUBLE_RESTART : TROUBLE_RENEW;
    if (!producer->open)
        return TROUBLE_NONE;
    /* K6: EndTxn may overtake the AddPartitionsToTxn of a message that is still on its way. In a broken
     * transaction queued messages are not sent any more, so waiting for long is of no use. */
    rd_kafka_flush(producer->handle, producer->broken ? FLUSH_BROKEN_MS : FLUSH_BEFORE_ABORT_MS);
    enum trouble trouble = kafka_producer_judge(producer, "abort",
                                                rd_kafka_abort_transaction(producer->handle, -1));
    if (trouble == TROUBLE_NONE) {
        producer->open = false;
        return TROUBLE_NONE;
    }
    if (trouble == TROUBLE_RESTART)
        return trouble;
    return kafka_producer_lose(producer, producer->lost ? producer->lost : "fatal");
}

int64_t kafka_producer_renewals(const struct kafka_producer *producer) { return producer->renewals; }
const char *kafka_producer_lost(const struct kafka_producer *producer) { return producer->lost; }
