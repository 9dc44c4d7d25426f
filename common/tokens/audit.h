/* Reading whole buckets, for an audit against the journal. Walks Redis once with SCAN over the side connection: nothing is
 * locked, so what changes meanwhile may be seen before or after, and one entry may be seen twice (fold by id). NONE:
 * everything that was there all the time has been seen. RETRY: Redis away; start over. */
#ifndef TOKENS_AUDIT_H
#define TOKENS_AUDIT_H

#include "tokens/tokens.h"

struct audit_user {                      /* all lent for the time of the call, here and below */
    int32_t bucket;
    const char *user_id;
    /* as it stands: may be negative, may not add up; that is what audits are for */
    struct balance balance;
};
struct audit_generation {
    int32_t bucket;
    const char *generation_id, *user_id;
    const char *state;                   /* reserved, settled, refused, insufficient */
    const char *origin, *settle_origin, *fingerprint;        /* "" when there is none, here and below */
    int64_t held_tokens, committed_tokens, released_tokens;
    bool moved_on;                       /* the ledger has seen a later event of it */
    /* the recorded answers: of the reserve, and once it is settled of that */
    struct quote quote;
    struct balance balance, after_commit, after_release;
    int64_t at_ms, settled_at_ms;
};
struct audit_grant {
    int32_t bucket;
    const char *grant_id, *user_id, *state;      /* done, refused */
    const char *origin;
    int64_t amount_tokens, at_ms;
    struct balance balance;              /* after, as recorded */
};

struct audit_visitor {
    void *self;
    void (*user)(void *self, const struct audit_user *user);
    void (*generation)(void *self, const struct audit_generation *generation);
    void (*grant)(void *self, const struct audit_grant *grant);
};
/* Every bucket, also those of another partition count. */
enum trouble tokens_audit(struct tokens *tokens, const struct audit_visitor *visitor);

/* One row of one bucket as it is now; the visitor is not called when it is not there. */
enum trouble tokens_audit_generation(struct tokens *tokens, int32_t bucket, const char *generation_id,
                                     const struct audit_visitor *visitor);
enum trouble tokens_audit_grant(struct tokens *tokens, int32_t bucket, const char *grant_id,
                                const struct audit_visitor *visitor);

#endif
