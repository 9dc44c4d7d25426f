/* Old items move to the end of their partition, so that one of them neither pins the watermark nor is lost
 * when retention takes its segment. The copy is the original record, read once more, with two headers: item
 * (the offset that it replaces) and attempt. An item with an open intent stays where it is: its intent names
 * its offset, and whoever restores it must see both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "worker/workset_priv.h"

enum { READ_MAX = 200, QUEUED_MAX = 500, ADD_MS = 2000, PASS_MS = 30000, EVERY_MS = 60000, HEADERS_MAX = 64 };

static bool may_move(const struct work_item *item, int64_t until)
{
    return item->offset <= until && item->intent_at_ms == 0 && (item->flags & WORK_LIVE)
        && !(item->flags & (WORK_QUEUED | WORK_REWRITE | WORK_BAD));
}

static const struct work_item *oldest_to_move(const struct share *share, int64_t until)
{
    const struct work_item *item = share->live.oldest;
    while (item && item->offset <= until && !may_move(item, until))
        item = item->newer;
    return item && may_move(item, until) ? item : NULL;
}

static bool pass_begin(struct workset *set, int32_t partition, int64_t from, int64_t until)
{
    set->rewriting.reader = kafka_reader_open(&set->kafka);
    if (kafka_reader_add(set->rewriting.reader, set->topic, partition, from, ADD_MS) != TROUBLE_NONE) {
        kafka_reader_close(&set->rewriting.reader);
        return false;
    }
    set->rewriting.active = true;
    set->rewriting.partition = partition;
    set->rewriting.until = until;
    set->rewriting.began_ms = clock_mono_ms();
    return true;
}

static void pass_look(struct workset *set)
{
    int64_t now_ms = clock_mono_ms(), every_ms = set->config.rewrite_after_ms / 8 + 1;
    if (now_ms < set->rewriting.next_ms)
        return;
    set->rewriting.next_ms = now_ms + (every_ms < EVERY_MS ? every_ms : EVERY_MS);
    for (int32_t p = 0; p < set->share_count; p++) {
        struct share *share = workset_share(set, p);
        if (!share || workset_restoring(share) || share->live.unseen)
            continue;
        int64_t until = ages_until(&share->ages, clock_wall_ms() - set->config.rewrite_after_ms);
        const struct work_item *item = oldest_to_move(share, until);
        if (item && pass_begin(set, p, item->offset, until))
            return;
    }
}

static void original_take(struct workset *set, struct kafka_record *record)
{
    struct work_item *item = live_table_at(&set->table, record->key ? record->key : "", record->key_length,
                                           set->rewriting.partition, record->offset);
    if (!item || !may_move(item, set->rewriting.until)) {
        kafka_record_release(record);
        return;
    }
    struct effect *effect = workset_queue(set, item, EFFECT_REWRITE);
    effect->original = xmalloc(sizeof *effect->original);
    *effect->original = *record;
}

static void pass_read(struct workset *set)
{
    struct rewriting *rewriting = &set->rewriting;
    for (int i = 0; i < READ_MAX; i++) {
        struct kafka_record record;
        enum trouble trouble;
        enum kafka_event event = kafka_reader_poll(rewriting->reader, 0, &record, &trouble);
        if (event == KAFKA_NOTHING)
            break;
        if (event == KAFKA_RECORD)
            original_take(set, &record);
        if (event == KAFKA_TROUBLE || rewriting->queued >= QUEUED_MAX
            || kafka_reader_position(rewriting->reader, 0, rewriting->partition) > rewriting->until) {
            rewriting->active = false;           /* the next look goes on where this one ended */
            return;
        }
    }
    if (clock_mono_ms() - rewriting->began_ms > PASS_MS)
        rewriting->active = false;
}

void workset_rewrite(struct workset *set)
{
    struct rewriting *rewriting = &set->rewriting;
    if (rewriting->active)
        pass_read(set);
    else if (rewriting->reader && rewriting->queued == 0)
        kafka_reader_close(&rewriting->reader);          /* not before: queued effects hold its records */
    else if (!rewriting->reader && !set->doubt.open && !set->paused)
        pass_look(set);
}

void workset_rewrite_stop(struct workset *set)
{
    set->rewriting.active = false;
    if (set->rewriting.queued == 0)
        kafka_reader_close(&set->rewriting.reader);
}

enum trouble workset_write_copy(struct workset *set, struct effect *effect)
{
    const struct kafka_record *original = effect->original;
    struct kafka_header headers[HEADERS_MAX];
    char item[24], attempt[8];
    size_t count = 0;
    struct kafka_header header;
    for (size_t i = 0; count < HEADERS_MAX - 2 && kafka_record_header_at(original, i, &header); i++)
        if (strcmp(header.name, "item") != 0 && strcmp(header.name, "attempt") != 0)
            headers[count++] = header;
    int length = snprintf(item, sizeof item, "%lld", (long long)effect->item->offset);
    headers[count++] = (struct kafka_header){ "item", item, (size_t)length };
    length = snprintf(attempt, sizeof attempt, "%u", (unsigned)effect->item->attempts);
    headers[count++] = (struct kafka_header){ "attempt", attempt, (size_t)length };
    const struct kafka_message copy = {
        .topic = set->topic, .partition = effect->item->partition,
        .key = original->key, .key_length = original->key_length,
        .value = original->value, .value_length = original->value_length,
        .headers = headers, .header_count = count,
    };
    return outbox_copy(set->outbox, &copy, &effect->copy_offset);
}
