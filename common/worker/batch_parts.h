/* The inside of the batch worker, shared by its files only: load (what is read), transaction (what is
 * written), repair (what is done after trouble), setup (what must be there first). */
#ifndef WORKER_BATCH_PARTS_H
#define WORKER_BATCH_PARTS_H

#include "base/backoff.h"
#include "worker/batch.h"
#include "worker/batch_meters.h"

/* What was read in one go, asked and not yet committed. Two of them take turns: while the transaction of
 * one is under way the other one fills, and Redis works on it. */
struct load {
    struct kafka_record *records;
    char *items;                             /* stage->item_bytes each */
    size_t count;
    size_t unsent;                           /* records since the last tokens_batch_send */
    bool received;                           /* answers read, or failed: nothing is on its way any more */
    struct tokens_batch *calls;
    struct kafka_offset *offsets;            /* the next one of each partition in it */
    size_t offset_count, offset_capacity;
};

struct assigned { int topic; int32_t partition; int64_t committed; };

/* What must be there before records are read, in this order; trouble never leads back to an earlier one. */
enum setup { SETUP_TOPICS, SETUP_PRODUCER, SETUP_REDIS, SETUP_GROUP, SETUP_DONE };

struct batch {
    struct batch_config config;
    struct batch_stage stage;
    struct kafka_config kafka;
    char *group;
    const char **topic_names;                /* of stage.reads; lent by the outbox */
    struct kafka_client *client;
    struct kafka_consumer *consumer;         /* NULL until SETUP_GROUP */
    struct kafka_producer *producer;
    struct outbox *outbox;
    struct batch_meters meters;

    struct load loads[2], *current, *next;
    struct assigned *assigned;
    size_t assigned_count, assigned_capacity;
    struct kafka_membership *membership;     /* of this assignment; NULL while there is none */
    bool closing;                            /* read no more */
    bool revoked;                            /* partitions were taken away since the last repair */

    enum setup setup;
    int32_t journal_partitions;
    bool rewind;                             /* read ahead of what is committed: seek back first */
    bool check_redis;                        /* Redis was the trouble: ask it before reading on */
    bool renew;                              /* the producer is lost: a new one before anything else */
    bool prewarm;                            /* it is new: its output topics are cold (K11) */
    struct backoff backoff;
    int64_t wait_until_ms;                   /* monotonic; nothing but heartbeats before */
    int64_t outage_since_ms;                 /* Redis; 0: none */
    struct text unverified;                  /* buckets seen unverified in this outage, "3,7" */
    int64_t last_commit_ms, last_watch_ms, last_lag_ms;      /* monotonic */
    int64_t last_count;                      /* records of the last committed load */
};

/* Where a batch broke, for the log and reelgate_batch_aborts_total. */
enum step { STEP_REDIS, STEP_PRODUCE, STEP_REVOKED, STEP_OFFSETS, STEP_FLUSH, STEP_GUARD, STEP_COMMIT,
            STEP_COUNT };
extern const char *const STEP_NAMES[STEP_COUNT];

/* ---- load */
void load_open(struct load *load, const struct batch *batch);
void load_close(struct load *load);
/* Reads what is there into load, waiting up to wait_ms for a first record and then up to linger_ms for more,
 * asks each and hands the calls to Redis as it goes. NONE (see batch->revoked), or what the consumer said. */
enum trouble load_fill(struct batch *batch, struct load *load, int wait_ms, int64_t linger_ms);
/* Forgets everything in it; what is still on its way from Redis is read and dropped. */
void load_drop(struct batch *batch, struct load *load);
void *load_item(const struct batch *batch, const struct load *load, size_t index);

/* ---- transaction */
/* current's answers in, its outputs out, next filled on the way. Repairs what breaks. NONE, or RESTART. */
enum trouble batch_transact(struct batch *batch);

/* ---- repair */
/* After trouble at step: drops both loads, aborts when open, sets what must be done before reading on. */
enum trouble batch_broke(struct batch *batch, enum trouble trouble, enum step step, bool open);
/* Does what is due: waits, renews the producer, checks Redis, seeks back. true: records may be read. */
bool batch_repaired(struct batch *batch, int wait_ms, enum trouble *trouble);
void batch_redis_back(struct batch *batch);
/* Once a minute: is Redis still fit, does the journal still have as many partitions? */
enum trouble batch_watch(struct batch *batch);
void batch_wait(struct batch *batch);        /* one more failure: sets wait_until_ms */

/* ---- setup */
/* One step; true when everything is there. */
bool batch_set_up(struct batch *batch, int wait_ms, enum trouble *trouble);
void batch_idle(struct batch *batch, int wait_ms);       /* sleeps, with a poll for the group's sake */

#endif
