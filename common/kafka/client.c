/* A passing look at the cluster: metadata and real watermarks. */
#include <stdlib.h>

#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/priv.h"
#include "kafka/client_priv.h"

static const struct kafka_row CLIENT_ROWS[] = {
    /* With read_committed the watermark query stops at the last stable offset, before done marks and entries
     * that are committed already behind an open transaction: whoever reads up to it acts on a past. */
    { "isolation.level", "read_uncommitted", true },
    { "allow.auto.create.topics", "false", true },
    { "topic.metadata.refresh.interval.ms", "60000", false },
};
const struct kafka_rows KAFKA_CLIENT = { "client", CLIENT_ROWS, sizeof CLIENT_ROWS / sizeof CLIENT_ROWS[0] };

struct watermarks { int64_t low, high; };

struct kafka_client *kafka_client_open_group(const struct kafka_config *config, const char *group)
{
    struct kafka_client *client = xcalloc(1, sizeof *client);
    client->link = kafka_link_new(client, "client", config->client_id);
    rd_kafka_conf_t *conf = kafka_conf(config, client->link, &KAFKA_CLIENT);
    if (group)
        must(rd_kafka_conf_set(conf, "group.id", group, NULL, 0) == RD_KAFKA_CONF_OK);
    client->handle = kafka_handle(RD_KAFKA_CONSUMER, conf);
    return client;
}

struct kafka_client *kafka_client_open(const struct kafka_config *config)
{
    return kafka_client_open_group(config, NULL);
}

void kafka_client_close(struct kafka_client **client)
{
    if (!*client)
        return;
    kafka_handle_end(&(*client)->handle, &(*client)->link, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE, 5000);
    free(*client);
    *client = NULL;
}

enum trouble kafka_client_metadata(struct kafka_client *client, const char *topic,
                                   const struct rd_kafka_metadata **metadata, int timeout_ms)
{
    rd_kafka_poll(client->handle, 0);        /* serves the error callback */
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client->handle, topic, NULL);
    if (!handle)
        return TROUBLE_RETRY;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client->handle, 0, handle, metadata, timeout_ms);
    rd_kafka_topic_destroy(handle);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_link_heard(client->link);
        return TROUBLE_NONE;
    }
    if (kafka_link_may_say(client->link, "metadata"))
        log_warn("kafka_metadata_failed", LOG_TEXT("topic", topic),
                 LOG_TEXT("error_code", rd_kafka_err2name(code)));
    return TROUBLE_RETRY;
}

enum trouble kafka_client_partitions(struct kafka_client *client, const char *topic, int32_t *partitions,
                                     int timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    *partitions = 0;
    if (kafka_client_metadata(client, topic, &metadata, timeout_ms) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
        *partitions = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return *partitions > 0 ? TROUBLE_NONE : TROUBLE_RETRY;
}

/* rd_kafka_query_watermark_offsets keeps its time-out only while it looks for the leader; then it waits for
 * the answer of a broker that may be dead (seen for minutes with librdkafka 2.0.2, inside a rebalance). This
 * keeps it. */
static rd_kafka_resp_err_t offset_of(struct kafka_client *client, const char *topic, int32_t partition,
                                     int64_t special, int timeout_ms, int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *row = rd_kafka_topic_partition_list_add(list, topic, partition);
    row->offset = special;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client->handle, list, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = list->elems[0].err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && list->elems[0].offset < 0)
        code = RD_KAFKA_RESP_ERR__NO_OFFSET;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        *offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* The low one first: what moves meanwhile makes the stretch between them longer, never shorter than it
 * was. */
static rd_kafka_resp_err_t query(struct kafka_client *client, const char *topic, int32_t partition,
                                 struct watermarks *found, int timeout_ms)
{
    rd_kafka_resp_err_t code = offset_of(client, topic, partition, RD_KAFKA_OFFSET_BEGINNING, timeout_ms,
                                         &found->low);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = offset_of(client, topic, partition, RD_KAFKA_OFFSET_END, timeout_ms, &found->high);
    return code;
}

enum trouble kafka_client_watermarks(struct kafka_client *client, const char *topic, int32_t partition,
                                     int64_t *low, int64_t *high, int timeout_ms)
{
    rd_kafka_poll(client->handle, 0);
    struct watermarks found;
    rd_kafka_resp_err_t code = query(client, topic, partition, &found, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        /* librdkafka asks whom it remembers as the leader, and remembers for up to metadata.max.age.ms (15
         * minutes): a broker that has died (it looked for another only at once, before one was elected), or,
         * after a time-out, a topic without partitions. A worker that waits for this watermark would not
         * work until then. After a time-out the caller's time is over: it asks again. */
        int32_t partitions;
        if (kafka_client_partitions(client, topic, &partitions, timeout_ms) == TROUBLE_NONE
            && code != RD_KAFKA_RESP_ERR__TIMED_OUT)
            code = query(client, topic, partition, &found, timeout_ms);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *low = found.low;
        *high = found.high;
        kafka_link_heard(client->link);
        return TROUBLE_NONE;
    }
    if (kafka_link_may_say(client->link, "watermarks"))
        log_warn("kafka_watermarks_failed", LOG_TEXT("topic", topic), LOG_NUMBER("partition", partition),
                 LOG_TEXT("error_code", rd_kafka_err2name(code)));
    return TROUBLE_RETRY;
}
