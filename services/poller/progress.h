/* What is told of a render on its way: a hint for whoever watches, now and then. */
#ifndef POLLER_PROGRESS_H
#define POLLER_PROGRESS_H

#include "poller/task.h"
#include "worker/outbox.h"

struct progress_rule { int step_percent; int64_t every_ms; };    /* step 0: nothing is told */

/* Is this worth telling, now_ms monotonic? Then it counts as told. The first word always; after that when it
 * has risen by the step and the last one is old enough. A progress that falls back is not told. */
bool progress_take(struct task *task, const struct progress_rule *rule, int64_t now_ms);
enum trouble progress_write(const struct task *task, struct outbox *outbox);

#endif
