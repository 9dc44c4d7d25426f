/* What a group member knows besides its records: offsets, pauses, lag, membership. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/planted.h"
#include "base/xalloc.h"
#include "kafka/consumer_priv.h"

enum { SEEK_MS = 5000, COMMITTED_MS = 15000 };

static rd_kafka_topic_partition_list_t *one(const struct kafka_consumer *consumer, int topic,
                                            int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, consumer->topics[topic], partition)->offset = offset;
    return list;
}

enum trouble kafka_consumer_seek(struct kafka_consumer *consumer, int topic, int32_t partition,
                                 int64_t offset)
{
    struct slot *slot = kafka_consumer_slot(consumer, topic, partition);
    if (!slot)
        /* lost in between: its new owner starts from the committed offset */
        return TROUBLE_ABORT_BATCH;
    int64_t until_ms = clock_mono_ms() + SEEK_MS;
    rd_kafka_resp_err_t code;
    /* just after an assignment the fetcher may not run yet: __STATE */
    do {
        rd_kafka_topic_partition_list_t *list = one(consumer, topic, partition,
                                                    offset < 0 ? RD_KAFKA_OFFSET_BEGINNING : offset);
        rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer->handle, list, SEEK_MS);
        code = error ? rd_kafka_error_code(error) : list->elems[0].err;
        if (error)
            rd_kafka_error_destroy(error);
        rd_kafka_topic_partition_list_destroy(list);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            slot->position = offset;
            slot->high_at_end = -1;
            return TROUBLE_NONE;
        }
        clock_sleep_ms(10);
    } while (clock_mono_ms() < until_ms);
    log_warn("kafka_seek_failed", LOG_TEXT("topic", consumer->topics[topic]),
             LOG_NUMBER("partition", partition),
             LOG_NUMBER("offset", offset), LOG_TEXT("error_code", rd_kafka_err2name(code)));
    return TROUBLE_RETRY;
}

rd_kafka_resp_err_t kafka_committed_of(rd_kafka_t *handle, const char *topic, int32_t partition, int timeout_ms,
                                       int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_INVALID;
    rd_kafka_resp_err_t code = rd_kafka_committed(handle, list, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = list->elems[0].err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        *offset = list->elems[0].offset >= 0 ? list->elems[0].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

enum trouble kafka_consumer_committed(struct kafka_consumer *consumer, int topic, int32_t partition,
                                      int64_t *offset)
{
    rd_kafka_resp_err_t code = kafka_committed_of(consumer->handle, consumer->topics[topic], partition,
                                                  COMMITTED_MS, offset);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return TROUBLE_NONE;
    log_warn("kafka_committed_unknown", LOG_TEXT("group", consumer->group),
             LOG_TEXT("error_code", rd_kafka_err2name(code)));
    return TROUBLE_RETRY;
}

void kafka_consumer_pause(struct kafka_consumer *consumer, bool paused)
{
    if (consumer->paused == paused)
        return;
    consumer->paused = paused;
    kafka_consumer_pause_held(consumer);
}

bool kafka_consumer_assigned(struct kafka_consumer *consumer) { return consumer->joined; }
bool kafka_consumer_away(const struct kafka_consumer *consumer) { return consumer->link->away; }

/* The last stable offset is not to be had from librdkafka but by the end of a partition, which is where it
 * lies. So: at the end 0, until the watermark has moved on; then up to the watermark. */
int64_t kafka_consumer_lag(struct kafka_consumer *consumer)
{
    int64_t lag = 0;
    for (int topic = 0; topic < consumer->topic_count; topic++)
        for (int32_t partition = 0; partition < consumer->slots[topic].count; partition++) {
            const struct slot *slot = kafka_consumer_slot(consumer, topic, partition);
            int64_t low = -1, high = -1;
            if (!slot || rd_kafka_get_watermark_offsets(consumer->handle, consumer->topics[topic], partition,
                                                        &low, &high)
                         != RD_KAFKA_RESP_ERR_NO_ERROR)
                continue;
            int64_t from = slot->position >= 0 ? slot->position : low;
            if (from >= 0 && high > from && high > slot->high_at_end)
                lag += high - from;
        }
    return lag;
}

/* How many records lie behind the end that a read_committed reader has reached. 0: none, or it has not reached it, or
 * nobody fetches, so what was heard is a past. */
static int64_t held_back(struct kafka_consumer *consumer, int topic, int32_t partition, const struct slot *slot)
{
    int64_t low = -1, high = -1;
    if (consumer->paused || consumer->link->away || slot->high_at_end < 0
        || rd_kafka_get_watermark_offsets(consumer->handle, consumer->topics[topic], partition, &low, &high)
           != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    return high > slot->position ? high - slot->position : 0;
}

struct kafka_unstable kafka_consumer_unstable(struct kafka_consumer *consumer)
{
    const int64_t now_ms = clock_mono_ms();
    struct kafka_unstable unstable = { .topic = -1, .partition = -1 };
    for (int topic = 0; topic < consumer->topic_count; topic++)
        for (int32_t partition = 0; partition < consumer->slots[topic].count; partition++) {
            struct slot *slot = kafka_consumer_slot(consumer, topic, partition);
            int64_t records = slot ? held_back(consumer, topic, partition, slot) : 0;
            if (slot && (records == 0 || slot->stood_since_ms == 0 || slot->stood_at != slot->position)) {
                slot->stood_at = slot->position;
                slot->stood_since_ms = records > 0 ? now_ms : 0;
            }
            unstable.records += records;
            if (records > 0 && (unstable.topic < 0 || now_ms - slot->stood_since_ms > unstable.for_ms))
                unstable = (struct kafka_unstable){ .records = unstable.records, .topic = topic,
                    .partition = partition, .offset = slot->position, .for_ms = now_ms - slot->stood_since_ms };
        }
    return unstable;
}

struct kafka_membership *kafka_membership_now(struct kafka_consumer *consumer)
{
    if (!consumer->held)
        return NULL;
    rd_kafka_consumer_group_metadata_t *metadata =
        planted(OFFSETS_WITHOUT_GROUP)
            ? rd_kafka_consumer_group_metadata_new_with_genid(consumer->group, -1, "", NULL)
            : rd_kafka_consumer_group_metadata(consumer->handle);
    if (!metadata)
        return NULL;
    struct kafka_membership *membership = xmalloc(sizeof *membership);
    membership->metadata = metadata;
    return membership;
}

void kafka_membership_free(struct kafka_membership **membership)
{
    if (!*membership)
        return;
    rd_kafka_consumer_group_metadata_destroy((*membership)->metadata);
    free(*membership);
    *membership = NULL;
}
