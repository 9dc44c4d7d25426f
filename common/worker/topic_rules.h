/* What a topic must be so that no money is lost, as a judgement over facts. Pure: `reelgate topics check` and every
 * program at its start judge by the same lines. */
#ifndef WORKER_TOPIC_RULES_H
#define WORKER_TOPIC_RULES_H

#include "base/text.h"
#include "kafka/admin.h"
#include "proto/event.h"

struct topic_state {
    struct kafka_topic_facts facts;
    /* of all partitions: the first offset that is still there; 0: nothing was deleted, or nobody asked */
    int64_t low_watermark_most;
};

enum { TOPIC_REPLICAS_SAFE = 3 };            /* one may be lost, and nothing waits */
#define TOPICS_ALL ((1U << TOPIC_COUNT) - 1)

/* The least number of replicas that a topic must have: the operator's word, or with 0, which is the default, as many
 * as a cluster of so many brokers can give, up to TOPIC_REPLICAS_SAFE. So a cluster that could keep money safe has to,
 * a single broker on a desk still works, and who means less than the cluster can give has to say so. */
int topic_replicas_least(int64_t replication, int brokers);
/* How many replicas must have a message before it counts. */
int topic_least_in_sync(int replication);

struct topic_judged {
    const char *prefix;                      /* leads the topics' names */
    unsigned topics;                         /* 1 << topic each; the others' states are not looked at */
    int64_t replication;                     /* the setting; 0: as the cluster can */
};
/* One line for each thing that is wrong, "<topic>: <what it is>, must be <what>: <why>", each ended by '\n'.
 * states has all topics in the order of TOPICS. Returns the number of lines. */
int topic_rules(const struct topic_state states[TOPIC_COUNT], const struct topic_judged *judged, struct text *lines);

#endif
