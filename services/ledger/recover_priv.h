/* What the files of recovery share; nobody else includes it. */
#ifndef LEDGER_RECOVER_PRIV_H
#define LEDGER_RECOVER_PRIV_H

#include "base/backoff.h"
#include "kafka/producer.h"
#include "ledger/bucket.h"
#include "ledger/recover.h"
#include "worker/unstable.h"

enum { RECOVER_TURN_RECORDS_MAX = 4000, RECOVER_TURN_MS = 40, RECOVER_KAFKA_MS = 5000 };

/* Of the last look at the journal: nothing was there; all that was there was read; there is more. */
enum found { FOUND_NOTHING, FOUND_ALL, FOUND_MORE };

struct recover {
    struct recover_config config;
    struct kafka_config kafka;
    struct kafka_client *client;
    struct kafka_consumer *consumer;     /* opened once the journal's partitions are known */
    struct kafka_producer *producer;     /* opened beforehand: a recovery is a pause for everybody */
    char topic[256], group[256], transactional_id[256];
    struct bucket *buckets; int32_t count;
    uint64_t empty_cursor;               /* of the scan that empties buckets; 0: none is under way */
    enum found found;
    int64_t asked_ms;                    /* monotonic: when Redis was last asked anything but a replay */
    struct backoff backoff; int64_t retry_at_ms;     /* Redis or Kafka was away: not before this */
    struct metric *unverified, *recoveries, *replayed, *alarms, *duration;
    struct metric *holds, *overdue, *oldest;
    struct unstable_meters unstable; int64_t unstable_at_ms;
    int64_t holds_ms, overdue_said;      /* monotonic: when the open holds were counted; how many were said to be overdue */
    char reason[256];
};

/* steps.c: the next step of this bucket, if it can be done now. NONE, RETRY, ABORT_BATCH (start this bucket over), RESTART. */
enum trouble recover_step(struct recover *self, struct bucket *bucket, int64_t now_ms);
/* steps.c: a slice of emptying the buckets that are to be. */
enum trouble recover_empty(struct recover *self);
/* steps.c: waits until Redis has done all that was sent to it for replay; buckets for which it has not start over. */
enum trouble recover_applied(struct recover *self);
/* recover.c: this bucket's recovery starts over, as another one, or another server, has come between. */
void recover_over(struct bucket *bucket);
/* open_record.c: opens the producer when it is not open; RETRY: Kafka away. */
enum trouble recover_producer_ready(struct recover *self);
/* open_record.c: step 5 for all buckets that got there, in one transaction. */
enum trouble recover_open_records(struct recover *self);

#endif
