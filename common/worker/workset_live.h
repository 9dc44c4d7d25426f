/* The work set's bookkeeping, pure: which items are live, in order of offset and by key; where the watermark
 * stands; how old items are. No clock, no Kafka. Overhead per live item: struct work_item (56 bytes) and at
 * most 22 bytes of table. */
#ifndef WORKER_WORKSET_LIVE_H
#define WORKER_WORKSET_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/workset.h"

enum work_flag {
    WORK_LIVE = 1,           /* handed to the service */
    WORK_QUEUED = 2,         /* the service's effect waits for its transaction */
    WORK_REWRITE = 4,        /* our own rewrite waits for its transaction */
    WORK_ENDING = 8,         /* the transaction at hand ends this offset */
    /* could not be understood: a struct bad_item of ours, the service never sees it */
    WORK_BAD = 16,
    WORK_DOUBTFUL = 32,      /* dropped while the end of its transaction was not known */
    WORK_NOTED = 64,         /* a note about it waits for a transaction */
};

/* ---- one partition's items, oldest first */
struct live_list {
    struct work_item *oldest, *newest;
    struct work_item *unseen;                /* the oldest without WORK_LIVE; NULL when all are handed out */
    size_t count;
};
/* by offset; two of one offset: must() */
void live_list_add(struct live_list *list, struct work_item *item);
void live_list_remove(struct live_list *list, struct work_item *item);
void live_list_seen(struct live_list *list, struct work_item *item);         /* sets WORK_LIVE */
/* What may be committed: the offset of the oldest item that is not WORK_ENDING, else position; never beyond
 * position, since an item that we wrote ourselves may lie ahead of records that nobody has read yet. */
int64_t live_list_watermark(const struct live_list *list, int64_t position);

/* ---- all items by key: open addressing, linear probing; several items may have one key */
struct live_table { struct work_item **slots; size_t capacity, count; uint64_t seed; };
void live_table_add(struct live_table *table, struct work_item *item);
void live_table_remove(struct live_table *table, struct work_item *item);
void live_table_free(struct live_table *table);
struct work_item *live_table_at(const struct live_table *table, const char *key, size_t length,
                                int32_t partition, int64_t offset);
/* The first WORK_LIVE item of this key behind after (NULL: from the oldest) in order of offset, skipping
 * except. */
struct work_item *live_table_next(const struct live_table *table, const char *key, size_t length,
                                  const struct work_item *after, const struct work_item *except);

/* ---- ages: about when an offset was written, without a time in every item. Few samples: offsets up to
 * rows[i].offset were written before rows[i].at_ms + grain_ms. */
struct age { int64_t offset, at_ms; };
struct ages { struct age *rows; size_t count, capacity; int64_t grain_ms; };
void ages_note(struct ages *ages, int64_t offset, int64_t at_ms);
/* The largest offset known to be written at or before limit_ms (give or take the grain), -1: none. Forgets
 * older samples. */
int64_t ages_until(struct ages *ages, int64_t limit_ms);
void ages_free(struct ages *ages);

#endif
