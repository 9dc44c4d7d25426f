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
    uint64_t cursor;                     /* of recovery_empty between its calls; begin with 0 */
};

/* Is the bucket verified for this server and partition count? Clears a verified that differs from the
 * server. */
enum trouble recovery_guard(struct tokens *tokens, int32_t bucket, bool *verified, char line[33],
                            int64_t *journaled);
enum trouble recovery_begin(struct tokens *tokens, int32_t bucket, struct recovery *recovery);
/* Deletes some of the bucket's keys, of one step of a scan over the server's; *done when the scan is through,
 * and then line is "". First clears line and journaled in Redis. Go on calling with the same struct
 * recovery. */
enum trouble recovery_empty(struct tokens *tokens, struct recovery *recovery, bool *done);

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
 * the journal wins. Any count; goes out a hundred a script. May be repeated: after a trouble the same entries
 * again, from the first. */
enum trouble recovery_replay(struct tokens *tokens, const struct recovery *recovery,
                             const struct recovery_entry *entries, size_t count);
/* the nonce, before the open record's commit */
enum trouble recovery_stands(struct tokens *tokens, const struct recovery *recovery);
enum trouble recovery_verify(struct tokens *tokens, const struct recovery *recovery, int64_t journaled);
/* Moves journaled forward under the guard (never back); ABORT_BATCH: no longer verified by line. */
enum trouble recovery_journaled(struct tokens *tokens, int32_t bucket, const char *line, int64_t journaled);

#endif
