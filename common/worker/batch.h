/* The batch worker (design section 6): read up to N records or T ms -> one pipelined Redis round trip ->
 * one transaction with every output and the offsets -> flush -> guard again -> commit. The next batch's
 * records are read, decoded and sent to Redis while this one's transaction is under way; if this one
 * aborts, the next is dropped too, and both run again from the committed offsets. A record is answered
 * once per committed transaction, in order within its partition. */
#ifndef WORKER_BATCH_H
#define WORKER_BATCH_H

#include "tokens/tokens.h"
#include "worker/health.h"
#include "worker/outbox.h"
#include "worker/settings.h"

struct batch;

struct batch_stage {
    const char *program;                     /* "reelgate-admission" */
    const char *group;                       /* NULL: worker_group of the program, "reelgate.admission" */
    const enum topic *reads; int read_count;
    const enum topic *writes; int write_count;       /* prewarmed before ready */
    size_t item_bytes;                       /* zeroed scratch per record */
    void *self;
    /* A record as it is read: decode it into item and append its calls to batch. Must not fail: what can't
     * be understood is remembered in item for answer. The record stays valid until dispose. */
    void (*ask)(void *self, void *item, const struct kafka_record *record, enum topic topic,
                struct tokens_batch *calls);
    /* All answers are there: write this record's outputs. Returns what the outbox returned. Called again,
     * on a fresh item, when the batch runs again. */
    enum trouble (*answer)(void *self, void *item, const struct kafka_record *record, enum topic topic,
                           const struct tokens_batch *calls, struct outbox *outbox);
    void (*committed)(void *self, void *item);       /* the item's outputs are committed: count, log */
    void (*dispose)(void *self, void *item);         /* free what ask made; always called */
};
struct batch_config {
    const struct worker_settings *worker;
    struct tokens *tokens;
    struct metrics *metrics;
    struct health *health;
    int64_t records_max;                     /* N: 2000 */
    int64_t linger_ms;                       /* T: how long to gather once a first record is there, 2 */
    /* While loads are small, a transaction begins no sooner than this after the last one's end, so that what
     * comes meanwhile shares one. 0: at once */
    int64_t commit_every_ms;
};

/* Connects lazily, in the turns. */
struct batch *batch_open(const struct batch_config *config, const struct batch_stage *stage);
/* One turn: waits up to wait_ms for records when idle. NONE, or RESTART (already logged): end with exit
 * status 3. Every other trouble is dealt with inside (backoff, abort, seek, renew). Beats health. */
enum trouble batch_turn(struct batch *batch, int wait_ms);
void batch_close(struct batch **batch);      /* finishes the transaction under way, leaves the group */

#endif
