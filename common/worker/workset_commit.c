/* The work set's transactions: outputs, marks and watermarks, all or nothing.
 *
 * What an abort means here. The position is what was *read*, the live items are what was read and not ended,
 * and neither is changed before a commit has returned. So after an abort the consumer need not seek: nothing
 * was taken out of the list, the group's offset has not moved, the effects stay queued and go again, under
 * the same marks. The watermark of the next try is computed anew from the same list. What an aborted
 * transaction left in the log is never read (read_committed), it only takes up offsets.
 *
 * What a commit without an answer means (RENEW from commit): nobody knows yet. init_transactions of the new
 * handle makes the broker end it, one way or the other; the topic then tells: one of its marks, whose offset
 * we know since the flush, is read, or passed over. Until then no other transaction is begun and the service
 * hears nothing. An intent must not be taken for committed that is not, nor an end be written twice. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/must.h"
#include "base/planted.h"
#include "base/xalloc.h"
#include "worker/workset_priv.h"

enum { RENEW_MS = 1000, PREWARM_MS = 1000 };

/* ---- the producer */

void workset_later(struct workset *set)
{
    set->retry_at_ms = clock_mono_ms() + backoff_next_ms(&set->backoff);
}

static bool renew(struct workset *set, const char *reason)
{
    char labels[64];
    int64_t before = kafka_producer_renewals(set->producer);
    enum trouble trouble = kafka_producer_renew(set->producer, reason, RENEW_MS);
    if (kafka_producer_renewals(set->producer) > before) {
        snprintf(labels, sizeof labels, "reason=\"%s\"", reason);
        metric_add(metrics_counter(set->config.metrics, "reelgate_producer_recreations_total", labels,
                                   "Transactional producers made anew while running, by reason."), 1);
    }
    set->warm = false;
    set->stopped |= trouble == TROUBLE_RESTART;
    if (trouble != TROUBLE_NONE)
        health_part(set->config.health, "kafka", "the producer can't start its transactions");
    return trouble == TROUBLE_NONE;
}

/* K11: the first message to a topic whose leaders are not known yet waits for a second. */
static bool prewarm(struct workset *set)
{
    enum trouble trouble = kafka_producer_prewarm(set->producer, set->topic, PREWARM_MS);
    if (trouble == TROUBLE_NONE)
        trouble = kafka_producer_prewarm(set->producer, outbox_topic(set->outbox, TOPIC_DEAD_LETTERS),
                                         PREWARM_MS);
    for (int i = 0; trouble == TROUBLE_NONE && i < set->stage.write_count; i++)
        trouble = kafka_producer_prewarm(set->producer, outbox_topic(set->outbox, set->stage.writes[i]),
                                         PREWARM_MS);
    set->warm = trouble == TROUBLE_NONE;
    health_part(set->config.health, "kafka", set->warm ? NULL : "an output topic is not ready");
    return set->warm;
}

bool workset_ready(struct workset *set)
{
    const char *lost = kafka_producer_lost(set->producer);
    if (!lost && set->warm)
        return true;
    if (set->stopped || clock_mono_ms() < set->retry_at_ms)
        return false;
    if ((lost && !renew(set, lost)) || !prewarm(set)) {
        workset_later(set);
        return false;
    }
    return true;
}

/* ---- writing */

static enum trouble write_end(struct workset *set, struct effect *effect)
{
    struct work_item *item = effect->item;
    enum trouble trouble = TROUBLE_NONE;
    if (item->flags & WORK_BAD) {
        const struct bad_item *bad = (struct bad_item *)item;
        trouble = outbox_dead_letter(set->outbox, &bad->record, set->stage.reads, bad->code, bad->message);
    } else if (!effect->silent) {
        trouble = set->stage.write(set->stage.self, item, effect->tag, set->outbox);
    }
    return trouble;
}

static enum trouble effect_write(struct workset *set, struct effect *effect)
{
    struct work_item *item = effect->item;
    enum mark mark = MARK_DONE;
    int attempt = item->attempts;
    enum trouble trouble = TROUBLE_NONE;
    effect->written_at_ms = clock_wall_ms();
    switch (effect->kind) {
    case EFFECT_END:
        trouble = write_end(set, effect);
        break;
    case EFFECT_REWRITE:
        trouble = workset_write_copy(set, effect);
        break;
    case EFFECT_INTENT:
        if (planted(NO_INTENT))
            return TROUBLE_NONE;
        mark = MARK_INTENT;
        attempt = attempt < UINT16_MAX ? attempt + 1 : attempt;
        break;
    case EFFECT_CLOSE:
        mark = MARK_CLOSE;
        attempt = attempt > 0 ? attempt - 1 : 0;
        break;
    }
    if (trouble != TROUBLE_NONE || (mark == MARK_DONE && planted(DONE_MARK_FORGOTTEN)))
        return trouble;
    return outbox_mark(set->outbox, set->stage.reads, item->partition, item->key, item->key_length, mark,
                       item->offset, attempt, &effect->mark_offset);
}

/* ---- which effects and which offsets */

/* The first effects of the queue, never cutting those apart that belong together. */
static size_t effects_take(struct workset *set)
{
    size_t count = 0;
    struct effect *effect = set->first;
    for (; effect && (count < EFFECTS_MAX || effect->with); effect = effect->next) {
        effect->sent = true;
        if (effect->kind == EFFECT_END || effect->kind == EFFECT_REWRITE)
            effect->item->flags |= WORK_ENDING;
        workset_share(set, effect->item->partition)->touched = true;
        count++;
    }
    return count;
}

static void effects_put_back(struct workset *set)
{
    for (struct effect *effect = set->first; effect && effect->sent; effect = effect->next) {
        effect->sent = false;
        effect->item->flags &= (uint8_t)~WORK_ENDING;
    }
}

/* Offsets of every partition that the effects touch, moved or not (sending them is the fence), and of those
 * that have moved by themselves. Given: free it. */
static struct kafka_offset *offsets_make(struct workset *set, size_t *count)
{
    struct kafka_offset *offsets = xcalloc((size_t)set->share_count + 1, sizeof *offsets);
    *count = 0;
    for (int32_t p = 0; p < set->share_count; p++) {
        struct share *share = workset_share(set, p);
        if (!share || workset_restoring(share))
            continue;
        int64_t watermark = planted(WATERMARK_TOO_FAR) ? share->position
                                                        : live_list_watermark(&share->live, share->position);
        if (share->touched || watermark != share->committed)
            offsets[(*count)++] = (struct kafka_offset){ .topic = 0, .partition = p,
                                                         .next_offset = watermark };
        share->touched = false;
    }
    return offsets;
}

static void offsets_committed(struct workset *set, const struct kafka_offset *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct share *share = workset_share(set, offsets[i].partition);
        share->committed = offsets[i].next_offset;
    }
}

/* ---- after the commit */

static void echo_add(struct share *share, int64_t offset)
{
    if (share->echo_count == share->echo_capacity) {
        share->echo_capacity = share->echo_capacity ? share->echo_capacity * 2 : 8;
        share->echoes = xrealloc(share->echoes, share->echo_capacity * sizeof *share->echoes);
    }
    share->echoes[share->echo_count++] = offset;
}

/* Before the commit: a copy that is read back must be known, also while the commit's end is not. */
static void echoes_expect(struct workset *set)
{
    for (const struct effect *effect = set->first; effect && effect->sent; effect = effect->next)
        if (effect->kind == EFFECT_REWRITE)
            echo_add(workset_share(set, effect->item->partition), effect->copy_offset);
}

static void item_remove(struct workset *set, struct work_item *item)
{
    live_list_remove(&workset_share(set, item->partition)->live, item);
    live_table_remove(&set->table, item);
}

/* The effect is durable: what it says becomes so, then the service hears of it. */
static void effect_finish(struct workset *set, struct effect *effect)
{
    struct work_item *item = effect->item;
    enum effect_kind kind = effect->kind;
    void *tag = effect->tag;
    int64_t at_ms = effect->written_at_ms, copy_offset = effect->copy_offset;
    workset_unqueue(set, effect);
    switch (kind) {
    case EFFECT_END:
        item_remove(set, item);
        if (!(item->flags & WORK_BAD))
            set->stage.ended(set->stage.self, item, tag);
        workset_item_free(item);
        break;
    case EFFECT_INTENT:
        item->attempts = (uint16_t)(item->attempts < UINT16_MAX ? item->attempts + 1 : item->attempts);
        item->intent_at_ms = at_ms;
        if (set->stage.intended)
            set->stage.intended(set->stage.self, item);
        break;
    case EFFECT_CLOSE:
        item->attempts = (uint16_t)(item->attempts > 0 ? item->attempts - 1 : 0);
        item->intent_at_ms = 0;
        if (set->stage.closed)
            set->stage.closed(set->stage.self, item);
        break;
    case EFFECT_REWRITE: {
        struct live_list *list = &workset_share(set, item->partition)->live;
        live_list_remove(list, item);
        item->offset = copy_offset;
        live_list_add(list, item);
        metric_add(set->meters.rewritten, 1);
        break;
    }
    }
}

static void effects_finish(struct workset *set)
{
    /* The callbacks queue new effects behind these; only what was sent is finished. */
    while (set->first && set->first->sent)
        effect_finish(set, set->first);
    workset_notes_settled(set, true);
    outbox_settled(set->outbox, true);
    backoff_reset(&set->backoff);
    set->retry_at_ms = 0;
    metric_add(set->meters.committed, 1);
    metric_set(set->meters.last, (double)clock_wall_ms() / 1000);
}

static void effects_failed(struct workset *set)
{
    effects_put_back(set);
    workset_notes_settled(set, false);
    outbox_settled(set->outbox, false);
    metric_add(set->meters.aborted, 1);
    workset_later(set);
}

void workset_resolve(struct workset *set)
{
    if (!set->doubt.open)
        return;
    const struct share *share = workset_share(set, set->doubt.partition);
    must(share);                                 /* a revocation closes the doubt */
    if (share->position <= set->doubt.offset)
        return;
    bool committed = set->doubt.seen;
    log_info("transaction_resolved", LOG_TEXT("end", committed ? "committed" : "aborted"),
             LOG_NUMBER("partition", set->doubt.partition), LOG_NUMBER("offset", set->doubt.offset));
    set->doubt = (struct doubt){ 0 };
    if (committed)
        effects_finish(set);
    else
        effects_failed(set);
}

/* ---- one transaction */

/* The points of each stage stand in the order of enum effect_kind; watermarks alone are no load to be hit. */
static void pass(const struct workset *set, enum crash_point stage)
{
    if (set->first && set->first->sent)
        crash_point((enum crash_point)((int)stage + (int)set->first->kind));
}

/* Up to the commit; *asked says whether the commit was asked for. */
static enum trouble transaction(struct workset *set, const struct kafka_offset *offsets, size_t offset_count,
                                bool *asked)
{
    *asked = false;
    enum trouble trouble = kafka_producer_begin(set->producer);
    struct effect *effect = set->first;
    for (; trouble == TROUBLE_NONE && effect && effect->sent; effect = effect->next)
        trouble = effect_write(set, effect);
    pass(set, CRASH_WORKSET_END_PRODUCED);
    if (trouble == TROUBLE_NONE)
        trouble = workset_notes_write(set);
    if (trouble == TROUBLE_NONE)
        trouble = kafka_producer_send_offsets(set->producer, set->consumer, set->membership, offsets,
                                              offset_count);
    pass(set, CRASH_WORKSET_END_OFFSETS);
    if (trouble == TROUBLE_NONE)
        trouble = kafka_producer_flush(set->producer);
    if (trouble != TROUBLE_NONE)
        return trouble;
    pass(set, CRASH_WORKSET_END_FLUSHED);
    echoes_expect(set);
    *asked = true;
    trouble = kafka_producer_commit(set->producer);
    pass(set, CRASH_WORKSET_END_COMMITTED);
    return trouble;
}

static void settle(struct workset *set, enum trouble trouble, bool asked, bool effects)
{
    switch (trouble) {
    case TROUBLE_NONE:
        effects_finish(set);
        return;
    case TROUBLE_RENEW:
        if (asked && effects) {
            set->doubt = (struct doubt){ .open = true, .partition = set->first->item->partition,
                                         .offset = set->first->mark_offset };
            metric_add(set->meters.unknown, 1);
            log_warn("transaction_unknown", LOG_NUMBER("partition", set->doubt.partition),
                     LOG_NUMBER("offset", set->doubt.offset), LOG_NUMBER("effects", set->queued));
            return;
        }
        break;
    case TROUBLE_RESTART:
        set->stopped = true;
        break;
    case TROUBLE_RETRY: case TROUBLE_ABORT_BATCH:
        set->stopped |= kafka_producer_abort(set->producer) == TROUBLE_RESTART;
        break;
    }
    effects_failed(set);
}

bool workset_transact(struct workset *set, bool watermarks)
{
    if (!set->membership || set->doubt.open || set->committing || set->stopped || !workset_ready(set))
        return false;
    int64_t began_us = clock_mono_us();
    set->committing = true;
    size_t offset_count, effects = effects_take(set), notes = workset_notes_take(set);
    struct kafka_offset *offsets = offsets_make(set, &offset_count);
    bool asked = false, done = true;
    if (offset_count > 0 && (effects > 0 || notes > 0 || watermarks)) {
        enum trouble trouble = transaction(set, offsets, offset_count, &asked);
        done = trouble == TROUBLE_NONE;
        if (done) {
            offsets_committed(set, offsets, offset_count);
            int64_t now_ms = clock_mono_ms();
            set->quiet_at_ms = now_ms + QUIET_MS;
            set->commit_at_ms = now_ms + set->config.commit_every_ms;
        }
        settle(set, trouble, asked, effects > 0);
        metric_observe(set->meters.transaction, (double)(clock_mono_us() - began_us) / 1e6);
    }
    free(offsets);
    set->committing = false;
    return done;
}

bool workset_commit(struct workset *set)
{
    while (set->first)
        if (!workset_transact(set, false))
            return false;
    return true;
}
