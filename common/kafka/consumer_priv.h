/* Inside common/kafka only: a consumer's state, shared by consumer.c (polling) and rebalance.c
 * (assignments). */
#ifndef KAFKA_CONSUMER_PRIV_H
#define KAFKA_CONSUMER_PRIV_H

#include "kafka/consumer.h"
#include "kafka/priv.h"

struct slot {                    /* one partition of one topic */
    bool held;                   /* assigned to us */
    int64_t position;            /* next offset to be handed out; -1 until something was heard */
    int64_t high_at_end;         /* the watermark when the end was last seen; -1: the end is not reached */
    int64_t stood_at;            /* where the end was when kafka_consumer_unstable first saw it held back there ... */
    int64_t stood_since_ms;      /* ... and when (monotonic); 0: it is not held back */
};
struct slots { struct slot *rows; int32_t count; };

struct kafka_consumer {
    struct kafka_config config;
    char *group;
    char **topics; int topic_count;
    struct kafka_consumer_hooks hooks;
    rd_kafka_t *handle;
    rd_kafka_queue_t *queue;
    struct kafka_link *link;
    int wake[2];                 /* pipe: librdkafka writes, the loop waits on [0] */
    struct slots *slots;         /* by topic */
    int held;                    /* partitions assigned */
    bool joined;
    bool paused;
    bool closing;                /* leaving the group: an assignment that still arrives is declined */
    bool rejoin;                 /* this handle is of no more use: leave and join anew, once it is ... */
    int64_t rejoin_at_ms;        /* ... late enough that a lasting trouble is not a busy loop */
    bool stopped;                /* TROUBLE_RESTART was said; say it again */
};

int kafka_consumer_topic(const struct kafka_consumer *consumer, const char *name);        /* -1: not ours */
/* NULL: not held */
struct slot *kafka_consumer_slot(const struct kafka_consumer *consumer, int topic, int32_t partition);
/* The rebalance callback of librdkafka. */
void kafka_consumer_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code,
                              rd_kafka_topic_partition_list_t *partitions, void *opaque);
void kafka_consumer_revoke_all(struct kafka_consumer *consumer, bool lost);
void kafka_consumer_rejoin(struct kafka_consumer *consumer);
void kafka_consumer_pause_held(struct kafka_consumer *consumer);
rd_kafka_topic_partition_list_t *kafka_consumer_held_list(const struct kafka_consumer *consumer);

struct kafka_membership { rd_kafka_consumer_group_metadata_t *metadata; };

#endif
