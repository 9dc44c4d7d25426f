/* What a topic must be so that no money is lost, as a judgement over facts. Pure. */
#ifndef CLI_TOPIC_RULES_H
#define CLI_TOPIC_RULES_H

#include "base/text.h"
#include "kafka/admin.h"
#include "proto/event.h"

struct topic_state {
    struct kafka_topic_facts facts;
    /* of all partitions: the first offset that is still there; 0: nothing was deleted */
    int64_t low_watermark_most;
};

/* How many replicas must have a message before it counts: with three or more, one may be lost and nothing waits. */
int topic_least_in_sync(int replication);

/* One line for each thing that is wrong, "<topic>: <what it is>, must be <what>: <why>", each ended by '\n'.
 * states has all topics in the order of TOPICS, prefix leads their names. Returns the number of lines. */
int topic_rules(const struct topic_state states[TOPIC_COUNT], const char *prefix, int replication,
                struct text *lines);

#endif
