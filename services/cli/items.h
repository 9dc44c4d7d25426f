/* The live items of jobs and tasks: what still has to end. An item is its topic, partition and offset; a
 * done mark ends it. Pure. */
#ifndef CLI_ITEMS_H
#define CLI_ITEMS_H

#include "cli/book.h"
#include "cli/compare.h"

/* of its user; generation_id NULL: a free slot */
struct item { uint64_t key; char *generation_id; int32_t bucket; };
struct items { struct item *slots; size_t slot_count, count; };          /* zero-initialise it */

/* topic: 0 or 1; limits: items_place_valid */
struct item_place { int topic; int32_t partition; int64_t offset; };
bool items_place_valid(const struct item_place *place);

void items_add(struct items *items, const struct item_place *place, const char *generation_id,
               int32_t bucket);
/* one that is not there: its record has expired */
void items_end(struct items *items, const struct item_place *place);
void items_free(struct items *items);

/* Generations that have a live item, by bucket, for comparing. */
void items_generations(const struct items *items, struct names *by_bucket, int32_t buckets);

/* One bucket: each open hold needs a live item, each live item an open hold. live: the generations with a
 * live item. */
void compare_items(const struct book *journal, const struct names *live, struct findings *findings);
void compare_item(const struct book *journal, const struct names *live, const char *generation_id,
                  struct findings *findings);

#endif
