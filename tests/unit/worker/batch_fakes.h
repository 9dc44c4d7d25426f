/* Kafka and the token account in memory, for the batch worker alone: the test scripts what a poll brings and
 * where a call fails, and reads what was done from a trace. Rebalances happen exactly between two records. */
#ifndef UNIT_WORKER_BATCH_FAKES_H
#define UNIT_WORKER_BATCH_FAKES_H

#include "worker/batch.h"

enum fake_event { FAKE_NOTHING, FAKE_RECORD, FAKE_END, FAKE_REVOKE, FAKE_ASSIGN };
struct fake_poll { enum fake_event event; int32_t partition; int64_t offset; };     /* ASSIGN: committed */

struct fakes {
    struct fake_poll polls[32];              /* what the next polls bring, in order; then nothing */
    int poll_count, poll_next;
    const char *fail_at;                     /* "begin", "offsets", ...: answers fail_with once there */
    enum trouble fail_with;
    const char *then_fail_at;                /* after that, once: RENEW */
    int64_t committed;                       /* what the broker says when asked */
    bool redis_away, redis_refused;          /* it does not answer; it may not be used (an evicting policy) */
    int32_t partitions;                      /* of every topic */
    bool unverified;                         /* bucket 3, until the test says otherwise */
    struct text trace;                       /* "begin offsets[0:8] answer answer flush guard commit " */
};
extern struct fakes fakes;

void fakes_reset(void);
void fakes_poll(enum fake_event event, int32_t partition, int64_t offset);
void fakes_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
