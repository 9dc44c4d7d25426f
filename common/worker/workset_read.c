/* The work set reads: records become items, marks end them, assignments begin and end.
 *
 * Marks are applied only while a partition is restoring. Once it acts, nobody but us writes marks into it
 * (whoever held it before is fenced by its offsets), and what they say was done when our transaction was
 * committed: an intent that was closed since must not be opened again by its own echo. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/planted.h"
#include "base/xalloc.h"
#include "worker/workset_priv.h"

enum { WATERMARK_MS = 2000, READ_BUDGET_US = 20000 };

struct share *workset_share(const struct workset *set, int32_t partition)
{
    bool held = partition >= 0 && partition < set->share_count && set->shares[partition].held;
    return held ? &set->shares[partition] : NULL;
}

bool workset_restoring(const struct share *share)
{
    return share->barrier < 0 || share->position < share->barrier;
}

void workset_item_free(struct work_item *item)
{
    if (item->flags & WORK_BAD)
        kafka_record_release(&((struct bad_item *)item)->record);
    free(item);
}

/* ---- assignments */

/* The real high watermark, taken after the committed offset is known: a transaction of the former owner was
 * waited out with that offset or is fenced; done marks that are committed behind somebody else's open
 * transaction lie below. */
static void barrier_take(struct workset *set, struct share *share, int32_t partition)
{
    int64_t low = 0, high = 0;
    if (kafka_client_watermarks(set->client, set->topic, partition, &low, &high, WATERMARK_MS)
        != TROUBLE_NONE)
        return;
    if (share->position < low)
        /* no offset committed yet: the consumer begins where the topic does */
        share->position = low;
    share->barrier = high;
}

static void barriers_again(struct workset *set)
{
    if (clock_mono_ms() < set->barrier_at_ms)
        return;
    for (int32_t p = 0; p < set->share_count; p++)
        if (set->shares[p].held && set->shares[p].barrier < 0)
            barrier_take(set, &set->shares[p], p);
    set->barrier_at_ms = clock_mono_ms() + 500;
}

static void on_assigned(void *self, int topic, int32_t partition, int64_t committed)
{
    struct workset *set = self;
    must(topic == 0);
    if (partition >= set->share_count) {
        set->shares = xrealloc(set->shares, (size_t)(partition + 1) * sizeof *set->shares);
        size_t more = (size_t)(partition + 1 - set->share_count);
        memset(set->shares + set->share_count, 0, more * sizeof *set->shares);
        set->share_count = partition + 1;
    }
    struct share *share = &set->shares[partition];
    must(!share->held);
    *share = (struct share){ .held = true, .position = committed, .barrier = -1, .committed = committed };
    share->ages.grain_ms = set->config.rewrite_after_ms / 64 + 1;
    barrier_take(set, share, partition);
    if (!set->membership)
        set->membership = kafka_membership_now(set->consumer);
    if (set->stage.assigned)
        set->stage.assigned(set->stage.self, partition);
    log_info("partition_assigned", LOG_TEXT("topic", set->topic), LOG_NUMBER("partition", partition),
             LOG_NUMBER("committed", committed), LOG_NUMBER("barrier", share->barrier));
}

static void on_revoking(void *self, bool lost)
{
    struct workset *set = self;
    /* A transaction that is still pending here holds up whoever asks for the committed offsets next: end
     * it. */
    set->retry_at_ms = 0;
    workset_ready(set);
    if (lost)
        return;                          /* another may have them already: whatever we send is fenced */
    set->revoking = true;
    if (set->stage.revoking)
        set->stage.revoking(set->stage.self);
    workset_commit(set);
    set->revoking = false;
}

/* Eager assignment takes all partitions at once, so the first one that goes takes all queued effects with it:
 * none may be written under the next assignment, for another may have ended their items in between. */
static void on_revoked(void *self, int topic, int32_t partition)
{
    struct workset *set = self;
    struct share *share = workset_share(set, partition);
    must(topic == 0 && share);
    for (struct effect *effect = set->first; set->doubt.open && effect && effect->sent; effect = effect->next)
        effect->item->flags |= WORK_DOUBTFUL;
    workset_unqueue_all(set);
    workset_notes_clear(set);
    workset_rewrite_stop(set);
    set->doubt.open = false;             /* the next owner reads how it ended */
    kafka_membership_free(&set->membership);
    log_info("partition_revoked", LOG_TEXT("topic", set->topic), LOG_NUMBER("partition", partition),
             LOG_NUMBER("live", share->live.count));
    while (share->live.oldest) {
        struct work_item *item = share->live.oldest;
        live_list_remove(&share->live, item);
        live_table_remove(&set->table, item);
        if ((item->flags & WORK_LIVE) && !(item->flags & WORK_BAD))
            set->stage.drop(set->stage.self, item);
        workset_item_free(item);
    }
    ages_free(&share->ages);
    free(share->echoes);
    *share = (struct share){ 0 };
    if (set->stage.revoked)
        set->stage.revoked(set->stage.self, partition);
}

const struct kafka_consumer_hooks WORKSET_HOOKS = { .assigned = on_assigned, .revoked = on_revoked,
                                                    .revoking = on_revoking };

/* ---- records */

static bool header_number(const struct kafka_record *record, const char *name, int64_t *number)
{
    const char *value;
    size_t length;
    int64_t sum = 0;
    if (!kafka_record_header(record, name, &value, &length) || length == 0 || length > 18)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        sum = sum * 10 + (value[i] - '0');
    }
    *number = sum;
    return true;
}

static bool header_is(const struct kafka_record *record, const char *name, const char *wanted)
{
    const char *value;
    size_t length;
    return kafka_record_header(record, name, &value, &length) && length == strlen(wanted)
        && memcmp(value, wanted, length) == 0;
}

static uint16_t attempts_of(const struct kafka_record *record, int fallback)
{
    int64_t attempts;
    if (!header_number(record, "attempt", &attempts))
        attempts = fallback;
    return attempts < 0 ? 0 : attempts > UINT16_MAX ? UINT16_MAX : (uint16_t)attempts;
}

/* An item of a former life of ours or of another owner, ended, tried or tried in vain before it was committed
 * so. */
static void mark_apply(struct workset *set, struct share *share, const struct kafka_record *record,
                       enum mark mark, int64_t item_offset)
{
    size_t length = record->key_length < UINT8_MAX ? record->key_length : UINT8_MAX;
    struct work_item *item = live_table_at(&set->table, record->key ? record->key : "", length,
                                           record->partition, item_offset);
    if (!item)
        return;                          /* below the watermark that we began at */
    switch (mark) {
    case MARK_DONE:
        live_list_remove(&share->live, item);
        live_table_remove(&set->table, item);
        workset_item_free(item);
        break;
    case MARK_INTENT:
        item->attempts = attempts_of(record, item->attempts + 1);
        item->intent_at_ms = record->timestamp_ms > 0 ? record->timestamp_ms : clock_wall_ms();
        break;
    case MARK_CLOSE:
        item->attempts = attempts_of(record, item->attempts - 1);
        item->intent_at_ms = 0;
        break;
    }
}

static bool mark_read(const struct kafka_record *record, enum mark *mark, int64_t *item_offset)
{
    if (record->value_length > 0 || !header_number(record, "item", item_offset))
        return false;
    if (header_is(record, "mark", "done"))
        *mark = MARK_DONE;
    else if (header_is(record, "mark", "intent"))
        *mark = MARK_INTENT;
    else if (header_is(record, "mark", "close"))
        *mark = MARK_CLOSE;
    else
        return false;
    return true;
}

/* Our own copy, live since its transaction was committed (and perhaps ended since): not a second item. */
static bool echo_take(struct share *share, int64_t offset)
{
    bool ours = false;
    size_t kept = 0;
    for (size_t i = 0; i < share->echo_count; i++) {
        ours |= share->echoes[i] == offset;
        /* what lies below was passed over: its transaction was aborted */
        if (share->echoes[i] > offset)
            share->echoes[kept++] = share->echoes[i];
    }
    share->echo_count = kept;
    return ours;
}

/* Keeps the record until its dead letter is committed; consumes it. */
static struct work_item *bad_make(struct kafka_record *record, const struct decode_error *error)
{
    size_t length = record->key_length < UINT8_MAX ? record->key_length : UINT8_MAX;
    struct bad_item *bad = xcalloc(1, sizeof *bad + length + 1);
    if (length)
        memcpy(bad->key, record->key, length);
    bad->item.key = bad->key;
    bad->item.key_length = (uint8_t)length;
    snprintf(bad->code, sizeof bad->code, "%s", *error->reason ? error->reason : "validation_error");
    snprintf(bad->message, sizeof bad->message, "%s", error->message);
    bad->record = *record;
    record->handle = NULL;
    return &bad->item;
}

static void item_read(struct workset *set, struct share *share, struct kafka_record *record)
{
    struct decode_error error = { 0 };
    struct work_item *item = NULL;
    bool bad = record->value_length == 0;
    int64_t replaced, offset = record->offset;
    uint16_t attempts = header_number(record, "item", &replaced) ? attempts_of(record, 0) : 0;
    int32_t partition = record->partition;
    if (bad) {
        snprintf(error.reason, sizeof error.reason, "no_value");
        snprintf(error.message, sizeof error.message, "The record has neither a value nor a known mark.");
    } else
        item = set->stage.read(set->stage.self, record, &error);
    bad = item == NULL;
    if (bad)
        item = bad_make(record, &error);
    item->offset = offset;
    item->partition = partition;
    item->attempts = attempts;
    item->intent_at_ms = 0;
    item->flags = bad ? WORK_BAD : 0;
    item->older = item->newer = NULL;
    live_list_add(&share->live, item);
    live_table_add(&set->table, item);
}

static void record_take(struct workset *set, struct kafka_record *record)
{
    struct share *share = workset_share(set, record->partition);
    must(share);
    enum mark mark;
    int64_t item_offset;
    bool restoring = workset_restoring(share);
    if (set->doubt.open && set->doubt.partition == record->partition && set->doubt.offset == record->offset)
        set->doubt.seen = true;
    if (mark_read(record, &mark, &item_offset)) {
        if (restoring)
            mark_apply(set, share, record, mark, item_offset);
    } else {
        int64_t written_at_ms = record->timestamp_ms > 0 ? record->timestamp_ms : clock_wall_ms();
        ages_note(&share->ages, record->offset, written_at_ms);
        if (!echo_take(share, record->offset))
            item_read(set, share, record);
    }
    share->position = record->offset + 1;
}

void workset_read(struct workset *set)
{
    int64_t until_us = clock_mono_us() + READ_BUDGET_US;
    barriers_again(set);
    for (int i = 0; i < RECORDS_MAX; i++) {
        struct kafka_record record;
        enum trouble trouble;
        switch (kafka_consumer_poll(set->consumer, 0, &record, &trouble)) {
        case KAFKA_NOTHING:
            return;
        case KAFKA_TROUBLE:
            set->stopped |= trouble == TROUBLE_RESTART;
            return;
        case KAFKA_END: {
            struct share *share = workset_share(set, record.partition);
            if (share && record.offset > share->position)
                share->position = record.offset;
            if (share && planted(RESTORE_TO_STABLE_END) && workset_restoring(share))
                share->barrier = record.offset;
            break;
        }
        case KAFKA_RECORD:
            record_take(set, &record);
            kafka_record_release(&record);
            metric_add(set->meters.records, 1);
            break;
        }
        if (clock_mono_us() > until_us)
            break;
    }
    kafka_consumer_nudge(set->consumer);         /* more is there: the caller's wait must not sleep on it */
}

/* ---- handing out */

void workset_hand_out(struct workset *set)
{
    int budget = HAND_OUT_MAX;
    for (int32_t p = 0; p < set->share_count; p++) {
        struct share *share = workset_share(set, p);
        if (!share || workset_restoring(share))
            continue;
        while (share->live.unseen && budget-- > 0) {
            struct work_item *item = share->live.unseen;
            live_list_seen(&share->live, item);
            if (item->flags & WORK_BAD)
                workset_queue(set, item, EFFECT_END);
            else
                set->stage.live(set->stage.self, item);
        }
        if (share->live.unseen)
            kafka_consumer_nudge(set->consumer);
    }
}
