/* One bucket's recovery: the steps of design section 9 as a state machine over values; recover.c owns consumer and clock. */
#ifndef LEDGER_BUCKET_H
#define LEDGER_BUCKET_H

#include "worker/entry.h"

enum bucket_step {
    BUCKET_NOT_MINE,         /* another instance guards it */
    BUCKET_CHECK,            /* ask guard: verified on this server? */
    BUCKET_BEGIN,            /* clear verified, leave a nonce */
    BUCKET_PAUSE,            /* until a primary that was cut off takes no more writes; then the real high watermark */
    BUCKET_SCAN,             /* with a line: look for an open record of another line between journaled and H */
    BUCKET_EMPTY,            /* an older or lost branch, or nothing: delete what is there, in steps */
    BUCKET_REPLAY,           /* read on to H and apply, many entries a call */
    BUCKET_OPEN,             /* write the open record */
    BUCKET_VERIFY,           /* set verified, line, journaled */
    BUCKET_TAIL,             /* verified: follow the journal, move journaled */
    BUCKET_ALARM,            /* verified, but the journal holds an open record of another line: journaled stays */
};

enum { BUCKET_REPLAY_MAX = 200 };    /* entries a call: some 5 ms of Redis */

struct bucket {
    int32_t number;
    enum bucket_step step;
    struct recovery recovery;
    int64_t high;                    /* H: what may still commit lies below it */
    int64_t position;                /* next journal offset to read */
    int64_t journaled;               /* as last written to Redis */
    char line[33];                   /* of the verification that TAIL follows */
    bool from_zero;
    bool emptying;                   /* in EMPTY: part of the scan under way; the others wait for the next one */
    int64_t forgotten_before_ms;     /* wall clock: Redis may have forgotten a generation with an entry so old */
    struct event *held; int held_count;      /* entries read and not yet applied; allocated while recovering */
    int64_t applied;                 /* entries of this recovery, for the log */
    int64_t since_ms;                /* monotonic: when this recovery began */
    int64_t guarded_ms, moved_ms;    /* monotonic: when guard and journaled were last asked */
};

const char *bucket_step_name(enum bucket_step step);
bool bucket_reads(const struct bucket *bucket);      /* wants journal records from position on */
void bucket_to(struct bucket *bucket, enum bucket_step step);
void bucket_forget(struct bucket *bucket);           /* drops held entries */

/* A record of this bucket's partition at bucket->position. Moves position past it. In SCAN an open record of another line,
 * and an entry of a generation that Redis may have forgotten since, set from_zero; in REPLAY money is held (strings moved into the bucket: event is taken and cleared); in TAIL an open record
 * of another line goes to ALARM. false: the record can't be understood, error says why. */
bool bucket_take(struct bucket *bucket, struct event *event, int64_t offset, const char **error);
bool bucket_full(const struct bucket *bucket);       /* held entries should be applied now */
bool bucket_at_high(const struct bucket *bucket);
/* Applies what is held. As recovery_replay. */
enum trouble bucket_apply(struct bucket *bucket, struct tokens *tokens);

#endif
