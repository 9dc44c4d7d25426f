/* Effects that wait for their transaction, in the order in which they were asked for. */
#include <stdlib.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "worker/workset_priv.h"

static void insert_after(struct workset *set, struct effect *before, struct effect *effect)
{
    effect->previous = before;
    effect->next = before ? before->next : set->first;
    *(effect->previous ? &effect->previous->next : &set->first) = effect;
    *(effect->next ? &effect->next->previous : &set->last) = effect;
    set->queued++;
}

static struct effect *effect_make(struct work_item *item, enum effect_kind kind)
{
    struct effect *effect = xcalloc(1, sizeof *effect);
    effect->item = item;
    effect->kind = kind;
    effect->mark_offset = effect->copy_offset = -1;
    item->flags |= kind == EFFECT_REWRITE ? WORK_REWRITE : WORK_QUEUED;
    return effect;
}

static struct effect *effect_of(const struct workset *set, const struct work_item *item, bool rewrite)
{
    struct effect *effect = set->last;           /* nearly always asked for right after it was queued */
    while (effect && (effect->item != item || (effect->kind == EFFECT_REWRITE) != rewrite))
        effect = effect->previous;
    return effect;
}

void workset_unqueue(struct workset *set, struct effect *effect)
{
    *(effect->previous ? &effect->previous->next : &set->first) = effect->next;
    *(effect->next ? &effect->next->previous : &set->last) = effect->previous;
    set->queued--;
    uint8_t waiting = effect->kind == EFFECT_REWRITE ? WORK_REWRITE : WORK_QUEUED;
    effect->item->flags &= (uint8_t)~(WORK_ENDING | waiting);
    if (effect->original) {
        kafka_record_release(effect->original);
        free(effect->original);
    }
    if (effect->kind == EFFECT_REWRITE)
        set->rewriting.queued--;
    free(effect);
}

void workset_unqueue_all(struct workset *set)
{
    while (set->first) {
        must(!set->first->previous);         /* the first: unqueuing it moves set->first on */
        workset_unqueue(set, set->first);
    }
}

/* One effect of the service and one rewrite may wait for the same item: if the rewrite was sent already (its
 * end is not known yet), it ends first, and the service's effect then goes by the item's new offset; if not,
 * it makes way. */
static struct effect *effect_new(struct workset *set, struct work_item *item, enum effect_kind kind)
{
    must(item->flags & WORK_LIVE);
    must(!(item->flags & WORK_QUEUED));
    if (kind == EFFECT_END)
        workset_note_forget(set, item);
    if (kind == EFFECT_REWRITE) {
        must(!(item->flags & (WORK_REWRITE | WORK_BAD)));
        set->rewriting.queued++;
    } else if (item->flags & WORK_REWRITE) {
        struct effect *rewrite = effect_of(set, item, true);
        if (!rewrite->sent)
            workset_unqueue(set, rewrite);
    }
    return effect_make(item, kind);
}

struct effect *workset_queue(struct workset *set, struct work_item *item, enum effect_kind kind)
{
    struct effect *effect = effect_new(set, item, kind);
    insert_after(set, set->last, effect);
    return effect;
}

/* ---- the service's calls */

void workset_end(struct workset *set, struct work_item *item, void *tag)
{
    workset_queue(set, item, EFFECT_END)->tag = tag;
}

void workset_end_with(struct workset *set, struct work_item *item, struct work_item *also)
{
    struct effect *main = effect_of(set, item, false);
    must(main && main->kind == EFFECT_END && !main->with && item != also);
    struct effect *effect = effect_new(set, also, EFFECT_END);
    effect->silent = true;
    /* else it comes too late for that transaction: on its own, behind */
    effect->with = !main->sent;
    while (main->next && main->next->with)
        main = main->next;
    insert_after(set, effect->with ? main : set->last, effect);
}

void workset_intent(struct workset *set, struct work_item *item)
{
    must(item->intent_at_ms == 0 || item->attempts > 0);
    workset_queue(set, item, EFFECT_INTENT);
}

void workset_close_intent(struct workset *set, struct work_item *item)
{
    must(item->intent_at_ms != 0 || item->attempts > 0);
    workset_queue(set, item, EFFECT_CLOSE);
}

bool workset_queued(const struct work_item *item) { return item->flags & WORK_QUEUED; }
bool workset_doubtful(const struct work_item *item) { return item->flags & WORK_DOUBTFUL; }
