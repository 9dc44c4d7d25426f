/* What the files of recovery share; nobody else includes it. */
#ifndef LEDGER_RECOVER_PRIV_H
#define LEDGER_RECOVER_PRIV_H

#include "base/backoff.h"
#include "kafka/producer.h"
#include "ledger/bucket.h"
#include "ledger/recover.h"

enum { RECOVER_TURN_RECORDS_MAX = 4000, RECOVER_TURN_MS = 40, RECOVER_KAFKA_MS = 5000 };

struct recover {
    struct recover_config config;
    struct kafka_config kafka;
    struct kafka_client *client;
    struct kafka_consumer *consumer;     /* opened once the journal's partitions are known */
    struct kafka_producer *producer;     /* opened at the first recovery: most ledgers never need it */
    char topic[256], group[256], transactional_id[256];
    struct bucket *buckets; int32_t count;
    struct backoff backoff; int64_t retry_at_ms;     /* Redis or Kafka was away: not before this */
    struct metric *unverified, *recoveries, *replayed, *alarms, *duration;
    char reason[256];
};

/* steps.c: the next step of this bucket, if it can be done now. NONE, RETRY, ABORT_BATCH (start this bucket over), RESTART. */
enum trouble recover_step(struct recover *self, struct bucket *bucket, int64_t now_ms);
/* steps.c: applies what the bucket holds; what could not be applied is read again from the start of its recovery. */
enum trouble recover_apply(struct recover *self, struct bucket *bucket);
/* open_record.c: step 5 for all buckets that got there, in one transaction. */
enum trouble recover_open_records(struct recover *self);

#endif
