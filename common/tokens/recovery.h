/* Recovery of one bucket (design section 9, steps 1 to 6) and the tail that moves `journaled`: the Redis
 * half. The ledger owns the order of the steps; each call is one script and checks nonce and server ids. All
 * block up to the time-out. Results: NONE; RETRY: Redis away; ABORT_BATCH: nonce or server differs, start the
 * recovery of this bucket over. */
#ifndef TOKENS_RECOVERY_H
#define TOKENS_RECOVERY_H

#include "tokens/tokens.h"

struct recovery {                        /* one recovery under way */
    int32_t bucket;
    char nonce[33];
    char server[100];                    /* run id and replication id, as the server said at begin */
    char line[33];                       /* last verified nonce; empty: none */
    int64_t journaled;                   /* offset from which to read; 0 without line */
    int64_t pause_ms;                    /* from begin on, before H is taken: 0 without replicas */
    int64_t replayed;                    /* the caller's: behind the entries of a replay, for those who watch */
    bool over;                           /* set by recovery_empty: nonce or server differs, this one starts over */
};

/* Is the bucket verified for this server and partition count? Clears a verified that differs from the
 * server. */
enum trouble recovery_guard(struct tokens *tokens, int32_t bucket, bool *verified, char line[33],
                            int64_t *journaled);
enum trouble recovery_begin(struct tokens *tokens, int32_t bucket, struct recovery *recovery);
/* For an operator: the bucket is no longer verified, and whoever guards it rebuilds it from the journal's first entry. It is
 * a recovery that ends after its first step of emptying; one under way elsewhere starts over. ABORT_BATCH: another one began
 * just then, do it again. */
enum trouble recovery_forget(struct tokens *tokens, int32_t bucket);
/* How far a recovery is, for those who watch: the journal offset up to which it has replayed; 0 before and after. */
enum trouble recovery_progress(struct tokens *tokens, int32_t bucket, int64_t *replayed);
/* One step of emptying all these buckets, which must have the same server: of one scan over its keys, what is theirs is
 * deleted. *cursor is 0 for the first step, which also clears each bucket's line and journaled, and 0 again when the scan is
 * through. A bucket may be left out of later steps, but none may join. NONE: those that are not over had their part of this
 * step deleted. RETRY: start over with all of them. */
enum trouble recovery_empty(struct tokens *tokens, struct recovery *const *recoveries, size_t count, uint64_t *cursor);

enum entry_kind { ENTRY_GRANT, ENTRY_RESERVE, ENTRY_COMMIT, ENTRY_RELEASE };
struct recovery_entry {
    enum entry_kind kind;
    const char *user_id, *id;            /* generationId or grantId */
    int64_t amount_tokens;
    const char *origin, *fingerprint;    /* fingerprint: reserve only, may be NULL */
    struct quote quote;                  /* reserve only */
    struct balance balance;              /* after, as journaled: part of the recorded answer */
    int64_t at_ms;
};
/* Applies entries by entity, in their order: what is there already is skipped, where amount or origin differ
 * the journal wins. Any count; goes out two hundred a script. Only sent, so that Redis works while the caller
 * reads on; a few scripts may be under way. Whether they were done, recovery_replayed tells: before it has said
 * NONE, no other call may follow. May be repeated: after a trouble the same entries again, from the first. */
enum trouble recovery_replay(struct tokens *tokens, const struct recovery *recovery,
                             const struct recovery_entry *entries, size_t count);
/* Waits for what is under way. ABORT_BATCH: *bucket's recovery has to start over; ask again, there may be more.
 * RETRY: none of what was under way, of any bucket, may be taken for done. */
enum trouble recovery_replayed(struct tokens *tokens, int32_t *bucket);
/* the nonce, before the open record's commit */
enum trouble recovery_stands(struct tokens *tokens, const struct recovery *recovery);
enum trouble recovery_verify(struct tokens *tokens, const struct recovery *recovery, int64_t journaled);
/* Moves journaled forward under the guard (never back); ABORT_BATCH: no longer verified by line. */
enum trouble recovery_journaled(struct tokens *tokens, int32_t bucket, const char *line, int64_t journaled);

/* Open holds of a bucket: how many, how many began before overdue_before_ms, and when the oldest did (0: there is none). */
struct open_holds { int64_t count, overdue, oldest_at_ms; };
enum trouble tokens_open_holds(struct tokens *tokens, int32_t bucket, int64_t overdue_before_ms, struct open_holds *holds);

#endif
