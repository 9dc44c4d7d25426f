/* A member of a consumer group, read_committed, eager assignment, no auto commit, single polls (librdkafka
 * 2.0.2 has known faults in cooperative-sticky and in consume_batch). Offsets are committed only through a
 * producer's transaction. On assignment each partition starts at its committed offset, at the beginning when
 * the group has none; an offset that is no longer there is TROUBLE_RESTART with a clear log line
 * (auto.offset.reset=error). Not thread-safe. */
#ifndef KAFKA_CONSUMER_H
#define KAFKA_CONSUMER_H

#include "kafka/kafka.h"

struct kafka_consumer;

struct kafka_consumer_hooks {
    void *self;
    /* Both are called from inside kafka_consumer_poll and _close only, in the caller's thread. committed: the
     * next offset that the group has for this partition, or -1. Offsets may be committed from inside revoked
     * (the group waits). */
    void (*assigned)(void *self, int topic, int32_t partition, int64_t committed);
    void (*revoked)(void *self, int topic, int32_t partition);
    /* Called once per rebalance before the revoked calls; may be NULL. lost: too late to commit anything. */
    void (*revoking)(void *self, bool lost);
};

enum kafka_event {
    KAFKA_NOTHING,      /* timeout */
    KAFKA_RECORD,       /* *record is filled: release it */
    /* the partition's end for now: topic, partition and offset of *record are set, nothing to release; the
     * offset counts commit markers, so it is the next one to commit when nothing is live */
    KAFKA_END,
    KAFKA_TROUBLE,      /* *trouble says which; already logged */
};

/* Joins the group at the first poll. topics: full names. Never NULL. hooks and the strings are copied. */
struct kafka_consumer *kafka_consumer_open(const struct kafka_config *config, const char *group,
                                           const char *const *topics, int count,
                                               const struct kafka_consumer_hooks *hooks);
/* Leaves the group (bounded: at most 10 s, then goes on without) and frees everything. */
void kafka_consumer_close(struct kafka_consumer **consumer);

enum kafka_event kafka_consumer_poll(struct kafka_consumer *consumer, int timeout_ms,
                                     struct kafka_record *record, enum trouble *trouble);
/* Reads on from offset; prefetched records are dropped. The partition must be assigned. */
enum trouble kafka_consumer_seek(struct kafka_consumer *consumer, int topic, int32_t partition,
                                 int64_t offset);
/* The group's committed offset, asked from the broker with require_stable (waits out pending transactions);
 * -1: none. */
enum trouble kafka_consumer_committed(struct kafka_consumer *consumer, int topic, int32_t partition,
                                      int64_t *offset);
void kafka_consumer_pause(struct kafka_consumer *consumer, bool paused);         /* all assigned partitions */
/* joined: has an assignment, maybe empty */
bool kafka_consumer_assigned(struct kafka_consumer *consumer);
/* No broker answers at all, as last heard (each poll listens). */
bool kafka_consumer_away(const struct kafka_consumer *consumer);
/* Sum over the assigned partitions of last stable offset minus position, as last heard; 0 when quiet. */
int64_t kafka_consumer_lag(struct kafka_consumer *consumer);
/* Records that lie behind the last stable offset, over the assigned partitions that are read up to it: written, and held
 * back by a transaction that is still open. That is everyday; one that stays open is not (hazards K3): for_ms is how long
 * the partition named here has been held back at the same offset, the longest of all. As last heard; call it twice a
 * second or so. */
struct kafka_unstable { int64_t records, for_ms, offset; int topic; int32_t partition; };
struct kafka_unstable kafka_consumer_unstable(struct kafka_consumer *consumer);
/* fd becomes readable when something may be there to poll: for loops that wait for HTTP too. It is emptied by
 * a poll that finds nothing, so poll until KAFKA_NOTHING before waiting on it, and don't read it. */
int kafka_consumer_wake_fd(struct kafka_consumer *consumer);
/* makes it readable: for who stops polling before that */
void kafka_consumer_nudge(struct kafka_consumer *consumer);

/* The group's metadata as of now (KIP-447): taken when a batch's records are at hand, used when its offsets
 * are sent, so that a rebalance in between fences it. Given: free it. NULL while there is no assignment. */
struct kafka_membership;
struct kafka_membership *kafka_membership_now(struct kafka_consumer *consumer);
void kafka_membership_free(struct kafka_membership **membership);

#endif
