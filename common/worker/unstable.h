/* What holds a read_committed reader back, as metrics, and as one line in the log once it has lasted (hazards K3). */
#ifndef WORKER_UNSTABLE_H
#define WORKER_UNSTABLE_H

#include "kafka/consumer.h"
#include "worker/metrics.h"

struct unstable_meters { struct metric *records, *seconds; int64_t told_ms; };

/* reads: "input", or "journal" for recovery's reading. */
void unstable_open(struct unstable_meters *meters, struct metrics *metrics, const char *reads);
/* Twice a second or so. topics: full names, as the consumer was opened with. */
void unstable_show(struct unstable_meters *meters, struct kafka_consumer *consumer, const char *const *topics);

#endif
