/* What the batch worker counts. */
#ifndef WORKER_BATCH_METERS_H
#define WORKER_BATCH_METERS_H

#include "worker/metrics.h"
#include "worker/unstable.h"

enum batch_stage_timer { TIME_REDIS, TIME_OFFSETS, TIME_PRODUCE, TIME_FILL, TIME_FLUSH, TIME_GUARD,
                         TIME_COMMIT, TIME_TRANSACTION, TIME_COUNT };

struct batch_meters {
    struct metric *stage[TIME_COUNT];
    struct metric *records, *batches, *lag, *last_processed, *mismatches;
    struct unstable_meters unstable;
    struct metrics *metrics;
};

void batch_meters_open(struct batch_meters *meters, struct metrics *metrics);
void batch_meters_abort(struct batch_meters *meters, const char *reason);
void batch_meters_renewed(struct batch_meters *meters, const char *reason);
/* Observes the time since *since_us under stage and moves *since_us to now. */
void batch_meters_lap(struct batch_meters *meters, enum batch_stage_timer stage, int64_t *since_us);

#endif
