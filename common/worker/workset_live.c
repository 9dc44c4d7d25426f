#include "worker/workset_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/must.h"
#include "base/xalloc.h"

/* ---- the list */

void live_list_add(struct live_list *list, struct work_item *item)
{
    struct work_item *before = list->newest;         /* nearly always the place: records come in order */
    while (before && before->offset > item->offset)
        before = before->older;
    must(!before || before->offset != item->offset);
    item->older = before;
    item->newer = before ? before->newer : list->oldest;
    *(item->older ? &item->older->newer : &list->oldest) = item;
    *(item->newer ? &item->newer->older : &list->newest) = item;
    list->count++;
    if (!(item->flags & WORK_LIVE) && (!list->unseen || list->unseen->offset > item->offset))
        list->unseen = item;
}

static struct work_item *next_unseen(struct work_item *item)
{
    while (item && (item->flags & WORK_LIVE))
        item = item->newer;
    return item;
}

void live_list_seen(struct live_list *list, struct work_item *item)
{
    item->flags |= WORK_LIVE;
    if (list->unseen == item)
        list->unseen = next_unseen(item->newer);
}

void live_list_remove(struct live_list *list, struct work_item *item)
{
    must(list->count > 0);
    if (list->unseen == item)
        list->unseen = next_unseen(item->newer);
    *(item->older ? &item->older->newer : &list->oldest) = item->newer;
    *(item->newer ? &item->newer->older : &list->newest) = item->older;
    item->older = item->newer = NULL;
    list->count--;
}

int64_t live_list_watermark(const struct live_list *list, int64_t position)
{
    const struct work_item *item = list->oldest;
    while (item && (item->flags & WORK_ENDING))
        item = item->newer;
    return item && item->offset < position ? item->offset : position;
}

/* ---- the table */

enum { CAPACITY_LEAST = 64 };

/* FNV-1a over a seed, mixed at the end. The seed keeps whoever chooses ids from choosing collisions. */
static uint64_t key_hash(const struct live_table *table, const char *key, size_t length)
{
    uint64_t hash = table->seed;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)key[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

static size_t home_of(const struct live_table *table, const char *key, size_t length)
{
    return (size_t)key_hash(table, key, length) & (table->capacity - 1);
}

static bool same_key(const struct work_item *item, const char *key, size_t length)
{
    return item->key_length == length && memcmp(item->key, key, length) == 0;
}

static void place(struct live_table *table, struct work_item *item)
{
    size_t at = home_of(table, item->key, item->key_length);
    while (table->slots[at])
        at = (at + 1) & (table->capacity - 1);
    table->slots[at] = item;
}

static void resize(struct live_table *table, size_t capacity)
{
    struct work_item **old = table->slots;
    size_t old_capacity = table->capacity;
    if (!table->seed)
        table->seed = random_u64() | 1;
    table->slots = xcalloc(capacity, sizeof(struct work_item *));
    table->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i])
            place(table, old[i]);
    free(old);
}

void live_table_add(struct live_table *table, struct work_item *item)
{
    if ((table->count + 1) * 4 > table->capacity * 3)
        resize(table, table->capacity ? table->capacity * 2 : CAPACITY_LEAST);
    place(table, item);
    table->count++;
}

void live_table_remove(struct live_table *table, struct work_item *item)
{
    must(table->count > 0);
    size_t mask = table->capacity - 1, hole = home_of(table, item->key, item->key_length);
    while (table->slots[hole] != item) {
        must(table->slots[hole]);
        hole = (hole + 1) & mask;
    }
    /* Close the gap: whatever stands behind it and could stand in it moves up, so that no search stops
     * early. */
    for (size_t at = (hole + 1) & mask; table->slots[at]; at = (at + 1) & mask) {
        size_t home = home_of(table, table->slots[at]->key, table->slots[at]->key_length);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = NULL;
    table->count--;
    if (table->capacity > CAPACITY_LEAST && table->count * 8 < table->capacity)
        resize(table, table->capacity / 2);
}

void live_table_free(struct live_table *table)
{
    free(table->slots);
    *table = (struct live_table){ 0 };
}

struct work_item *live_table_at(const struct live_table *table, const char *key, size_t length,
                                int32_t partition, int64_t offset)
{
    if (!table->capacity)
        return NULL;
    for (size_t at = home_of(table, key, length); table->slots[at]; at = (at + 1) & (table->capacity - 1)) {
        struct work_item *item = table->slots[at];
        if (item->offset == offset && item->partition == partition && same_key(item, key, length))
            return item;
    }
    return NULL;
}

static bool is_before(const struct work_item *a, const struct work_item *b)
{
    return a->offset != b->offset ? a->offset < b->offset : a->partition < b->partition;
}

struct work_item *live_table_next(const struct live_table *table, const char *key, size_t length,
                                  const struct work_item *after, const struct work_item *except)
{
    struct work_item *best = NULL;
    if (!table->capacity)
        return NULL;
    for (size_t at = home_of(table, key, length); table->slots[at]; at = (at + 1) & (table->capacity - 1)) {
        struct work_item *item = table->slots[at];
        if (item != except && (item->flags & WORK_LIVE) && same_key(item, key, length)
            && (!after || is_before(after, item)) && (!best || is_before(item, best)))
            best = item;
    }
    return best;
}

/* ---- ages */

void ages_note(struct ages *ages, int64_t offset, int64_t at_ms)
{
    struct age *last = ages->count ? &ages->rows[ages->count - 1] : NULL;
    if (last && at_ms < last->at_ms + ages->grain_ms) {
        last->offset = offset > last->offset ? offset : last->offset;
        return;
    }
    if (ages->count == ages->capacity) {
        ages->capacity = ages->capacity ? ages->capacity * 2 : 8;
        ages->rows = xrealloc(ages->rows, ages->capacity * sizeof *ages->rows);
    }
    must(ages->rows);
    ages->rows[ages->count++] = (struct age){ .offset = offset, .at_ms = at_ms };
}

int64_t ages_until(struct ages *ages, int64_t limit_ms)
{
    size_t old = 0;
    while (old < ages->count && ages->rows[old].at_ms <= limit_ms)
        old++;
    if (old == 0)
        return -1;
    int64_t until = ages->rows[old - 1].offset;
    if (old > 1) {                                   /* the last of them says it for all before */
        memmove(ages->rows, ages->rows + old - 1, (ages->count - old + 1) * sizeof *ages->rows);
        ages->count -= old - 1;
    }
    return until;
}

void ages_free(struct ages *ages)
{
    free(ages->rows);
    *ages = (struct ages){ 0 };
}
