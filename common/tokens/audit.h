/* Reading a whole bucket (or all of them), for an audit against the journal. Walks Redis with SCAN over the
 * side connection: nothing is locked, so what changes meanwhile may be seen before or after, and one entry
 * may be seen twice (fold by id). NONE: everything that was there all the time has been seen. RETRY: Redis
 * away; start over. */
#ifndef TOKENS_AUDIT_H
#define TOKENS_AUDIT_H

#include "tokens/tokens.h"

enum { TOKENS_EVERY_BUCKET = -1 };

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
    const char *origin, *settle_origin;  /* "" when there is none, here and below */
    int64_t held_tokens, committed_tokens, released_tokens;
    int64_t at_ms;                       /* of the decision */
    bool moved_on;                       /* the ledger has seen a later event of it */
};
struct audit_grant {
    int32_t bucket;
    const char *grant_id, *user_id, *state;      /* done, refused */
    const char *origin;
    int64_t amount_tokens;
};

enum trouble tokens_audit_users(struct tokens *tokens, int32_t bucket,
                                void (*row)(void *self, const struct audit_user *user), void *self);
enum trouble tokens_audit_generations(struct tokens *tokens, int32_t bucket,
                                      void (*row)(void *self, const struct audit_generation *generation),
                                      void *self);
enum trouble tokens_audit_grants(struct tokens *tokens, int32_t bucket,
                                 void (*row)(void *self, const struct audit_grant *grant), void *self);

#endif
