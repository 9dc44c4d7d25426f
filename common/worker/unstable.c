/* Two numbers and not one for each partition: with traffic something is always held back for a moment, so what tells a stuck
 * transaction from work is that the same place stays held back. The log names that place. */
#include "worker/unstable.h"

#include <stdio.h>

#include "base/log.h"

/* Two time-outs of our own transactions (10 s): the broker itself ends one sooner. */
enum { STUCK_MS = 20 * 1000, TELL_EVERY_MS = 60 * 1000 };

void unstable_open(struct unstable_meters *meters, struct metrics *metrics, const char *reads)
{
    char labels[64];
    snprintf(labels, sizeof labels, "reads=\"%s\"", reads);
    meters->records = metrics_gauge(metrics, "reelgate_unstable_records", labels,
                                    "Records between the last stable offset and the high watermark, on own partitions "
                                    "that are read to their end: held back by open transactions.");
    meters->seconds = metrics_gauge(metrics, "reelgate_unstable_seconds", labels,
                                    "How long one of them has been held back at the same offset, the longest.");
    meters->told_ms = 0;
}

void unstable_show(struct unstable_meters *meters, struct kafka_consumer *consumer, const char *const *topics)
{
    struct kafka_unstable unstable = kafka_consumer_unstable(consumer);
    metric_set(meters->records, (double)unstable.records);
    metric_set(meters->seconds, (double)unstable.for_ms / 1000);
    if (unstable.for_ms < STUCK_MS) {
        meters->told_ms = 0;
        return;
    }
    if (unstable.for_ms - meters->told_ms < TELL_EVERY_MS && meters->told_ms > 0)
        return;
    meters->told_ms = unstable.for_ms;
    log_warn("transaction_stuck", LOG_TEXT("topic", topics[unstable.topic]), LOG_NUMBER("partition", unstable.partition),
             LOG_NUMBER("offset", unstable.offset), LOG_NUMBER("for_ms", unstable.for_ms),
             LOG_TEXT("meaning", "an open transaction holds back what lies behind it: kafka-transactions.sh find-hanging "
                      "names its producer"));
}
