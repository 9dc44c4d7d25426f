#include "bearer/bearer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "bearer/internal.h"
#include "json/out.h"

enum { LEEWAY_SECONDS = 30 };            /* between two machines' clocks */

/* ---- the token's three parts */

struct parts { struct text header, claims, signature; const char *bytes; size_t signed_length; };

static void parts_free(struct parts *parts)
{
    text_free(&parts->header);
    text_free(&parts->claims);
    text_free(&parts->signature);
}

static bool split(const char *token, struct parts *parts)
{
    size_t length = strlen(token);
    const char *claims = length <= BEARER_TOKEN_BYTES_MAX ? strchr(token, '.') : NULL;
    const char *signature = claims ? strchr(claims + 1, '.') : NULL;
    if (!signature || strchr(signature + 1, '.'))
        return false;
    parts->bytes = token;
    parts->signed_length = (size_t)(signature - token);
    return base64url_read(token, (size_t)(claims - token), &parts->header)
        && base64url_read(claims + 1, (size_t)(signature - claims - 1), &parts->claims)
        && base64url_read(signature + 1, length - parts->signed_length - 1, &parts->signature);
}

static struct json *object_of(const struct text *text)
{
    char why[JSON_ERROR_BYTES];
    struct json *json = json_parse(text->bytes ? text->bytes : "", text->length, JSON_BYTES_MAX, why);
    if (json && json_kind(json) != JSON_OBJECT)
        json_free(&json);
    return json;
}

/* ---- the signature */

/* The header chooses among our keys, by algorithm and name; a critical extension is one that we don't
 * know. */
static bool is_signed(const struct bearer_keys *keys, const struct json *header, const struct parts *parts)
{
    const char *algorithm = json_string(json_get(header, "alg"), NULL);
    const struct json *named = json_get(header, "kid");
    const char *kid = json_string(named, NULL);
    const struct bearer_signed what = { parts->bytes, parts->signed_length, &parts->signature };
    if (!algorithm || (named && !kid) || json_get(header, "crit"))
        return false;
    for (int i = 0; i < keys->count; i++) {
        const struct bearer_key *key = &keys->rows[i];
        bool chosen = strcmp(algorithm, BEARER_ALGORITHM_NAMES[key->algorithm]) == 0
            && (!kid || !key->kid[0] || strcmp(kid, key->kid) == 0);
        if (chosen && signature_holds(key, &what))
            return true;
    }
    return false;
}

/* The claims of a token that one of our keys has signed, or NULL. Given. */
static struct json *verified(const struct bearer_keys *keys, const char *token)
{
    struct parts parts = { 0 };
    struct json *header = split(token, &parts) ? object_of(&parts.header) : NULL;
    struct json *claims = header && is_signed(keys, header, &parts) ? object_of(&parts.claims) : NULL;
    json_free(&header);
    parts_free(&parts);
    return claims;
}

/* ---- the claims */

enum claim { CLAIM_THERE, CLAIM_ABSENT, CLAIM_WRONG };

static enum claim time_of(const struct json *claims, const char *name, int64_t *seconds)
{
    double number;
    const struct json *claim = json_get(claims, name);
    if (!claim)
        return CLAIM_ABSENT;
    if (!json_number(claim, &number) || number < 0 || number >= (double)TOKENS_MAX)
        return CLAIM_WRONG;
    *seconds = (int64_t)number;
    return CLAIM_THERE;
}

static bool is_text(const struct json *value, const char *wanted)
{
    const char *is = json_string(value, NULL);
    return is && strcmp(is, wanted) == 0;
}

/* aud may be one or a list of them (RFC 7519, 4.1.3). */
static bool matches(const struct json *claim, const char *wanted)
{
    bool found = !wanted || is_text(claim, wanted);
    if (json_kind(claim) == JSON_ARRAY)
        for (size_t i = 0; i < json_count(claim) && !found; i++)
            found = is_text(json_at(claim, i), wanted);
    return found;
}

static enum bearer_verdict judge(const struct bearer_rules *rules, const struct json *claims, int64_t now_s,
                                 struct bearer_claims *out)
{
    struct bearer_claims read = { 0 };
    int64_t not_before_s = 0;
    if (time_of(claims, "exp", &read.expires_at_s) != CLAIM_THERE || read.expires_at_s <= now_s)
        return BEARER_EXPIRED;
    if (time_of(claims, "nbf", &not_before_s) == CLAIM_WRONG || not_before_s > now_s + LEEWAY_SECONDS)
        return BEARER_EARLY;
    const struct json *issuer = json_get(claims, "iss");
    if ((rules->issuer && !is_text(issuer, rules->issuer))
        || !matches(json_get(claims, "aud"), rules->audience))
        return BEARER_FOREIGN;
    const char *subject = json_string(json_get(claims, "sub"), NULL);
    if (!subject || !id_valid(subject, strlen(subject)))
        return BEARER_NAMELESS;
    const struct json *role = json_get(claims, "role");
    const char *name = json_string(role, NULL);
    if (role && (!name || strlen(name) >= sizeof read.role))
        return BEARER_NAMELESS;
    text_copy(read.subject, sizeof read.subject, subject);
    text_copy(read.role, sizeof read.role, name ? name : "");
    *out = read;
    return BEARER_GOOD;
}

enum bearer_verdict bearer_check(const struct bearer_rules *rules, const char *token, int64_t now_s,
                                 struct bearer_claims *claims)
{
    struct json *said = verified(rules->keys, token);
    if (!said)
        return BEARER_MALFORMED;
    enum bearer_verdict verdict = judge(rules, said, now_s, claims);
    json_free(&said);
    return verdict;
}

/* ---- making one */

static void write_claims(const struct bearer_rules *rules, const struct bearer_claims *claims, int64_t now_s,
                         struct text *out)
{
    out_open(out, NULL, '{');
    out_text(out, "sub", claims->subject);
    out_text(out, "role", claims->role[0] ? claims->role : NULL);
    out_text(out, "iss", rules->issuer);
    out_text(out, "aud", rules->audience);
    out_number(out, "iat", now_s);
    out_number(out, "exp", claims->expires_at_s);
    out_close(out, '}');
}

char *bearer_make(const struct bearer_rules *rules, const struct bearer_claims *claims, int64_t now_s)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    struct text said = { 0 }, token = { 0 };
    must(rules->keys->count == 1 && rules->keys->rows[0].algorithm == BEARER_HS256);
    write_claims(rules, claims, now_s, &said);
    base64url_write(header, sizeof header - 1, &token);
    text_add_char(&token, '.');
    base64url_write(said.bytes, said.length, &token);
    size_t length = token.length;
    text_add_char(&token, '.');
    signature_make(&rules->keys->rows[0], token.bytes, length, &token);
    text_free(&said);
    return token.bytes;
}
