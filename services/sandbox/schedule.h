/* Tasks by the time of their next step: a binary heap. A task knows its place, so that it can be taken out
 * anywhere. */
#ifndef SANDBOX_SCHEDULE_H
#define SANDBOX_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

struct task;
struct schedule { struct task **tasks; size_t count, capacity; };

/* by task->due_ms; also when it changed */
void schedule_put(struct schedule *schedule, struct task *task);
/* nothing happens when it is not in there */
void schedule_take(struct schedule *schedule, struct task *task);
struct task *schedule_first(const struct schedule *schedule);           /* NULL when empty */
void schedule_free(struct schedule *schedule);

#endif
