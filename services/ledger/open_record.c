#include "ledger/recover_priv.h"

#include <string.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/planted.h"

/* ---- step 5: the open records of all buckets that got here, in one transaction */

enum trouble recover_producer_ready(struct recover *self)
{
    if (self->producer)
        return TROUBLE_NONE;
    struct kafka_producer *producer = kafka_producer_open(&self->kafka, self->transactional_id);
    enum trouble trouble = kafka_producer_renew(producer, "start", RECOVER_KAFKA_MS);
    if (trouble == TROUBLE_NONE)
        trouble = kafka_producer_prewarm(producer, self->topic, RECOVER_KAFKA_MS);
    if (trouble != TROUBLE_NONE) {
        kafka_producer_close(&producer);
        return trouble;
    }
    self->producer = producer;
    return TROUBLE_NONE;
}

static enum trouble produce_open(struct recover *self, struct bucket *bucket)
{
    struct event event;
    struct text value = { 0 };
    char at[RFC3339_BYTES];
    const int64_t at_ms = clock_wall_ms();

    entry_of_open(&bucket->recovery, self->count, at_ms, &event);
    event_encode(&event, &value);
    clock_format(at_ms, at);
#define HEADER(name_, value_) { .name = (name_), .value = (value_), .length = strlen(value_) }
    const struct kafka_header headers[] = {
        HEADER("ce_specversion", "1.0"), HEADER("ce_type", EVENTS[EVENT_TOKENS_ENTRY].ce_type),
        HEADER("ce_id", bucket->recovery.nonce), HEADER("ce_source", "reelgate-ledger"), HEADER("ce_time", at),
        HEADER("content-type", "application/json"),
    };
#undef HEADER
    enum trouble trouble = kafka_producer_produce(self->producer, &(struct kafka_message){
        .topic = self->topic, .partition = bucket->number, .value = value.bytes, .value_length = value.length,
        .headers = headers, .header_count = sizeof headers / sizeof headers[0] }, NULL);
    text_free(&value);
    return trouble;
}

static enum trouble open_transaction(struct recover *self)
{
    enum trouble trouble = kafka_producer_begin(self->producer);
    for (int32_t b = 0; b < self->count && trouble == TROUBLE_NONE; b++)
        if (self->buckets[b].step == BUCKET_OPEN && !planted(NO_OPEN_RECORD))
            trouble = produce_open(self, &self->buckets[b]);
    crash_point(CRASH_RECOVERY_OPEN_PRODUCED);
    if (trouble == TROUBLE_NONE)
        trouble = kafka_producer_flush(self->producer);
    crash_point(CRASH_RECOVERY_OPEN_FLUSHED);
    /* Asked once more after the flush: a recovery that began meanwhile has taken our nonce's place. */
    for (int32_t b = 0; b < self->count && trouble == TROUBLE_NONE; b++) {
        struct bucket *bucket = &self->buckets[b];
        if (bucket->step == BUCKET_OPEN && recovery_stands(self->config.tokens, &bucket->recovery) != TROUBLE_NONE) {
            bucket_to(bucket, BUCKET_CHECK);
            trouble = TROUBLE_ABORT_BATCH;
        }
    }
    if (trouble != TROUBLE_NONE)
        return trouble;
    crash_point(CRASH_RECOVERY_OPEN_STANDS);
    trouble = kafka_producer_commit(self->producer);
    crash_point(CRASH_RECOVERY_OPEN_COMMITTED);
    return trouble;
}

enum trouble recover_open_records(struct recover *self)
{
    bool any = false;
    for (int32_t b = 0; b < self->count; b++)
        any |= self->buckets[b].step == BUCKET_OPEN;
    if (!any)
        return TROUBLE_NONE;
    enum trouble trouble = open_transaction(self);
    if (trouble == TROUBLE_NONE) {
        for (int32_t b = 0; b < self->count; b++)
            if (self->buckets[b].step == BUCKET_OPEN)
                bucket_to(&self->buckets[b], BUCKET_VERIFY);
        return TROUBLE_NONE;
    }
    if (trouble != TROUBLE_RENEW && trouble != TROUBLE_RESTART)
        trouble = kafka_producer_abort(self->producer);
    if (trouble == TROUBLE_RENEW)
        trouble = kafka_producer_renew(self->producer, "recovery", RECOVER_KAFKA_MS);
    return trouble == TROUBLE_RESTART ? trouble : TROUBLE_RETRY;
}
