/* Reads partitions from a place on, read_committed, without a group: librdkafka's consumer on a queue of its
 * own. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/admin.h"
#include "kafka/priv.h"

struct reader_partition { int32_t partition; int64_t position, target; bool started; };
struct reader_topic {
    char *name;
    rd_kafka_topic_t *handle;
    struct reader_partition *rows; size_t count;
};
struct kafka_reader {
    rd_kafka_t *handle;
    rd_kafka_queue_t *queue;
    struct kafka_link *link;
    struct kafka_client *client;
    struct reader_topic *topics; size_t count;
    bool wakes; int wake[2];                     /* pipe: librdkafka writes, the caller's loop waits on [0] */
};

static const struct kafka_row READER_ROWS[] = {
    { "isolation.level", "read_committed", true },
    { "auto.offset.reset", "error", true },
    { "enable.partition.eof", "true", true },
    { "check.crcs", "true", true },
    { "allow.auto.create.topics", "false", true },
    { "enable.auto.commit", "false", true },
    { "fetch.wait.max.ms", "100", false },
    { "queued.min.messages", "20000", false },
    { "queued.max.messages.kbytes", "16384", false },
};
const struct kafka_rows KAFKA_READER = { "reader", READER_ROWS, sizeof READER_ROWS / sizeof READER_ROWS[0] };

struct kafka_reader *kafka_reader_open(const struct kafka_config *config)
{
    struct kafka_reader *reader = xcalloc(1, sizeof *reader);
    reader->link = kafka_link_new(reader, "reader", config->client_id);
    reader->handle = kafka_handle(RD_KAFKA_CONSUMER, kafka_conf(config, reader->link, &KAFKA_READER));
    reader->queue = rd_kafka_queue_new(reader->handle);
    reader->client = kafka_client_open(config);
    return reader;
}

void kafka_reader_close(struct kafka_reader **closing)
{
    struct kafka_reader *reader = *closing;
    if (!reader)
        return;
    for (size_t i = 0; i < reader->count; i++) {
        struct reader_topic *topic = &reader->topics[i];
        for (size_t p = 0; p < topic->count; p++)
            if (topic->rows[p].started)
                rd_kafka_consume_stop(topic->handle, topic->rows[p].partition);
        rd_kafka_topic_destroy(topic->handle);
        free(topic->name);
        free(topic->rows);
    }
    free(reader->topics);
    rd_kafka_queue_destroy(reader->queue);
    kafka_handle_end(&reader->handle, &reader->link, 0, 5000);
    kafka_client_close(&reader->client);
    if (reader->wakes) {
        close(reader->wake[0]);
        close(reader->wake[1]);
    }
    free(reader);
    *closing = NULL;
}

static int topic_index(const struct kafka_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->count; i++)
        if (strcmp(reader->topics[i].name, name) == 0)
            return (int)i;
    return -1;
}

static struct reader_partition *row_of(const struct kafka_reader *reader, int topic, int32_t partition)
{
    if (topic < 0 || (size_t)topic >= reader->count)
        return NULL;
    for (size_t i = 0; i < reader->topics[topic].count; i++)
        if (reader->topics[topic].rows[i].partition == partition)
            return &reader->topics[topic].rows[i];
    return NULL;
}

static struct reader_topic *topic_take(struct kafka_reader *reader, const char *name)
{
    int index = topic_index(reader, name);
    if (index >= 0)
        return &reader->topics[index];
    reader->topics = xrealloc(reader->topics, (reader->count + 1) * sizeof *reader->topics);
    struct reader_topic *topic = &reader->topics[reader->count++];
    *topic = (struct reader_topic){ .name = xstrdup(name),
                                    .handle = rd_kafka_topic_new(reader->handle, name, NULL) };
    must(topic->handle);
    return topic;
}

/* The watermark is the real one: what a transaction under way may still commit lies below it, and reading up
 * to it waits that transaction out. */
static enum trouble row_make(struct kafka_reader *reader, const char *topic, int64_t from, int timeout_ms,
                             struct reader_partition *row)
{
    int64_t low = 0, high = 0;
    if (kafka_client_watermarks(reader->client, topic, row->partition, &low, &high, timeout_ms)
        != TROUBLE_NONE)
        return TROUBLE_RETRY;
    row->target = high;
    row->position = from == KAFKA_FROM_BEGINNING ? low : from == KAFKA_FROM_END ? high : from;
    return TROUBLE_NONE;
}

enum trouble kafka_reader_add(struct kafka_reader *reader, const char *topic, int32_t partition,
                              int64_t from, int timeout_ms)
{
    int32_t partitions = 0;
    if (kafka_client_partitions(reader->client, topic, &partitions, timeout_ms) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    if (partition != KAFKA_ALL_PARTITIONS && partition >= partitions)
        return TROUBLE_RETRY;
    int32_t first = partition == KAFKA_ALL_PARTITIONS ? 0 : partition;
    size_t count = partition == KAFKA_ALL_PARTITIONS ? (size_t)partitions : 1;
    struct reader_partition *rows = xcalloc(count, sizeof *rows);
    enum trouble trouble = TROUBLE_NONE;
    for (size_t i = 0; i < count && trouble == TROUBLE_NONE; i++) {
        rows[i].partition = first + (int32_t)i;
        trouble = row_make(reader, topic, from, timeout_ms, &rows[i]);
    }
    if (trouble == TROUBLE_NONE) {
        struct reader_topic *taken = topic_take(reader, topic);
        taken->rows = xrealloc(taken->rows, (taken->count + count) * sizeof *taken->rows);
        for (size_t i = 0; i < count; i++) {
            must(!row_of(reader, topic_index(reader, topic), rows[i].partition));
            must(rd_kafka_consume_start_queue(taken->handle, rows[i].partition, rows[i].position,
                                              reader->queue) == 0);
            rows[i].started = true;
            taken->rows[taken->count++] = rows[i];
        }
    }
    free(rows);
    return trouble;
}

static enum kafka_event reader_error(struct kafka_reader *reader, rd_kafka_message_t *message,
                                     enum trouble *trouble)
{
    rd_kafka_resp_err_t code = message->err;
    bool gone = code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    bool corrupt = code == RD_KAFKA_RESP_ERR__BAD_MSG || code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION;
    if (gone || corrupt || kafka_link_may_say(reader->link, rd_kafka_err2name(code)))
        log_warn("kafka_reader_trouble",
                 LOG_TEXT("topic", message->rkt ? rd_kafka_topic_name(message->rkt) : NULL),
                 LOG_NUMBER("partition", message->partition), LOG_TEXT("error_code", rd_kafka_err2name(code)),
                 LOG_TEXT("text", rd_kafka_message_errstr(message)));
    rd_kafka_message_destroy(message);
    *trouble = gone || corrupt ? TROUBLE_RESTART : TROUBLE_NONE;
    return gone || corrupt ? KAFKA_TROUBLE : KAFKA_NOTHING;
}

int kafka_reader_wake_fd(struct kafka_reader *reader)
{
    if (!reader->wakes) {
        must(pipe2(reader->wake, O_NONBLOCK | O_CLOEXEC) == 0);
        rd_kafka_queue_io_event_enable(reader->queue, reader->wake[1], "r", 1);
        reader->wakes = true;
    }
    return reader->wake[0];
}

/* When nothing is queued, empties the wake pipe and looks again: no wake-up is lost in between. */
static rd_kafka_message_t *take_message(struct kafka_reader *reader, int timeout_ms)
{
    rd_kafka_message_t *message = rd_kafka_consume_queue(reader->queue, timeout_ms);
    char bytes[256];
    if (message || !reader->wakes)
        return message;
    while (read(reader->wake[0], bytes, sizeof bytes) > 0)
        continue;
    return rd_kafka_consume_queue(reader->queue, 0);
}

enum kafka_event kafka_reader_poll(struct kafka_reader *reader, int timeout_ms, struct kafka_record *record,
                                   enum trouble *trouble)
{
    *trouble = TROUBLE_NONE;
    rd_kafka_poll(reader->handle, 0);            /* serves the error callback */
    rd_kafka_message_t *message = take_message(reader, timeout_ms);
    if (!message)
        return KAFKA_NOTHING;
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return reader_error(reader, message, trouble);
    kafka_link_heard(reader->link);
    int topic = topic_index(reader, rd_kafka_topic_name(message->rkt));
    struct reader_partition *row = row_of(reader, topic, message->partition);
    must(row);
    if (message->err) {
        row->position = message->offset;         /* counts commit markers */
        *record = (struct kafka_record){ .topic = topic, .partition = message->partition,
                                         .offset = message->offset,
                                         .timestamp_ms = -1 };
        rd_kafka_message_destroy(message);
        return KAFKA_END;
    }
    row->position = message->offset + 1;
    kafka_record_fill(record, topic, message);
    return KAFKA_RECORD;
}

bool kafka_reader_done(const struct kafka_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        for (size_t p = 0; p < reader->topics[i].count; p++)
            if (reader->topics[i].rows[p].position < reader->topics[i].rows[p].target)
                return false;
    return true;
}

int64_t kafka_reader_position(const struct kafka_reader *reader, int topic, int32_t partition)
{
    const struct reader_partition *row = row_of(reader, topic, partition);
    return row ? row->position : -1;
}

int64_t kafka_reader_target(const struct kafka_reader *reader, int topic, int32_t partition)
{
    const struct reader_partition *row = row_of(reader, topic, partition);
    return row ? row->target : -1;
}
