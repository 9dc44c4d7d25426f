#include "bearer/bearer.h"

#include <errno.h>
#include <jwt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

enum { LEEWAY_SECONDS = 30 };            /* between two machines' clocks */

/* A key for RS256 is public: used as an HMAC secret it would sign anything. So what libjwt has verified
 * counts only when it was verified with our algorithm. */
static jwt_t *verified(const struct bearer_rules *rules, const char *token)
{
    const char *key = rules->secret ? rules->secret : rules->public_key;
    jwt_alg_t wanted = rules->secret ? JWT_ALG_HS256 : JWT_ALG_RS256;
    jwt_t *jwt = NULL;
    if (strlen(token) > BEARER_TOKEN_BYTES_MAX
        || jwt_decode(&jwt, token, (const unsigned char *)key, (int)strlen(key)) != 0)
        return NULL;
    if (jwt_get_alg(jwt) == wanted)
        return jwt;
    jwt_free(jwt);
    return NULL;
}

enum claim { CLAIM_THERE, CLAIM_ABSENT, CLAIM_WRONG };

/* jwt_get_grant_int takes text for the number 0: so the claim's own JSON is read. */
static enum claim time_of(jwt_t *jwt, const char *name, int64_t *seconds)
{
    char *json = jwt_get_grants_json(jwt, name), *end;
    if (!json)
        return CLAIM_ABSENT;
    double number = strtod(json, &end);
    bool good = end != json && *end == '\0' && number >= 0 && number < (double)TOKENS_MAX;
    free(json);
    if (good)
        *seconds = (int64_t)number;
    return good ? CLAIM_THERE : CLAIM_WRONG;
}

static bool matches(jwt_t *jwt, const char *claim, const char *wanted)
{
    const char *is = wanted ? jwt_get_grant(jwt, claim) : NULL;
    return !wanted || (is && strcmp(is, wanted) == 0);
}

static enum bearer_verdict judge(const struct bearer_rules *rules, jwt_t *jwt, int64_t now_s,
                                 struct bearer_claims *claims)
{
    struct bearer_claims read = { 0 };
    int64_t not_before_s = 0;
    if (time_of(jwt, "exp", &read.expires_at_s) != CLAIM_THERE || read.expires_at_s <= now_s)
        return BEARER_EXPIRED;
    if (time_of(jwt, "nbf", &not_before_s) == CLAIM_WRONG || not_before_s > now_s + LEEWAY_SECONDS)
        return BEARER_EARLY;
    if (!matches(jwt, "iss", rules->issuer) || !matches(jwt, "aud", rules->audience))
        return BEARER_FOREIGN;
    const char *subject = jwt_get_grant(jwt, "sub");
    if (!subject || !id_valid(subject, strlen(subject)))
        return BEARER_NAMELESS;
    errno = 0;
    const char *role = jwt_get_grant(jwt, "role");
    if (role ? strlen(role) >= sizeof read.role : errno != ENOENT)
        return BEARER_NAMELESS;
    snprintf(read.subject, sizeof read.subject, "%s", subject);
    snprintf(read.role, sizeof read.role, "%s", role ? role : "");
    *claims = read;
    return BEARER_GOOD;
}

enum bearer_verdict bearer_check(const struct bearer_rules *rules, const char *token, int64_t now_s,
                                 struct bearer_claims *claims)
{
    must(!rules->secret != !rules->public_key);
    jwt_t *jwt = verified(rules, token);
    if (!jwt)
        return BEARER_MALFORMED;
    enum bearer_verdict verdict = judge(rules, jwt, now_s, claims);
    jwt_free(jwt);
    return verdict;
}

char *bearer_make(const struct bearer_rules *rules, const struct bearer_claims *claims, int64_t now_s)
{
    jwt_t *jwt = NULL;
    must(rules->secret && jwt_new(&jwt) == 0);
    must(jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)rules->secret, (int)strlen(rules->secret)) == 0);
    must(jwt_add_grant(jwt, "sub", claims->subject) == 0);
    must(!claims->role[0] || jwt_add_grant(jwt, "role", claims->role) == 0);
    must(!rules->issuer || jwt_add_grant(jwt, "iss", rules->issuer) == 0);
    must(!rules->audience || jwt_add_grant(jwt, "aud", rules->audience) == 0);
    must(jwt_add_grant_int(jwt, "iat", (long)now_s) == 0);
    must(jwt_add_grant_int(jwt, "exp", (long)claims->expires_at_s) == 0);
    char *made = jwt_encode_str(jwt);
    must(made);
    char *token = xstrdup(made);
    free(made);
    jwt_free(jwt);
    return token;
}
