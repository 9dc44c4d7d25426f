/* How many tasks of each model are alive in our partitions, counted from what `tasks` says of them: a task is
 * the offset of its record until a done mark names that offset. A task that we have only just handed on
 * counts from then on, under its generation, until its record is read back. Pure. */
#ifndef GENERATOR_CROWD_H
#define GENERATOR_CROWD_H

#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"
#include "generator/lane.h"

struct crowd_task { int64_t offset; struct lane *lane; };                    /* lane NULL: it has ended */
struct crowd_handed { char key[ID_LENGTH_MAX + 1]; struct lane *lane; };
struct crowd_part {
    struct crowd_task *tasks; size_t count, capacity, ended;
    struct crowd_handed *handed; size_t handed_count, handed_capacity;
};
struct crowd { struct crowd_part *parts; int32_t count; };                   /* zero-initialise it */

/* Each moves lane->live. In the order of their offsets; what is not above the last one is ignored. */
void crowd_add(struct crowd *crowd, int32_t partition, const struct crowd_task *task, const char *key);
void crowd_end(struct crowd *crowd, int32_t partition, int64_t offset);      /* one that is not there: nothing */
/* Our own, before its transaction; the record that comes back takes its place. */
void crowd_hand_on(struct crowd *crowd, int32_t partition, struct lane *lane, const char *key);
void crowd_drop(struct crowd *crowd, int32_t partition);                     /* no longer ours */
void crowd_free(struct crowd *crowd);

/* Our share of what the provider takes at once: as our partitions are to all, and never less than one. What
 * goes over it in all the provider queues by itself. limit -1: none; so is the share then. */
int64_t crowd_share(int64_t limit, int32_t held, int32_t partitions);

#endif
