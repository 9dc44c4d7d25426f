/* Notes: what is to be said of a live item that goes on living. A hint is worth no transaction of its own, so
 * notes wait for the next one, at most NOTES_MS, and go with whatever else it carries. What a note says is
 * asked for when it is written: of several things that happened meanwhile only the last one is told. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/workset_priv.h"

void workset_note(struct workset *set, struct work_item *item)
{
    struct notes *notes = &set->notes;
    must((item->flags & WORK_LIVE) && set->stage.note);
    if ((item->flags & (WORK_NOTED | WORK_QUEUED)) || notes->count == NOTES_MAX)
        return;
    if (notes->count == notes->capacity) {
        notes->capacity = notes->capacity ? notes->capacity * 2 : 16;
        notes->items = xrealloc(notes->items, notes->capacity * sizeof(struct work_item *));
    }
    if (notes->count == notes->sent)
        notes->due_at_ms = clock_mono_ms() + NOTES_MS;
    notes->items[notes->count++] = item;
    item->flags |= WORK_NOTED;
}

/* The service ends the item: what its end says outranks the note. One that was sent keeps its place, empty,
 * until the end of its transaction is known. */
void workset_note_forget(struct workset *set, struct work_item *item)
{
    struct notes *notes = &set->notes;
    if (!(item->flags & WORK_NOTED))
        return;
    item->flags &= (uint8_t)~WORK_NOTED;
    size_t i = 0;
    while (notes->items[i] != item)
        i++;
    must(i < notes->count);
    notes->items[i] = i < notes->sent ? NULL : notes->items[--notes->count];
}

void workset_notes_clear(struct workset *set)
{
    for (size_t i = 0; i < set->notes.count; i++)
        if (set->notes.items[i])
            set->notes.items[i]->flags &= (uint8_t)~WORK_NOTED;
    free(set->notes.items);
    set->notes = (struct notes){ 0 };
}

int64_t workset_notes_at_ms(const struct workset *set)
{
    if (set->notes.count == 0)
        return INT64_MAX;
    return set->notes.due_at_ms > set->retry_at_ms ? set->notes.due_at_ms : set->retry_at_ms;
}

/* ---- with a transaction */

size_t workset_notes_take(struct workset *set)
{
    struct notes *notes = &set->notes;
    notes->sent = notes->count;
    for (size_t i = 0; i < notes->sent; i++)
        workset_share(set, notes->items[i]->partition)->touched = true;      /* its offset is the fence */
    return notes->sent;
}

enum trouble workset_notes_write(struct workset *set)
{
    enum trouble trouble = TROUBLE_NONE;
    for (size_t i = 0; i < set->notes.sent && trouble == TROUBLE_NONE; i++)
        trouble = set->stage.note(set->stage.self, set->notes.items[i], set->outbox);
    return trouble;
}

void workset_notes_settled(struct workset *set, bool committed)
{
    struct notes *notes = &set->notes;
    size_t kept = 0;
    for (size_t i = 0; i < notes->count; i++) {
        struct work_item *item = notes->items[i];
        bool told = committed && i < notes->sent;
        if (told && item)
            item->flags &= (uint8_t)~WORK_NOTED;
        else if (item)
            notes->items[kept++] = item;
    }
    notes->count = kept;
    notes->sent = 0;
    notes->due_at_ms = clock_mono_ms() + NOTES_MS;
}
