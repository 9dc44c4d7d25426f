/* After trouble. Whatever broke, the way back is the same: drop both loads, abort, wait with backoff, make
 * the producer anew when it is lost, ask Redis when it was the trouble, seek every partition back to what
 * the group has committed (an abort does not rewind the consumer, K7), and read again. Nothing is kept in
 * memory meanwhile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/planted.h"
#include "worker/batch_parts.h"

/* how often guard is asked while a bucket is recovered: what the pause has beside the replay */
enum { UNVERIFIED_MS = 10,
       RENEW_MS = 2000, PREWARM_MS = 1000, WATCH_EVERY_MS = 60 * 1000, METADATA_MS = 1000,
       WATERMARK_MS = 2000 };

void batch_wait(struct batch *batch)
{
    batch->wait_until_ms = clock_mono_ms() + backoff_next_ms(&batch->backoff);
}

/* ---- Redis away */

static bool seen_unverified(const struct batch *batch, const char *bucket)
{
    size_t length = strlen(bucket);
    const char *list = batch->unverified.length ? batch->unverified.bytes : "";
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, bucket, length) == 0)
            return true;
    return false;
}

/* Each try tells of one bucket; together they become the list that /readyz shows. */
static void note_unverified(struct batch *batch, int32_t bucket)
{
    char number[16];
    snprintf(number, sizeof number, "%d", (int)bucket);
    if (seen_unverified(batch, number))
        return;
    metric_add(batch->meters.mismatches, 1);
    backoff_reset(&batch->backoff);          /* one more of the same outage, not one more failure */
    if (batch->unverified.length)
        text_add_char(&batch->unverified, ',');
    text_add_string(&batch->unverified, number);
}

static void redis_away(struct batch *batch)
{
    const char *words = NULL;
    int32_t bucket = tokens_unverified(batch->config.tokens, &words);
    struct text reason = { 0 };
    if (bucket >= 0) {
        note_unverified(batch, bucket);
        text_printf(&reason, "buckets not verified: %s", batch->unverified.bytes);
    } else {
        text_add_string(&reason, words && *words ? words : "Redis does not answer");
    }
    if (batch->outage_since_ms == 0)
        batch->outage_since_ms = clock_mono_ms();
    health_part(batch->config.health, "redis", reason.bytes);
    text_free(&reason);
    batch->check_redis = true;
}

void batch_redis_back(struct batch *batch)
{
    if (batch->outage_since_ms == 0)
        return;
    log_info("tokens_available", LOG_NUMBER("waited_ms", clock_mono_ms() - batch->outage_since_ms));
    batch->outage_since_ms = 0;
    text_clear(&batch->unverified);
    health_part(batch->config.health, "redis", NULL);
}

/* Are the buckets that broke a batch verified by now? Asked here, where it costs a round trip, and not by
 * reading the whole batch again at ever longer intervals: a recovery takes as long as its replay. */
static enum trouble ask_unverified(struct batch *batch, bool *verified)
{
    enum trouble trouble = TROUBLE_NONE;
    *verified = true;
    if (batch->revoked)                      /* perhaps those of others now: read, and see */
        text_clear(&batch->unverified);
    for (char *at = batch->unverified.length ? batch->unverified.bytes : NULL; at && *at && *verified;) {
        int32_t bucket = (int32_t)strtol(at, &at, 10);
        at += *at == ',';
        trouble = tokens_ask_verified(batch->config.tokens, bucket, verified);
        if (trouble != TROUBLE_NONE)
            return trouble;
    }
    return TROUBLE_NONE;
}

/* The check tells only whether Redis is there. */
static enum trouble ask_redis(struct batch *batch)
{
    char reason[200] = "";
    enum trouble trouble = tokens_check(batch->config.tokens, reason);
    if (trouble == TROUBLE_RESTART)
        log_error("redis_refused", LOG_TEXT("reason", reason));
    else if (trouble != TROUBLE_NONE)
        health_part(batch->config.health, "redis", reason);
    else if (batch->unverified.length == 0)
        batch_redis_back(batch);
    return trouble;
}

/* ---- the way back */

enum trouble batch_broke(struct batch *batch, enum trouble trouble, enum step step, bool open)
{
    batch_meters_abort(&batch->meters, STEP_NAMES[step]);
    load_drop(batch, batch->current);
    load_drop(batch, batch->next);
    outbox_settled(batch->outbox, false);
    batch->rewind = !planted(NO_REWIND);
    if (trouble == TROUBLE_RESTART)
        return TROUBLE_RESTART;
    if (step == STEP_REDIS || step == STEP_GUARD)
        redis_away(batch);
    if (open && trouble != TROUBLE_RENEW)
        trouble = kafka_producer_abort(batch->producer);
    if (open)
        crash_point(CRASH_BATCH_ABORTED);
    if (trouble == TROUBLE_RESTART)
        return TROUBLE_RESTART;
    batch->renew = batch->renew || trouble == TROUBLE_RENEW;
    const struct log_field fields[] = { LOG_TEXT("step", STEP_NAMES[step]),
                                        LOG_TEXT("trouble", trouble_name(trouble)) };
    /* Once an outage of Redis is known, each further try is no news. */
    log_write(step == STEP_REDIS ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "batch_runs_again", fields, 2);
    if (step != STEP_REVOKED)        /* a rebalance is no trouble: the next owner waits for us */
        batch_wait(batch);
    return TROUBLE_NONE;
}

static enum trouble renew(struct batch *batch)
{
    const char *reason = kafka_producer_lost(batch->producer);
    int64_t before = kafka_producer_renewals(batch->producer);
    enum trouble trouble = kafka_producer_renew(batch->producer, reason ? reason : "fatal", RENEW_MS);
    if (kafka_producer_renewals(batch->producer) > before)
        batch_meters_renewed(&batch->meters, reason ? reason : "fatal");
    if (trouble == TROUBLE_NONE) {
        batch->renew = false;
        batch->prewarm = true;
    } else {
        health_part(batch->config.health, "kafka", "the producer can't start its transactions");
    }
    return trouble;
}

static enum trouble prewarm(struct batch *batch)
{
    for (int i = 0; i < batch->stage.write_count; i++) {
        const char *topic = outbox_topic(batch->outbox, batch->stage.writes[i]);
        enum trouble trouble = kafka_producer_prewarm(batch->producer, topic, PREWARM_MS);
        if (trouble != TROUBLE_NONE) {
            health_part(batch->config.health, "kafka", "an output topic is not ready");
            batch->renew = batch->renew || trouble == TROUBLE_RENEW;
            return trouble == TROUBLE_RENEW ? TROUBLE_RETRY : trouble;
        }
    }
    batch->prewarm = false;
    return TROUBLE_NONE;
}

static enum trouble seek_one(struct batch *batch, struct assigned *row)
{
    int64_t committed = -1, high;
    enum trouble trouble = kafka_consumer_committed(batch->consumer, row->topic, row->partition, &committed);
    int64_t start = committed;
    if (trouble == TROUBLE_NONE && committed < 0)
        trouble = kafka_client_watermarks(batch->client, batch->topic_names[row->topic], row->partition,
                                          &start, &high, WATERMARK_MS);
    if (trouble == TROUBLE_NONE)
        trouble = kafka_consumer_seek(batch->consumer, row->topic, row->partition, start);
    row->committed = committed;
    return trouble;
}

static enum trouble rewind_all(struct batch *batch)
{
    load_drop(batch, batch->next);           /* read under a former assignment, or too far ahead */
    for (size_t i = 0; i < batch->assigned_count; i++) {
        enum trouble trouble = seek_one(batch, &batch->assigned[i]);
        if (trouble != TROUBLE_NONE)
            return trouble;
    }
    batch->rewind = false;
    batch->revoked = false;
    return TROUBLE_NONE;
}

bool batch_repaired(struct batch *batch, int wait_ms, enum trouble *trouble)
{
    *trouble = TROUBLE_NONE;
    if (clock_mono_ms() < batch->wait_until_ms) {
        batch_idle(batch, wait_ms);
        return false;
    }
    if (batch->renew)
        *trouble = renew(batch);
    if (*trouble == TROUBLE_NONE && batch->prewarm)
        *trouble = prewarm(batch);
    if (*trouble == TROUBLE_NONE && batch->check_redis)
        *trouble = ask_redis(batch);
    bool verified = true;
    if (*trouble == TROUBLE_NONE && batch->check_redis)
        *trouble = ask_unverified(batch, &verified);
    if (*trouble == TROUBLE_NONE && !verified) {
        batch->wait_until_ms = clock_mono_ms() + UNVERIFIED_MS;
        return false;
    }
    if (*trouble == TROUBLE_NONE) {
        batch->check_redis = false;
        if (batch->rewind || batch->revoked)
            *trouble = rewind_all(batch);
    }
    if (*trouble == TROUBLE_NONE)
        return true;
    if (*trouble != TROUBLE_RESTART) {
        *trouble = TROUBLE_NONE;
        batch_wait(batch);
    }
    return false;
}

/* ---- once a minute: the server may have become another one, or an evicting one (hazards R6) */

static enum trouble journal_unchanged(struct batch *batch)
{
    int32_t partitions = -1;
    const char *journal = outbox_topic(batch->outbox, TOPIC_JOURNAL);
    enum trouble trouble = kafka_client_partitions(batch->client, journal, &partitions, METADATA_MS);
    if (trouble != TROUBLE_NONE || partitions == batch->journal_partitions)
        return TROUBLE_NONE;                 /* away for a moment: the transaction itself will tell */
    log_error("journal_partitions_changed", LOG_NUMBER("had", batch->journal_partitions),
              LOG_NUMBER("has", partitions),
              LOG_TEXT("meaning", "every user's bucket moves: start again, the ledger rebuilds"));
    return TROUBLE_RESTART;
}

enum trouble batch_watch(struct batch *batch)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - batch->last_watch_ms < WATCH_EVERY_MS)
        return TROUBLE_NONE;
    batch->last_watch_ms = now_ms;
    enum trouble trouble = journal_unchanged(batch);
    return trouble == TROUBLE_NONE ? ask_redis(batch) : trouble;
}
