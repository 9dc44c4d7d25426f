#include "cli/items.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

enum { TOPIC_BITS = 1, PARTITION_BITS = 17, OFFSET_BITS = 46, FIRST_SLOTS = 1024 };
_Static_assert(TOPIC_BITS + PARTITION_BITS + OFFSET_BITS == 64, "a place is one 64-bit key");

bool items_place_valid(const struct item_place *place)
{
    return place->topic >= 0 && place->topic < 1 << TOPIC_BITS && place->partition >= 0
        && place->partition < 1 << PARTITION_BITS && place->offset >= 0
        && place->offset < INT64_C(1) << OFFSET_BITS;
}

static uint64_t key_of(const struct item_place *place)
{
    must(items_place_valid(place));
    return (uint64_t)place->topic << (PARTITION_BITS + OFFSET_BITS)
        | (uint64_t)place->partition << OFFSET_BITS
        | (uint64_t)place->offset;
}

static size_t home_of(const struct items *items, uint64_t key)
{
    uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15);
    return (mixed ^ (mixed >> 32)) & (items->slot_count - 1);
}

/* The slot of key, or the free one where it belongs. */
static size_t slot_of(const struct items *items, uint64_t key)
{
    size_t slot = home_of(items, key);
    while (items->slots[slot].generation_id && items->slots[slot].key != key)
        slot = (slot + 1) & (items->slot_count - 1);
    return slot;
}

static void grow(struct items *items)
{
    struct items larger = { .slot_count = items->slot_count > 0 ? items->slot_count * 2 : FIRST_SLOTS,
                            .count = items->count };
    larger.slots = xcalloc(larger.slot_count, sizeof *larger.slots);
    for (size_t i = 0; i < items->slot_count; i++)
        if (items->slots[i].generation_id)
            larger.slots[slot_of(&larger, items->slots[i].key)] = items->slots[i];
    free(items->slots);
    *items = larger;
}

void items_add(struct items *items, const struct item_place *place, const char *generation_id, int32_t bucket)
{
    if (2 * (items->count + 1) > items->slot_count)
        grow(items);
    uint64_t key = key_of(place);
    struct item *item = &items->slots[slot_of(items, key)];
    if (item->generation_id)
        return;
    *item = (struct item){ .key = key, .generation_id = xstrdup(generation_id), .bucket = bucket };
    items->count++;
}

/* Closes the gap: what comes behind moves up when its way from home leads over the free slot. */
static void close_gap(struct items *items, size_t gap)
{
    size_t mask = items->slot_count - 1;
    for (size_t next = (gap + 1) & mask; items->slots[next].generation_id; next = (next + 1) & mask) {
        size_t home = home_of(items, items->slots[next].key);
        if (((next - home) & mask) < ((next - gap) & mask))
            continue;
        items->slots[gap] = items->slots[next];
        gap = next;
    }
    items->slots[gap] = (struct item){ 0 };
}

void items_end(struct items *items, const struct item_place *place)
{
    if (items->count == 0)
        return;
    size_t slot = slot_of(items, key_of(place));
    if (!items->slots[slot].generation_id)
        return;
    free(items->slots[slot].generation_id);
    items->count--;
    close_gap(items, slot);
}

void items_free(struct items *items)
{
    for (size_t i = 0; i < items->slot_count; i++)
        free(items->slots[i].generation_id);
    free(items->slots);
    *items = (struct items){ 0 };
}

void items_generations(const struct items *items, struct names *by_bucket, int32_t buckets)
{
    for (int32_t b = 0; b < buckets; b++)
        names_free(&by_bucket[b]);
    for (size_t i = 0; i < items->slot_count; i++)
        if (items->slots[i].generation_id && items->slots[i].bucket < buckets)
            names_add(&by_bucket[items->slots[i].bucket], items->slots[i].generation_id);
}

static bool holds(const struct book *journal, int64_t number)
{
    if (number == NAME_NONE)
        return false;
    const struct book_generation *hold = &journal->holds[number];
    return hold->committed + hold->released < hold->held;
}

void compare_item(const struct book *journal, const struct names *live, const char *generation_id,
                  struct findings *findings)
{
    int64_t number = names_find(&journal->generations, generation_id);
    bool open = holds(journal, number), item = names_find(live, generation_id) != NAME_NONE;
    if (open == item)
        return;
    struct finding *finding = findings_add(findings, open ? FINDING_HOLD_WITHOUT_ITEM
                                           : FINDING_ITEM_WITHOUT_HOLD, 0, generation_id);
    snprintf(finding->journal, sizeof finding->journal, "%s",
             open ? "open, but neither a job nor a task is live" : number == NAME_NONE
             ? "nothing, but a job or task is live" : "ended, but a job or task is live");
}

void compare_items(const struct book *journal, const struct names *live, struct findings *findings)
{
    for (size_t i = 0; i < journal->generations.count; i++)
        compare_item(journal, live, journal->generations.rows[i], findings);
    for (size_t i = 0; i < live->count; i++)
        if (names_find(&journal->generations, live->rows[i]) == NAME_NONE)
            compare_item(journal, live, live->rows[i], findings);
}
