/* Reads the topics into the view: requests, results, journal and dead letters, committed records only,
 * from some way back and then for ever. One thread's. */
#ifndef GATEWAY_FOLLOW_H
#define GATEWAY_FOLLOW_H

#include "gateway/view.h"

#include "base/trouble.h"
#include "kafka/admin.h"

struct follow;

struct follow_config {
    struct kafka_config kafka;
    const char *topic_prefix;
    int64_t records_max;                 /* how far back at most, per partition */
    struct view *view;
};
struct follow *follow_open(const struct follow_config *config);
void follow_close(struct follow **follow);

/* Reads what is there, at most for about wait_ms. RETRY: Kafka is away, so the topics could not be opened
 * yet. RESTART: what was to be read next is gone. */
enum trouble follow_turn(struct follow *follow, int wait_ms);
/* Everything that was there when the topics were opened has been read. */
bool follow_caught_up(const struct follow *follow);
int32_t follow_journal_partitions(const struct follow *follow);      /* 0: not known yet */

#endif
