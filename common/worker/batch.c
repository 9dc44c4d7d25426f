#include "worker/batch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/batch_parts.h"

enum {
    BACKOFF_FIRST_MS = 20, BACKOFF_MOST_MS = 1000,
    QUIET_MS = 60 * 1000,        /* how often offsets are committed that moved without a record to answer */
    LAG_EVERY_MS = 1000,
    REST_BELOW = 10,             /* loads of a tenth of the most, or more, follow each other without a rest */
};

static void open_kafka(struct batch *batch)
{
    const struct worker_settings *worker = batch->config.worker;
    char *transactional_id = worker_transactional_id(worker, batch->group);
    batch->kafka = (struct kafka_config){ .bootstrap_servers = worker->kafka_bootstrap_servers,
        .client_id = batch->stage.program, .properties = &worker->kafka, .reads_backlogs = true };
    batch->client = kafka_client_open(&batch->kafka);
    batch->producer = kafka_producer_open(&batch->kafka, transactional_id);
    batch->outbox = outbox_open(&(struct outbox_config){
        .program = batch->stage.program, .group = batch->group, .topic_prefix = worker->topic_prefix,
        .producer = batch->producer, .metrics = batch->config.metrics });
    free(transactional_id);
}

struct batch *batch_open(const struct batch_config *config, const struct batch_stage *stage)
{
    must(config->records_max > 0 && stage->item_bytes > 0);
    struct batch *batch = xcalloc(1, sizeof *batch);
    batch->config = *config;
    batch->stage = *stage;
    batch->group = stage->group ? xstrdup(stage->group) : worker_group(config->worker, stage->program);
    batch_meters_open(&batch->meters, config->metrics);
    open_kafka(batch);
    batch->topic_names = xcalloc((size_t)stage->read_count, sizeof *batch->topic_names);
    for (int i = 0; i < stage->read_count; i++)
        batch->topic_names[i] = outbox_topic(batch->outbox, stage->reads[i]);
    batch->current = &batch->loads[0];
    batch->next = &batch->loads[1];
    load_open(batch->current, batch);
    load_open(batch->next, batch);
    batch->backoff = (struct backoff){ .first_ms = BACKOFF_FIRST_MS, .most_ms = BACKOFF_MOST_MS };
    batch->last_watch_ms = clock_mono_ms();
    batch->renew = true;                 /* there is none yet */
    health_part(config->health, "kafka", "not asked yet");
    health_part(config->health, "redis", "not asked yet");
    return batch;
}

static void swap_loads(struct batch *batch)
{
    struct load *filled = batch->next;
    batch->next = batch->current;
    batch->current = filled;
}

/* Offsets that moved past commit markers, with nothing to answer: not worth a transaction of their own
 * until it is quiet. */
static bool quiet_commit_due(const struct batch *batch)
{
    return batch->next->offset_count > 0
           && (batch->last_commit_ms == 0 || clock_mono_ms() - batch->last_commit_ms >= QUIET_MS);
}

static void tell(struct batch *batch)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - batch->last_lag_ms < LAG_EVERY_MS)
        return;
    batch->last_lag_ms = now_ms;
    metric_set(batch->meters.lag, (double)kafka_consumer_lag(batch->consumer));
    unstable_show(&batch->meters.unstable, batch->consumer, batch->topic_names);
    bool member = kafka_consumer_assigned(batch->consumer);
    health_part(batch->config.health, "group", member ? NULL : "waiting for partitions");
}

/* The last load was small and its transaction ended just now: sleeps up to wait_ms of what is left of the
 * rest, so that what comes meanwhile shares the next one. true: it goes on. */
static bool resting(const struct batch *batch, int wait_ms)
{
    int64_t left_ms = batch->last_commit_ms + batch->config.commit_every_ms - clock_mono_ms();
    if (left_ms <= 0 || batch->last_count >= batch->config.records_max / REST_BELOW || batch->closing)
        return false;
    clock_sleep_ms(left_ms < wait_ms ? left_ms : wait_ms);
    return left_ms > wait_ms;
}

static enum trouble read_and_write(struct batch *batch, int wait_ms)
{
    if (resting(batch, wait_ms))
        return TROUBLE_NONE;
    if (batch->next->count == 0 || batch->config.commit_every_ms > 0) {
        enum trouble trouble = load_fill(batch, batch->next, wait_ms, batch->config.linger_ms);
        if (trouble != TROUBLE_NONE)
            return trouble == TROUBLE_RESTART ? trouble : batch_broke(batch, trouble, STEP_REVOKED, false);
    }
    if (batch->revoked)
        return TROUBLE_NONE;             /* the next turn drops what was read, and seeks back */
    if (batch->next->count == 0 && !quiet_commit_due(batch)) {
        enum trouble trouble = batch_watch(batch);
        return trouble == TROUBLE_NONE ? TROUBLE_NONE : batch_broke(batch, trouble, STEP_REDIS, false);
    }
    swap_loads(batch);
    return batch_transact(batch);
}

enum trouble batch_turn(struct batch *batch, int wait_ms)
{
    enum trouble trouble;
    health_beat(batch->config.health);
    if (!batch_set_up(batch, wait_ms, &trouble) || !batch_repaired(batch, wait_ms, &trouble))
        return trouble;
    trouble = read_and_write(batch, wait_ms);
    tell(batch);
    return trouble;
}

/* What is read and already asked is finished, once; what breaks now is left to the next owner. */
static void finish(struct batch *batch)
{
    if (batch->setup != SETUP_DONE || batch->renew || batch->revoked || batch->next->count == 0)
        return;
    batch->closing = true;
    swap_loads(batch);
    (void)batch_transact(batch);
}

void batch_close(struct batch **closing)
{
    struct batch *batch = *closing;
    if (!batch)
        return;
    finish(batch);
    for (size_t i = 0; i < 2; i++) {
        load_drop(batch, &batch->loads[i]);
        load_close(&batch->loads[i]);
    }
    if (batch->consumer)
        kafka_consumer_close(&batch->consumer);
    kafka_membership_free(&batch->membership);
    kafka_producer_close(&batch->producer);
    kafka_client_close(&batch->client);
    outbox_close(&batch->outbox);
    text_free(&batch->unverified);
    free(batch->assigned);
    free(batch->topic_names);
    free(batch->group);
    free(batch);
    *closing = NULL;
}
