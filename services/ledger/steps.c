#include "ledger/recover_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"

/* ---- the steps that talk to Redis; each returns NONE, RETRY or ABORT_BATCH (start this bucket over) */

/* Seeks first and moves on only then: a step that reads without having sought would skip entries. */
static enum trouble read_from(struct recover *self, struct bucket *bucket, int64_t offset, enum bucket_step step)
{
    enum trouble trouble = kafka_consumer_seek(self->consumer, 0, bucket->number, offset);
    if (trouble != TROUBLE_NONE)
        return trouble;
    bucket->position = offset;
    bucket_to(bucket, step);
    return TROUBLE_NONE;
}

/* A journal that lost its beginning can't rebuild anything: refused, never guessed at. */
static enum trouble journal_whole(struct recover *self, const struct bucket *bucket, int64_t *high)
{
    int64_t low = 0;
    enum trouble trouble = kafka_client_watermarks(self->client, self->topic, bucket->number, &low, high, RECOVER_KAFKA_MS);
    if (trouble != TROUBLE_NONE || low == 0)
        return trouble;
    log_error("journal_truncated", LOG_TEXT("topic", self->topic), LOG_NUMBER("partition", bucket->number),
              LOG_NUMBER("offset", low),
              LOG_TEXT("reason", "the journal must be kept for ever (retention.ms=-1): entries before this offset are gone"));
    return TROUBLE_RESTART;
}

/* The checks of our buckets are spread over the time between two of one: what befalls a whole server is noticed by whichever
 * comes first. */
static void spread_checks(const struct recover *self, struct bucket *bucket)
{
    bucket->guarded_ms = clock_mono_ms() - self->config.guard_every_ms * bucket->number / self->count;
}

static enum trouble step_check(struct recover *self, struct bucket *bucket)
{
    bool verified = false;
    char line[33];
    int64_t journaled = 0;
    enum trouble trouble = recovery_guard(self->config.tokens, bucket->number, &verified, line, &journaled);
    if (trouble != TROUBLE_NONE)
        return trouble;
    bucket->guarded_ms = clock_mono_ms();
    if (!verified) {
        if (bucket->step == BUCKET_TAIL)
            recover_hurry(self);             /* whatever happened, happened to others of that server */
        bucket_to(bucket, BUCKET_BEGIN);
        return TROUBLE_NONE;
    }
    if (bucket->step == BUCKET_TAIL && strcmp(line, bucket->line) == 0)
        return TROUBLE_NONE;
    int64_t high = 0;
    bucket_to(bucket, BUCKET_CHECK);
    memcpy(bucket->line, line, sizeof bucket->line);
    bucket->journaled = journaled;
    trouble = journal_whole(self, bucket, &high);
    if (trouble == TROUBLE_NONE)
        trouble = read_from(self, bucket, journaled, BUCKET_TAIL);
    spread_checks(self, bucket);
    return trouble;
}

static enum trouble step_paused(struct recover *self, struct bucket *bucket)
{
    if (clock_mono_ms() < bucket->since_ms + bucket->recovery.pause_ms)
        return TROUBLE_NONE;
    /* Only now H: every batch flushes before its second guard, so what may still commit lies below it. */
    enum trouble trouble = journal_whole(self, bucket, &bucket->high);
    if (trouble != TROUBLE_NONE)
        return trouble;
    crash_point(CRASH_RECOVERY_HIGH);
    bucket->applied = 0;
    bucket->from_zero = bucket->recovery.line[0] == '\0';
    /* Half the window: the clocks that stamp entries and that of Redis may differ, and a full replay is always right. */
    bucket->forgotten_before_ms = clock_wall_ms() - self->config.dedupe_window_ms / 2;
    metric_add(self->recoveries, 1);
    log_info("recovery_begun", LOG_NUMBER("bucket", bucket->number), LOG_NUMBER("journaled", bucket->recovery.journaled),
             LOG_NUMBER("high_watermark", bucket->high), LOG_TEXT("from", bucket->from_zero ? "zero" : "journaled"));
    if (bucket->from_zero) {
        bucket_to(bucket, BUCKET_EMPTY);
        return TROUBLE_NONE;
    }
    return read_from(self, bucket, bucket->recovery.journaled, BUCKET_SCAN);
}

static enum trouble step_begin(struct recover *self, struct bucket *bucket)
{
    enum trouble trouble = recovery_begin(self->config.tokens, bucket->number, &bucket->recovery);
    if (trouble != TROUBLE_NONE)
        return trouble;
    crash_point(CRASH_RECOVERY_BEGUN);
    bucket->since_ms = clock_mono_ms();
    bucket_to(bucket, BUCKET_PAUSE);
    return step_paused(self, bucket);
}

static enum trouble step_scanned(struct recover *self, struct bucket *bucket)
{
    if (bucket->from_zero) {
        log_warn("recovery_from_zero", LOG_NUMBER("bucket", bucket->number),
                 LOG_TEXT("reason", "this Redis is an older or a lost branch of the journal, or so far behind it that it "
                                    "may have forgotten what had ended: emptied and read from zero"));
        bucket_to(bucket, BUCKET_EMPTY);
        return TROUBLE_NONE;
    }
    crash_point(CRASH_RECOVERY_SCANNED);
    return read_from(self, bucket, bucket->recovery.journaled, BUCKET_REPLAY);
}

/* ---- step 3's emptying: one scan over a server for all of its buckets that are there when it begins */

static size_t emptied_now(struct recover *self, struct recovery **recoveries)
{
    const char *server = NULL;
    size_t count = 0;
    for (int32_t b = 0; b < self->count; b++) {
        struct bucket *bucket = &self->buckets[b];
        if (bucket->step == BUCKET_EMPTY && self->empty_cursor == 0 && !server)
            server = bucket->recovery.server;
        if (bucket->step == BUCKET_EMPTY && self->empty_cursor == 0)
            bucket->emptying = strcmp(bucket->recovery.server, server) == 0;
        if (bucket->emptying)
            recoveries[count++] = &bucket->recovery;
    }
    return count;
}

static enum trouble emptied(struct recover *self, struct bucket *bucket)
{
    if (!bucket->emptying)
        return TROUBLE_NONE;
    if (bucket->recovery.over) {
        recover_over(bucket);
        return TROUBLE_NONE;
    }
    if (self->empty_cursor != 0)
        return TROUBLE_NONE;
    crash_point(CRASH_RECOVERY_EMPTIED);
    return read_from(self, bucket, 0, BUCKET_REPLAY);
}

enum trouble recover_empty(struct recover *self)
{
    struct recovery **recoveries = xcalloc((size_t)self->count + 1, sizeof *recoveries);
    const int64_t until_ms = clock_mono_ms() + RECOVER_TURN_MS;
    enum trouble trouble = TROUBLE_NONE;
    size_t count = emptied_now(self, recoveries);
    if (count == 0)
        self->empty_cursor = 0;              /* all of its buckets have gone elsewhere */
    do {
        if (count > 0)
            trouble = recovery_empty(self->config.tokens, recoveries, count, &self->empty_cursor);
    } while (trouble == TROUBLE_NONE && self->empty_cursor != 0 && clock_mono_ms() < until_ms);
    free(recoveries);
    for (int32_t b = 0; b < self->count && trouble == TROUBLE_NONE; b++)
        trouble = emptied(self, &self->buckets[b]);
    if (trouble == TROUBLE_NONE)
        return TROUBLE_NONE;
    self->empty_cursor = 0;
    for (int32_t b = 0; b < self->count; b++)
        self->buckets[b].emptying = false;   /* the next scan begins from the start, for all that are there then */
    return trouble;
}

enum trouble recover_applied(struct recover *self)
{
    int32_t number = 0;
    enum trouble trouble;
    while ((trouble = recovery_replayed(self->config.tokens, &number)) == TROUBLE_ABORT_BATCH)
        if (self->buckets[number].step == BUCKET_REPLAY)
            recover_over(&self->buckets[number]);
    /* After such trouble this is another Redis, likely: start over rather than apply the rest to it. */
    for (int32_t b = 0; b < self->count && trouble == TROUBLE_RETRY; b++)
        if (self->buckets[b].step == BUCKET_REPLAY)
            bucket_to(&self->buckets[b], BUCKET_CHECK);
    return trouble;
}

static enum trouble step_replayed(struct recover *self, struct bucket *bucket)
{
    enum trouble trouble = bucket_apply(bucket, self->config.tokens);
    if (trouble == TROUBLE_NONE || trouble == TROUBLE_RETRY)
        trouble = recover_applied(self);
    if (trouble != TROUBLE_NONE || bucket->step != BUCKET_REPLAY)
        return trouble;
    crash_point(CRASH_RECOVERY_REPLAYED);
    bucket_to(bucket, BUCKET_OPEN);
    return TROUBLE_NONE;
}

static enum trouble step_verify(struct recover *self, struct bucket *bucket)
{
    enum trouble trouble = recovery_verify(self->config.tokens, &bucket->recovery, bucket->high);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const int64_t took_ms = clock_mono_ms() - bucket->since_ms;
    memcpy(bucket->line, bucket->recovery.nonce, sizeof bucket->line);
    bucket->journaled = bucket->high;
    bucket_to(bucket, BUCKET_TAIL);
    spread_checks(self, bucket);
    metric_add(self->replayed, bucket->applied);
    metric_observe(self->duration, (double)took_ms / 1000.0);
    log_info("recovery_verified", LOG_NUMBER("bucket", bucket->number), LOG_NUMBER("entries", bucket->applied),
             LOG_NUMBER("duration_ms", took_ms));
    crash_point(CRASH_RECOVERY_VERIFIED);
    return TROUBLE_NONE;
}

static enum trouble step_tail(struct recover *self, struct bucket *bucket, int64_t now_ms)
{
    if (now_ms - bucket->guarded_ms >= self->config.guard_every_ms)
        return step_check(self, bucket);
    if (bucket->position <= bucket->journaled || now_ms - bucket->moved_ms < self->config.journaled_every_ms)
        return TROUBLE_NONE;
    enum trouble trouble = recovery_journaled(self->config.tokens, bucket->number, bucket->line, bucket->position);
    bucket->moved_ms = now_ms;
    if (trouble != TROUBLE_NONE)
        return trouble;
    crash_point(CRASH_RECOVERY_JOURNALED);
    bucket->journaled = bucket->position;
    return TROUBLE_NONE;
}

/* Verified, yet the journal holds an open record of another line: some recovery that we know nothing of was here. The
 * journal is the record: go through it once more, from zero if it says so. */
static enum trouble step_alarm(struct recover *self, struct bucket *bucket)
{
    metric_add(self->alarms, 1);
    log_error("journal_other_line", LOG_NUMBER("bucket", bucket->number), LOG_NUMBER("offset", bucket->position));
    bucket_to(bucket, BUCKET_BEGIN);
    return TROUBLE_NONE;
}

enum trouble recover_step(struct recover *self, struct bucket *bucket, int64_t now_ms)
{
    switch (bucket->step) {
    case BUCKET_CHECK:  return step_check(self, bucket);
    case BUCKET_BEGIN:  return step_begin(self, bucket);
    case BUCKET_PAUSE:  return step_paused(self, bucket);
    case BUCKET_SCAN:   return bucket_at_high(bucket) ? step_scanned(self, bucket) : TROUBLE_NONE;
    case BUCKET_REPLAY: return bucket_at_high(bucket) ? step_replayed(self, bucket) : TROUBLE_NONE;
    case BUCKET_VERIFY: return step_verify(self, bucket);
    case BUCKET_TAIL:   return step_tail(self, bucket, now_ms);
    case BUCKET_ALARM:  return step_alarm(self, bucket);
    case BUCKET_EMPTY:                   /* all that are here in one scan: recover_empty */
    case BUCKET_OPEN:                    /* and in one transaction: recover_open_records */
    case BUCKET_NOT_MINE:
        return TROUBLE_NONE;
    }
    unreachable();
}
