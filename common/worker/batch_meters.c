#include "worker/batch_meters.h"

#include <stdio.h>

#include "base/clock.h"

static const double RECORDS[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 0 };
static const char aborts_help[] = "Batches that were aborted and ran again, by the step that broke.";
static const char renewed_help[] = "Transactional producers made anew while running, by reason.";

static struct metric *labelled(struct metrics *metrics, const char *name, const char *reason,
                               const char *help)
{
    char labels[64];
    snprintf(labels, sizeof labels, "reason=\"%s\"", reason);
    return metrics_counter(metrics, name, labels, help);
}

void batch_meters_open(struct batch_meters *meters, struct metrics *metrics)
{
    static const char *const stages[TIME_COUNT] = {
        [TIME_REDIS] = "redis", [TIME_PRODUCE] = "produce", [TIME_FILL] = "fill", [TIME_OFFSETS] = "offsets",
        [TIME_FLUSH] = "flush", [TIME_GUARD] = "guard", [TIME_COMMIT] = "commit",
        [TIME_TRANSACTION] = "transaction",
    };
    meters->metrics = metrics;
    for (int i = 0; i < TIME_COUNT; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "stage=\"%s\"", stages[i]);
        meters->stage[i] = metrics_histogram(
            metrics, "reelgate_stage_duration_seconds", labels,
            "Time a batch spends in each stage; transaction: from begin to commit.", METRICS_FAST);
    }
    meters->batches = metrics_histogram(metrics, "reelgate_batch_records", NULL,
                                        "Records in one committed batch.", RECORDS);
    meters->records = metrics_counter(metrics, "reelgate_records_processed_total", NULL,
                                      "Records whose transaction is committed.");
    meters->lag = metrics_gauge(metrics, "reelgate_consumer_lag_records", NULL,
                                "Records from the position to the last stable offset, on own partitions.");
    unstable_open(&meters->unstable, metrics, "input");
    meters->last_processed = metrics_gauge(metrics, "reelgate_last_processed_timestamp_seconds", NULL,
                                           "When the last batch was committed.");
    meters->mismatches = metrics_counter(metrics, "reelgate_redis_epoch_mismatches_total", NULL,
                                         "Buckets found unverified, or changed under a batch.");
    static const char *const known_aborts[] = { "redis", "revoked", "guard", "commit" };
    for (size_t i = 0; i < sizeof known_aborts / sizeof known_aborts[0]; i++)
        labelled(metrics, "reelgate_batch_aborts_total", known_aborts[i], aborts_help);
    labelled(metrics, "reelgate_producer_recreations_total", "fenced", renewed_help);
}

void batch_meters_abort(struct batch_meters *meters, const char *reason)
{
    metric_add(labelled(meters->metrics, "reelgate_batch_aborts_total", reason, aborts_help), 1);
}

void batch_meters_renewed(struct batch_meters *meters, const char *reason)
{
    metric_add(labelled(meters->metrics, "reelgate_producer_recreations_total", reason, renewed_help), 1);
}

void batch_meters_lap(struct batch_meters *meters, enum batch_stage_timer stage, int64_t *since_us)
{
    int64_t now_us = clock_mono_us();
    metric_observe(meters->stage[stage], (double)(now_us - *since_us) / 1e6);
    *since_us = now_us;
}
