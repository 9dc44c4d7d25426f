/* Assignments: which partitions are ours, and where each starts. Everything here runs inside poll or
 * close. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "kafka/consumer_priv.h"

enum { COMMITTED_TRY_MS = 5000, COMMITTED_MS = 30000, REJOIN_AFTER_MS = 1000 };

struct slot *kafka_consumer_slot(const struct kafka_consumer *consumer, int topic, int32_t partition)
{
    if (topic < 0 || partition < 0 || partition >= consumer->slots[topic].count)
        return NULL;
    struct slot *slot = &consumer->slots[topic].rows[partition];
    return slot->held ? slot : NULL;
}

static struct slot *slot_take(struct kafka_consumer *consumer, int topic, int32_t partition)
{
    struct slots *slots = &consumer->slots[topic];
    if (partition >= slots->count) {
        slots->rows = xrealloc(slots->rows, (size_t)(partition + 1) * sizeof *slots->rows);
        memset(slots->rows + slots->count, 0, (size_t)(partition + 1 - slots->count) * sizeof *slots->rows);
        slots->count = partition + 1;
    }
    struct slot *slot = &slots->rows[partition];
    must(!slot->held);
    slot->held = true;
    consumer->held++;
    return slot;
}

rd_kafka_topic_partition_list_t *kafka_consumer_held_list(const struct kafka_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(consumer->held + 1);
    for (int topic = 0; topic < consumer->topic_count; topic++)
        for (int32_t partition = 0; partition < consumer->slots[topic].count; partition++)
            if (consumer->slots[topic].rows[partition].held)
                rd_kafka_topic_partition_list_add(list, consumer->topics[topic], partition);
    return list;
}

void kafka_consumer_pause_held(struct kafka_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list = kafka_consumer_held_list(consumer);
    if (consumer->paused)
        rd_kafka_pause_partitions(consumer->handle, list);
    else
        rd_kafka_resume_partitions(consumer->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_consumer_rejoin(struct kafka_consumer *consumer)
{
    consumer->rejoin = true;
    consumer->rejoin_at_ms = clock_mono_ms() + REJOIN_AFTER_MS;
}

static bool list_complete(const rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++)
        if (partitions->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return false;
    return true;
}

/* Committed offsets of all partitions. read_committed makes the request ask for stable ones (KIP-447): a
 * transaction of the former owner that is still pending is waited out, at most until the broker ends it. */
static bool committed_ask(struct kafka_consumer *consumer, rd_kafka_topic_partition_list_t *partitions)
{
    int64_t until_ms = clock_mono_ms() + COMMITTED_MS;
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_committed(consumer->handle, partitions, COMMITTED_TRY_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && list_complete(partitions))
            return true;
        if (kafka_link_may_say(consumer->link, "committed"))
            log_warn("kafka_committed_unknown", LOG_TEXT("group", consumer->group),
                     LOG_TEXT("error_code", rd_kafka_err2name(code)));
        clock_sleep_ms(50);
    } while (clock_mono_ms() < until_ms && !rd_kafka_assignment_lost(consumer->handle));
    return false;
}

static void log_partitions(const struct kafka_consumer *consumer, const char *event,
                           const rd_kafka_topic_partition_list_t *partitions)
{
    struct text text = { 0 };
    for (int i = 0; i < partitions->cnt && text.length < 400; i++)
        text_printf(&text, "%s%s/%d", i ? " " : "", partitions->elems[i].topic,
                    (int)partitions->elems[i].partition);
    log_info(event, LOG_TEXT("group", consumer->group), LOG_NUMBER("count", partitions->cnt),
             LOG_TEXT("partitions", text.length ? text.bytes : NULL));
    text_free(&text);
}

static void assign(struct kafka_consumer *consumer, rd_kafka_topic_partition_list_t *partitions)
{
    if (partitions->cnt && !committed_ask(consumer, partitions)) {
        /* Nobody knows where to start. Starting anywhere would be a guess; joining anew asks again. */
        log_warn("kafka_assignment_given_up", LOG_TEXT("group", consumer->group));
        rd_kafka_assign(consumer->handle, NULL);
        kafka_consumer_rejoin(consumer);
        return;
    }
    int64_t *committed = xcalloc((size_t)partitions->cnt + 1, sizeof *committed);
    for (int i = 0; i < partitions->cnt; i++) {
        rd_kafka_topic_partition_t *row = &partitions->elems[i];
        committed[i] = row->offset >= 0 ? row->offset : -1;
        if (row->offset < 0)
            row->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(consumer->handle, partitions);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {            /* only a handle that is fatally broken refuses */
        log_warn("kafka_assignment_refused", LOG_TEXT("group", consumer->group),
                 LOG_TEXT("error_code", rd_kafka_err2name(code)));
        kafka_consumer_rejoin(consumer);
        free(committed);
        return;
    }
    consumer->joined = true;
    for (int i = 0; i < partitions->cnt; i++) {
        int topic = kafka_consumer_topic(consumer, partitions->elems[i].topic);
        must(topic >= 0);
        struct slot *slot = slot_take(consumer, topic, partitions->elems[i].partition);
        slot->position = committed[i];
        slot->high_at_end = -1;
        slot->stood_since_ms = 0;
    }
    if (consumer->paused)
        kafka_consumer_pause_held(consumer);
    log_partitions(consumer, "kafka_assigned", partitions);
    for (int i = 0; i < partitions->cnt && consumer->hooks.assigned; i++)
        consumer->hooks.assigned(consumer->hooks.self,
                                 kafka_consumer_topic(consumer, partitions->elems[i].topic),
                                 partitions->elems[i].partition, committed[i]);
    free(committed);
}

void kafka_consumer_revoke_all(struct kafka_consumer *consumer, bool lost)
{
    if (consumer->held && consumer->hooks.revoking)
        consumer->hooks.revoking(consumer->hooks.self, lost);
    for (int topic = 0; topic < consumer->topic_count; topic++)
        for (int32_t partition = 0; partition < consumer->slots[topic].count; partition++) {
            struct slot *slot = kafka_consumer_slot(consumer, topic, partition);
            if (!slot)
                continue;
            if (consumer->hooks.revoked)
                consumer->hooks.revoked(consumer->hooks.self, topic, partition);
            slot->held = false;
            consumer->held--;
        }
    must(consumer->held == 0);
    consumer->joined = false;
}

void kafka_consumer_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code,
                              rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct kafka_consumer *consumer = ((struct kafka_link *)opaque)->owner;
    kafka_link_heard(consumer->link);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        must(consumer->held == 0);           /* eager: everything was revoked before */
        if (!consumer->closing) {
            assign(consumer, partitions);
            return;
        }
        /* It came just before we left. A handle that closes answers no question (_DESTROY): asking for the
         * committed offsets would hold up the close for as long as we are ready to ask. */
        log_partitions(consumer, "kafka_assignment_declined", partitions);
        rd_kafka_assign(handle, NULL);
        return;
    }
    bool lost = rd_kafka_assignment_lost(handle);
    log_partitions(consumer, lost ? "kafka_lost" : "kafka_revoked", partitions);
    kafka_consumer_revoke_all(consumer, lost);
    rd_kafka_assign(handle, NULL);
}
