/* Bearer tokens: JSON Web Tokens (RFC 7519) that say who calls and as what. A key is for one algorithm, and
 * that is the one it verifies with: what a token says of itself only chooses among the keys. */
#ifndef BEARER_BEARER_H
#define BEARER_BEARER_H

#include <stdint.h>

#include "base/ids.h"
#include "bearer/keys.h"

enum { BEARER_TOKEN_BYTES_MAX = 4096, BEARER_ROLE_BYTES = 16 };

/* Lent as long as it is used. */
struct bearer_rules {
    const struct bearer_keys *keys;
    const char *issuer, *audience;       /* what iss must be and aud must be or hold; NULL: not looked at */
};

struct bearer_claims {
    char subject[ID_LENGTH_MAX + 1];     /* an id (base/ids.h) */
    char role[BEARER_ROLE_BYTES];        /* empty: the token has none */
    int64_t expires_at_s;                /* Unix seconds */
};

enum bearer_verdict {
    BEARER_GOOD,
    BEARER_MALFORMED,                    /* no token, too long, or not signed by a key of ours */
    BEARER_EXPIRED,                      /* also without exp: a token that lives for ever is no token */
    BEARER_EARLY,                        /* nbf is still to come */
    BEARER_FOREIGN,                      /* another issuer or audience */
    BEARER_NAMELESS,                     /* no sub, one that is no id, or a role that is no text */
};

/* Pure; thread-safe. claims is filled on BEARER_GOOD only. */
enum bearer_verdict bearer_check(const struct bearer_rules *rules, const char *token, int64_t now_s,
                                 struct bearer_claims *claims);

/* An HS256 token with these claims, iss and aud, signed with the one secret that the keys are. Given. For
 * development and tests. */
char *bearer_make(const struct bearer_rules *rules, const struct bearer_claims *claims, int64_t now_s);

#endif
