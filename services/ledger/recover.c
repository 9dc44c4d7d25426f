#include "ledger/recover_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/planted.h"
#include "base/xalloc.h"

enum { HOLDS_EVERY_MS = 10 * 1000, UNSTABLE_EVERY_MS = 500, HOLD_LIFE_MS = 25 * 3600 * 1000 };      /* the longest deadline is a day */

/* ---- membership: which buckets are ours */

static void assigned(void *self_, int topic, int32_t partition, int64_t committed)
{
    struct recover *self = self_;
    (void)topic, (void)committed;        /* where to read on is Redis's to say, not the group's */
    if (partition < self->count)
        bucket_to(&self->buckets[partition], BUCKET_CHECK);
}

static void revoked(void *self_, int topic, int32_t partition)
{
    struct recover *self = self_;
    (void)topic;
    if (partition < self->count)
        bucket_to(&self->buckets[partition], BUCKET_NOT_MINE);
}

/* Once the number of partitions is known it never changes while we run: the journal is never given more. */
static bool ready_to_join(struct recover *self)
{
    int32_t partitions = 0;
    if (self->consumer)
        return true;
    if (kafka_client_partitions(self->client, self->topic, &partitions, RECOVER_KAFKA_MS) != TROUBLE_NONE || partitions == 0
        || recover_producer_ready(self) != TROUBLE_NONE) {
        health_part(self->config.health, "recovery", "waiting for Kafka and the journal topic");
        return false;
    }
    self->count = partitions;
    self->buckets = xcalloc((size_t)partitions, sizeof *self->buckets);
    for (int32_t b = 0; b < partitions; b++)
        self->buckets[b].number = b;
    tokens_partitions(self->config.tokens, partitions);
    const char *topics[] = { self->topic };
    const struct kafka_consumer_hooks hooks = { .self = self, .assigned = assigned, .revoked = revoked };
    self->consumer = kafka_consumer_open(&self->kafka, self->group, topics, 1, &hooks);
    return true;
}

/* ---- reading the journal */

static enum trouble take_record(struct recover *self, const struct kafka_record *record)
{
    struct bucket *bucket = &self->buckets[record->partition];
    struct event_source source;
    struct event event;
    struct decode_error decode_error;
    const char *error = NULL;

    if (record->partition >= self->count || !bucket_reads(bucket) || record->offset < bucket->position)
        return TROUBLE_NONE;
    /* An open record has no user and so no key: the tail need not read what only replay applies. */
    if (bucket->step == BUCKET_TAIL && record->key_length > 0) {
        bucket->position = record->offset + 1;
        return TROUBLE_NONE;
    }
    record_source(record, TOPIC_JOURNAL, &source);
    if (event_decode(&source, &event, &decode_error) != DECODE_OK)
        error = decode_error.message;
    bool understood = !error && bucket_take(bucket, &event, record->offset, &error);
    if (!error || understood)
        event_clear(&event);
    if (understood)
        return bucket_full(bucket) ? bucket_apply(bucket, self->config.tokens) : TROUBLE_NONE;
    log_error("journal_unreadable", LOG_TEXT("topic", self->topic), LOG_NUMBER("partition", record->partition),
              LOG_NUMBER("offset", record->offset), LOG_TEXT("reason", error));
    return TROUBLE_RESTART;
}

static void take_end(struct recover *self, const struct kafka_record *end)
{
    if (end->partition >= self->count)
        return;
    struct bucket *bucket = &self->buckets[end->partition];
    if (bucket_reads(bucket) && end->offset > bucket->position)
        bucket->position = end->offset;      /* what lies between are commit markers and aborted records */
    if (planted(RECOVERY_TO_STABLE_END) && bucket_reads(bucket))
        bucket->high = end->offset;
}

void recover_over(struct bucket *bucket)
{
    log_info("recovery_starts_over", LOG_NUMBER("bucket", bucket->number),
             LOG_TEXT("step", bucket_step_name(bucket->step)));
    bucket_to(bucket, BUCKET_CHECK);
}

/* What one bucket's trouble means for it; what is left for the turn is returned. */
static enum trouble settle_trouble(struct bucket *bucket, enum trouble trouble)
{
    if (trouble != TROUBLE_ABORT_BATCH)
        return trouble;
    recover_over(bucket);
    return TROUBLE_NONE;
}

/* What is not verified reads for its replay, and has not all of it: nobody waits for an answer of Redis. */
static bool only_reads(const struct recover *self)
{
    bool any = false;
    for (int32_t b = 0; b < self->count; b++) {
        const struct bucket *bucket = &self->buckets[b];
        if (bucket->step != BUCKET_NOT_MINE && bucket->step != BUCKET_TAIL && bucket->step != BUCKET_REPLAY)
            return false;
        any |= bucket->step == BUCKET_REPLAY && !bucket_at_high(bucket);
    }
    return any;
}

/* Waits for Kafka only when there is nothing else to do. */
static enum trouble read_journal(struct recover *self, int64_t until_ms)
{
    enum { STARVED_MS = 5 };
    const int wait_ms = self->found == FOUND_NOTHING && only_reads(self) ? STARVED_MS : 0;
    self->found = FOUND_MORE;
    for (int i = 0; i < RECOVER_TURN_RECORDS_MAX && clock_mono_ms() < until_ms; i++) {
        struct kafka_record record;
        enum trouble trouble = TROUBLE_NONE;
        switch (kafka_consumer_poll(self->consumer, i == 0 ? wait_ms : 0, &record, &trouble)) {
        case KAFKA_NOTHING:
            self->found = i == 0 ? FOUND_NOTHING : FOUND_ALL;
            return TROUBLE_NONE;
        case KAFKA_TROUBLE:
            return trouble;
        case KAFKA_END:
            take_end(self, &record);
            break;
        case KAFKA_RECORD:
            trouble = settle_trouble(&self->buckets[record.partition], take_record(self, &record));
            kafka_record_release(&record);
            if (trouble != TROUBLE_NONE)
                return trouble;
            break;
        }
    }
    return TROUBLE_NONE;
}

/* ---- the turn */

static void report(struct recover *self)
{
    struct text waiting = { 0 };
    int32_t unverified = 0, mine = 0;
    for (int32_t b = 0; b < self->count; b++) {
        enum bucket_step step = self->buckets[b].step;
        mine += step != BUCKET_NOT_MINE;
        if (step == BUCKET_NOT_MINE || step == BUCKET_TAIL)
            continue;
        if (unverified++ < 16)
            text_printf(&waiting, "%s%d", unverified > 1 ? "," : "", (int)b);
    }
    metric_set(self->unverified, unverified);
    if (clock_mono_ms() >= self->unstable_at_ms) {
        const char *const topics[] = { self->topic };
        unstable_show(&self->unstable, self->consumer, topics);
        self->unstable_at_ms = clock_mono_ms() + UNSTABLE_EVERY_MS;
    }
    if (unverified) {
        snprintf(self->reason, sizeof self->reason, "%d of %d buckets not verified: %s%s", (int)unverified, (int)mine,
                 waiting.bytes, unverified > 16 ? ",..." : "");
        health_part(self->config.health, "recovery", self->reason);
    } else {
        health_part(self->config.health, "recovery",
                    kafka_consumer_assigned(self->consumer) ? NULL : "waiting for partitions of the journal");
    }
    text_free(&waiting);
}

/* The part of an audit that costs next to nothing, all the time: a hold outlives the longest deadline only when the
 * transaction that should have ended it, or given it a job, was lost (hazards K1). reelgate audit and repair see to it. */
static enum trouble count_holds(struct recover *self, int64_t now_ms)
{
    const int64_t wall_ms = clock_wall_ms();
    struct open_holds all = { .oldest_at_ms = wall_ms };
    if (now_ms - self->holds_ms < HOLDS_EVERY_MS)
        return TROUBLE_NONE;
    self->holds_ms = now_ms;
    for (int32_t b = 0; b < self->count; b++) {
        struct open_holds one;
        if (self->buckets[b].step != BUCKET_TAIL)
            continue;
        enum trouble trouble = tokens_open_holds(self->config.tokens, b, wall_ms - HOLD_LIFE_MS, &one);
        if (trouble != TROUBLE_NONE)
            return trouble;
        all.count += one.count;
        all.overdue += one.overdue;
        if (one.count > 0 && one.oldest_at_ms < all.oldest_at_ms)
            all.oldest_at_ms = one.oldest_at_ms;
    }
    metric_set(self->holds, (double)all.count);
    metric_set(self->overdue, (double)all.overdue);
    metric_set(self->oldest, all.count > 0 ? (double)(wall_ms - all.oldest_at_ms) / 1000 : 0);
    if (all.overdue > self->overdue_said)
        log_error("holds_overdue", LOG_NUMBER("count", all.overdue),
                  LOG_TEXT("reason", "older than any deadline: nothing will end them; see reelgate audit and repair"));
    self->overdue_said = all.overdue;
    return TROUBLE_NONE;
}

/* Any question to Redis waits for all that is under way there, and then Redis for us. So while entries keep coming, it
 * is given nothing but those, and the buckets that have all of theirs go on together; after so long at the latest. */
static bool reads_on(const struct recover *self, int64_t now_ms)
{
    enum { READS_ON_MS = 1000 };
    return self->found == FOUND_MORE && only_reads(self) && now_ms - self->asked_ms < READS_ON_MS;
}

/* The last entries of those that have all of theirs, so that one wait does for them all. */
static enum trouble send_rests(struct recover *self)
{
    enum trouble trouble = TROUBLE_NONE;
    for (int32_t b = 0; b < self->count && trouble == TROUBLE_NONE; b++)
        if (self->buckets[b].step == BUCKET_REPLAY && bucket_at_high(&self->buckets[b]))
            trouble = settle_trouble(&self->buckets[b], bucket_apply(&self->buckets[b], self->config.tokens));
    return trouble;
}

static enum trouble turn(struct recover *self)
{
    const int64_t now_ms = clock_mono_ms();
    enum trouble trouble = read_journal(self, now_ms + RECOVER_TURN_MS);
    if (trouble == TROUBLE_NONE && reads_on(self, now_ms))
        return TROUBLE_NONE;
    self->asked_ms = now_ms;
    if (trouble == TROUBLE_NONE)
        trouble = send_rests(self);
    if (recover_applied(self) != TROUBLE_NONE && trouble == TROUBLE_NONE)
        trouble = TROUBLE_RETRY;
    for (int32_t b = 0; b < self->count && trouble == TROUBLE_NONE; b++)
        trouble = settle_trouble(&self->buckets[b], recover_step(self, &self->buckets[b], now_ms));
    if (trouble == TROUBLE_NONE)
        trouble = recover_empty(self);
    if (trouble == TROUBLE_NONE)
        trouble = recover_open_records(self);
    if (trouble == TROUBLE_NONE && !recover_busy(self))
        trouble = count_holds(self, now_ms);
    return trouble;
}

enum trouble recover_turn(struct recover *self)
{
    if (clock_mono_ms() < self->retry_at_ms)
        return TROUBLE_NONE;
    if (!ready_to_join(self)) {
        self->retry_at_ms = clock_mono_ms() + backoff_next_ms(&self->backoff);
        return TROUBLE_NONE;
    }
    enum trouble trouble = turn(self);
    report(self);
    if (trouble == TROUBLE_RESTART)
        return trouble;
    if (trouble == TROUBLE_NONE)
        backoff_reset(&self->backoff);
    else
        self->retry_at_ms = clock_mono_ms() + backoff_next_ms(&self->backoff);
    return TROUBLE_NONE;
}

bool recover_rebuilds(const struct recover *self, int32_t bucket)
{
    return bucket >= 0 && bucket < self->count && self->buckets[bucket].step != BUCKET_NOT_MINE
        && self->buckets[bucket].step != BUCKET_TAIL;
}

void recover_hurry(struct recover *self)
{
    for (int32_t b = 0; b < self->count; b++)
        self->buckets[b].guarded_ms = 0;
}

bool recover_busy(const struct recover *self)
{
    for (int32_t b = 0; b < self->count; b++) {
        enum bucket_step step = self->buckets[b].step;
        if (step != BUCKET_NOT_MINE && step != BUCKET_TAIL && step != BUCKET_PAUSE)
            return true;
    }
    return false;
}

static void make_metrics(struct recover *self, struct metrics *metrics)
{
    self->unverified = metrics_gauge(metrics, "reelgate_buckets_unverified", NULL,
                                     "Buckets of this instance that are not verified against the journal.");
    self->recoveries = metrics_counter(metrics, "reelgate_recoveries_total", NULL, "Recoveries begun, by bucket.");
    self->replayed = metrics_counter(metrics, "reelgate_recovery_entries_total", NULL, "Journal entries replayed.");
    self->alarms = metrics_counter(metrics, "reelgate_journal_alarms_total", NULL,
                                   "Open records of an unknown recovery met while following the journal.");
    self->duration = metrics_histogram(metrics, "reelgate_recovery_duration_seconds", NULL,
                                       "From the clearing of a bucket's verified to its being verified.", METRICS_FAST);
    unstable_open(&self->unstable, metrics, "journal");
    self->holds = metrics_gauge(metrics, "reelgate_open_holds", NULL, "Open holds in the buckets of this instance.");
    self->overdue = metrics_gauge(metrics, "reelgate_open_holds_overdue", NULL,
                                  "Open holds that are older than any deadline: alarm, see reelgate audit.");
    self->oldest = metrics_gauge(metrics, "reelgate_open_hold_oldest_seconds", NULL, "Age of the oldest open hold.");
}

struct recover *recover_open(const struct recover_config *config)
{
    struct recover *self = xcalloc(1, sizeof *self);
    self->config = *config;
    self->backoff = (struct backoff){ .first_ms = 50, .most_ms = 500 };
    self->kafka = (struct kafka_config){ .bootstrap_servers = config->worker->kafka_bootstrap_servers,
                                         .client_id = "reelgate-ledger-recovery", .properties = &config->worker->kafka,
                                         .reads_backlogs = true };
    snprintf(self->topic, sizeof self->topic, "%s%s", config->worker->topic_prefix, TOPICS[TOPIC_JOURNAL].name);
    snprintf(self->transactional_id, sizeof self->transactional_id, "%sledger-recovery-%s",
             config->worker->topic_prefix, config->worker->instance_id);
    snprintf(self->group, sizeof self->group, "%srecovery", config->worker->topic_prefix);
    self->client = kafka_client_open(&self->kafka);
    make_metrics(self, config->metrics);
    return self;
}

void recover_close(struct recover **recover)
{
    struct recover *self = *recover;
    if (self->consumer)
        kafka_consumer_close(&self->consumer);
    for (int32_t b = 0; b < self->count; b++)
        bucket_to(&self->buckets[b], BUCKET_NOT_MINE);
    if (self->producer)
        kafka_producer_close(&self->producer);
    kafka_client_close(&self->client);
    free(self->buckets);
    free(self);
    *recover = NULL;
}
