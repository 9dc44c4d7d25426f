/* One transaction: current's answers are read, the next load is read and goes to Redis, and while Redis
 * works on that, current's offsets and outputs are written, flushed, guarded and committed. Nothing slow
 * happens between begin and commit. */
#include "base/clock.h"
#include "base/crash_point.h"
#include "base/planted.h"
#include "worker/batch_parts.h"

enum {
    FILL_MS = 1000,            /* bounds what a load may add to the transaction that waits for it */
    MARKERS_MS = 20,           /* after so long the broker has written the markers of the last transaction */
};

const char *const STEP_NAMES[STEP_COUNT] = {
    [STEP_REDIS] = "redis", [STEP_PRODUCE] = "produce", [STEP_REVOKED] = "revoked",
    [STEP_OFFSETS] = "offsets", [STEP_FLUSH] = "flush", [STEP_GUARD] = "guard", [STEP_COMMIT] = "commit",
};

/* Offsets alone are no load to be hit. */
static void pass(const struct load *load, enum crash_point point)
{
    if (load->count > 0)
        crash_point(point);
}

static enum trouble receive(struct batch *batch, struct load *load)
{
    if (tokens_batch_count(load->calls) == 0) {
        load->received = true;
        return TROUBLE_NONE;
    }
    enum trouble trouble = tokens_batch_receive(load->calls);
    load->received = true;
    if (trouble == TROUBLE_NONE)
        batch_redis_back(batch);
    return trouble;
}

static enum trouble produce(struct batch *batch, struct load *load)
{
    const struct batch_stage *stage = &batch->stage;
    for (size_t i = 0; i < load->count; i++) {
        const struct kafka_record *record = &load->records[i];
        enum trouble trouble = stage->answer(stage->self, load_item(batch, load, i), record,
                                             stage->reads[record->topic], load->calls, batch->outbox);
        if (trouble != TROUBLE_NONE)
            return trouble;
    }
    return TROUBLE_NONE;
}

static enum trouble send_offsets(struct batch *batch, const struct load *load, enum step *step,
                                 int64_t *since_us)
{
    *step = STEP_OFFSETS;
    enum trouble trouble = kafka_producer_send_offsets(batch->producer, batch->consumer, batch->membership,
                                                       load->offsets, load->offset_count);
    batch_meters_lap(&batch->meters, TIME_OFFSETS, since_us);
    pass(load, CRASH_BATCH_OFFSETS);
    return trouble;
}

static enum trouble guard(struct load *load)
{
    return tokens_batch_count(load->calls) > 0 ? tokens_batch_guard(load->calls) : TROUBLE_NONE;
}

static enum trouble write_outputs(struct batch *batch, struct load *load, enum step *step, int64_t *since_us)
{
    *step = STEP_PRODUCE;
    enum trouble trouble = produce(batch, load);
    batch_meters_lap(&batch->meters, TIME_PRODUCE, since_us);
    pass(load, CRASH_BATCH_PRODUCED);
    return trouble;
}

/* Offsets and outputs, which are independent of each other. Right behind another transaction the offsets go
 * first: the broker takes nothing into a transaction while it still writes the markers of the one before,
 * and librdkafka then asks again for offsets at once, but for partitions only after 20 ms. Otherwise the
 * outputs, which are on their way while the offsets wait for their two answers. */
static enum trouble write_all(struct batch *batch, struct load *load, enum step *step, int64_t *since_us)
{
    const bool behind = clock_mono_ms() - batch->last_commit_ms < MARKERS_MS;
    *step = STEP_OFFSETS;
    enum trouble trouble = kafka_producer_begin(batch->producer);
    if (planted(GUARD_BEFORE_FLUSH) && trouble == TROUBLE_NONE)
        trouble = guard(load);
    pass(load, CRASH_BATCH_BEGUN);
    if (trouble == TROUBLE_NONE && behind)
        trouble = send_offsets(batch, load, step, since_us);
    if (trouble == TROUBLE_NONE)
        trouble = write_outputs(batch, load, step, since_us);
    if (trouble == TROUBLE_NONE && !behind)
        trouble = send_offsets(batch, load, step, since_us);
    return trouble;
}

/* From an open transaction to a committed one; *step says where it broke. */
static enum trouble finish(struct batch *batch, struct load *load, enum step *step, int64_t *since_us)
{
    *step = STEP_FLUSH;
    enum trouble trouble = kafka_producer_flush(batch->producer);
    batch_meters_lap(&batch->meters, TIME_FLUSH, since_us);
    if (trouble != TROUBLE_NONE)
        return trouble;
    pass(load, CRASH_BATCH_FLUSHED);
    *step = STEP_GUARD;
    if (!planted(NO_SECOND_GUARD) && !planted(GUARD_BEFORE_FLUSH))
        trouble = guard(load);
    batch_meters_lap(&batch->meters, TIME_GUARD, since_us);
    if (trouble != TROUBLE_NONE)
        return trouble;
    pass(load, CRASH_BATCH_GUARDED);
    *step = STEP_COMMIT;
    trouble = kafka_producer_commit(batch->producer);
    batch_meters_lap(&batch->meters, TIME_COMMIT, since_us);
    return trouble;
}

static void remember_committed(struct batch *batch, const struct load *load)
{
    for (size_t i = 0; i < load->offset_count; i++)
        for (size_t j = 0; j < batch->assigned_count; j++)
            if (batch->assigned[j].topic == load->offsets[i].topic
                && batch->assigned[j].partition == load->offsets[i].partition)
                batch->assigned[j].committed = load->offsets[i].next_offset;
}

static void committed(struct batch *batch, struct load *load)
{
    const struct batch_stage *stage = &batch->stage;
    for (size_t i = 0; stage->committed && i < load->count; i++)
        stage->committed(stage->self, load_item(batch, load, i));
    outbox_settled(batch->outbox, true);
    remember_committed(batch, load);
    metric_add(batch->meters.records, (int64_t)load->count);
    metric_set(batch->meters.last_processed, (double)clock_wall_ms() / 1000);
    if (load->count > 0)
        metric_observe(batch->meters.batches, (double)load->count);
    batch->last_count = (int64_t)load->count;
    load_drop(batch, load);
    backoff_reset(&batch->backoff);
    batch->last_commit_ms = clock_mono_ms();
    health_part(batch->config.health, "kafka", NULL);
}

enum trouble batch_transact(struct batch *batch)
{
    struct load *load = batch->current;
    int64_t since_us = clock_mono_us();
    enum step step = STEP_REDIS;
    pass(load, CRASH_BATCH_ASKED);
    enum trouble trouble = receive(batch, load);
    batch_meters_lap(&batch->meters, TIME_REDIS, &since_us);
    if (trouble == TROUBLE_NONE)
        trouble = batch_watch(batch);        /* here nothing is on its way on Redis' connection */
    if (trouble != TROUBLE_NONE)
        return batch_broke(batch, trouble, step, false);
    pass(load, CRASH_BATCH_RECEIVED);

    /* First the next load, so that Redis has work while this one's outputs are written and committed: Redis
     * is what all of it waits for. A rebalance met here takes both loads: nothing of this one was written
     * yet. */
    trouble = load_fill(batch, batch->next, 0, FILL_MS);
    batch_meters_lap(&batch->meters, TIME_FILL, &since_us);
    if (trouble == TROUBLE_NONE && batch->revoked)
        trouble = TROUBLE_ABORT_BATCH;
    if (trouble != TROUBLE_NONE)
        return batch_broke(batch, trouble, STEP_REVOKED, false);
    pass(load, CRASH_BATCH_AHEAD);

    int64_t began_us = since_us;
    trouble = write_all(batch, load, &step, &since_us);
    if (trouble == TROUBLE_NONE)
        trouble = finish(batch, load, &step, &since_us);
    if (trouble != TROUBLE_NONE)
        return batch_broke(batch, trouble, step, true);
    pass(load, CRASH_BATCH_COMMITTED);
    batch_meters_lap(&batch->meters, TIME_TRANSACTION, &began_us);
    committed(batch, load);
    return TROUBLE_NONE;
}
