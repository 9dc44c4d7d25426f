/* What the files of this folder share and nobody else includes. */
#ifndef TOKENS_INTERNAL_H
#define TOKENS_INTERNAL_H

#include "base/text.h"
#include "redis/cluster.h"
#include "tokens/arguments.h"
#include "tokens/recovery.h"
#include "tokens/scripts.h"
#include "tokens/tokens.h"

enum {
    VERIFIED_BYTES = 160,            /* run id (40), replication id (40), partitions, nonce (32) */
    KEY_BYTES = 16 + 8 + 12 + ID_LENGTH_MAX,
    /* reasons whose last line is remembered, so that a long outage does not flood the log */
    REASONS = 8,
    QUIET_MS = 5000,
};

/* Scripts of a replay that were sent and not yet answered, the oldest first; and the buckets whose answer was "differs",
 * until recovery_replayed has told of them. */
enum { REPLAYS_MAX = 8 };
struct replays { int32_t sent[REPLAYS_MAX]; size_t count; int32_t differ[REPLAYS_MAX]; size_t differ_count; bool lost; };

struct said { char reason[96]; int64_t at_ms; };

struct tokens {
    struct tokens_config config;
    struct redis_cluster *scripts;   /* batches, in order; two may be outstanding */
    struct redis_cluster *side;      /* guards, recovery and single reads: one question at a time */
    int32_t partitions;
    uint16_t *slots;                 /* by bucket: where a Redis Cluster has it */
    char (*verified)[VERIFIED_BYTES];        /* by bucket; empty: not known */
    bool has_replicas;
    bool was_fit;                    /* tokens_check has passed once: what it finds later is an outage */
    /* of the connections `scripts`: a batch lives and dies with those it began on */
    uint64_t epoch;
    uint64_t appended, received;     /* replies on them */
    struct replays replays;          /* on the connections `side` */
    struct tokens_batch *last;       /* the batch that was appended to last */
    int32_t bad_bucket;
    char reason[200];
    struct said said[REASONS];
};

/* Remembers why a batch can't go on and logs it, at most once in QUIET_MS for each reason. Returns RETRY. */
enum trouble tokens_cannot(struct tokens *tokens, int32_t bucket, const char *reason);
/* ends the batches' connections: whatever is outstanding on them has failed */
void tokens_drop(struct tokens *tokens);
int32_t tokens_bucket(const struct tokens *tokens, const char *user_id);
/* Asks guard for every bucket whose verified value is not known and adopts those of our partition count. */
enum trouble tokens_learn(struct tokens *tokens);
/* One bucket is not verified as it was: whatever happened to it happened to others. They are all asked anew, in one go, before
 * the next batch, rather than a batch lost for each of them. */
void tokens_unlearn(struct tokens *tokens);
/* The guard of one bucket, to be sent over the side connection. */
void tokens_append_guard(struct tokens *tokens, int32_t bucket);
/* Takes what guard answered: true when the bucket may be used with it. */
bool tokens_adopt(struct tokens *tokens, int32_t bucket, const char *verified);
/* The side connections stand. RETRY: they don't, reason set. */
enum trouble tokens_side(struct tokens *tokens);
/* That of this bucket; only after tokens_side. */
struct redis *tokens_side_node(struct tokens *tokens, int32_t bucket);
/* One script over the bucket's side connection. NONE: *reply is given and no error. RETRY: away, or Redis
 * refused (reason set). */
enum trouble tokens_side_script(struct tokens *tokens, int32_t bucket, enum script script,
                                const struct arguments *arguments, struct redis_reply **reply);
enum trouble tokens_side_receive(struct tokens *tokens, struct redis *node, struct redis_reply **reply);

/* What a server says of itself, in check.c. */
struct server_facts {
    char role[16], policy[32];
    int64_t replicas;                /* connected */
    int64_t good;                    /* replicas in time with it; -1: it may write without any */
    bool promoted;                   /* it was a replica once */
    int64_t to_write, lag_ms;        /* min-replicas-to-write and -max-lag, where replicas matter; else 0 */
};
/* Asks over the side connection. RETRY: away, reason set. */
enum trouble tokens_server_facts(struct tokens *tokens, struct redis *node, struct server_facts *facts);

#endif
