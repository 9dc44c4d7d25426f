#include "generator/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"

enum { COMPACT_FROM = 64 };

static struct crowd_part *part_of(struct crowd *crowd, int32_t partition)
{
    must(partition >= 0);
    if (partition >= crowd->count) {
        size_t more = (size_t)(partition + 1 - crowd->count);
        crowd->parts = xrealloc(crowd->parts, (size_t)(partition + 1) * sizeof *crowd->parts);
        memset(crowd->parts + crowd->count, 0, more * sizeof *crowd->parts);
        crowd->count = partition + 1;
    }
    return &crowd->parts[partition];
}

static void arrived(struct crowd_part *part, const char *key)
{
    for (size_t i = 0; i < part->handed_count; i++)
        if (strcmp(part->handed[i].key, key) == 0) {
            part->handed[i].lane->live--;
            part->handed[i] = part->handed[--part->handed_count];
            return;
        }
}

void crowd_add(struct crowd *crowd, int32_t partition, const struct crowd_task *task, const char *key)
{
    struct crowd_part *part = part_of(crowd, partition);
    if (part->count > 0 && task->offset <= part->tasks[part->count - 1].offset)
        return;
    arrived(part, key);
    if (part->count == part->capacity) {
        part->capacity = part->capacity ? part->capacity * 2 : 16;
        part->tasks = xrealloc(part->tasks, part->capacity * sizeof *part->tasks);
    }
    part->tasks[part->count++] = *task;
    task->lane->live++;
}

/* The ended ones go when they are the most, so that a place is found and kept at little cost. */
static void compact(struct crowd_part *part)
{
    if (part->ended < COMPACT_FROM || part->ended * 2 < part->count)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < part->count; i++)
        /* the last stays: it says how far we are */
        if (part->tasks[i].lane || i + 1 == part->count)
            part->tasks[kept++] = part->tasks[i];
    part->count = kept;
    part->ended = part->tasks[kept - 1].lane ? 0 : 1;
}

void crowd_end(struct crowd *crowd, int32_t partition, int64_t offset)
{
    struct crowd_part *part = part_of(crowd, partition);
    size_t low = 0, high = part->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (part->tasks[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == part->count || part->tasks[low].offset != offset || !part->tasks[low].lane)
        return;
    part->tasks[low].lane->live--;
    part->tasks[low].lane = NULL;
    part->ended++;
    compact(part);
}

void crowd_hand_on(struct crowd *crowd, int32_t partition, struct lane *lane, const char *key)
{
    struct crowd_part *part = part_of(crowd, partition);
    if (part->handed_count == part->handed_capacity) {
        part->handed_capacity = part->handed_capacity ? part->handed_capacity * 2 : 8;
        part->handed = xrealloc(part->handed, part->handed_capacity * sizeof *part->handed);
    }
    struct crowd_handed *handed = &part->handed[part->handed_count++];
    handed->lane = lane;
    text_copy(handed->key, sizeof handed->key, key);
    lane->live++;
}

void crowd_drop(struct crowd *crowd, int32_t partition)
{
    struct crowd_part *part = part_of(crowd, partition);
    for (size_t i = 0; i < part->count; i++)
        if (part->tasks[i].lane)
            part->tasks[i].lane->live--;
    for (size_t i = 0; i < part->handed_count; i++)
        part->handed[i].lane->live--;
    free(part->tasks);
    free(part->handed);
    *part = (struct crowd_part){ 0 };
}

void crowd_free(struct crowd *crowd)
{
    for (int32_t p = 0; p < crowd->count; p++)
        crowd_drop(crowd, p);
    free(crowd->parts);
    *crowd = (struct crowd){ 0 };
}

int64_t crowd_share(int64_t limit, int32_t held, int32_t partitions)
{
    if (limit < 0)
        return -1;
    int64_t share = partitions > 0 ? limit * held / partitions : limit;
    return share > 0 ? share : 1;
}
