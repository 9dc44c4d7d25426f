/* Which tokens are taken: rows of what a token says and how it is signed. libjwt makes them, as others'
 * libraries do. */
#include <jwt.h>
#include <stdio.h>
#include <string.h>

#include "bearer/bearer.h"
#include "unit/check_main.h"
#include "unit/bearer/keys.h"

enum { NOW = 1800000000, LATER = NOW + 3600 };
#define SECRET "0123456789abcdef0123456789abcdef"

static const struct bearer_rules SHARED = { .secret = SECRET };
static const struct bearer_rules PUBLIC = { .public_key = PUBLIC_PEM };

static char *signed_with(jwt_alg_t algorithm, const char *key, const char *claims)
{
    jwt_t *jwt;
    ck_assert_int_eq(jwt_new(&jwt), 0);
    ck_assert_int_eq(jwt_add_grants_json(jwt, claims), 0);
    ck_assert_int_eq(jwt_set_alg(jwt, algorithm, (const unsigned char *)key, key ? (int)strlen(key) : 0), 0);
    char *token = jwt_encode_str(jwt);
    jwt_free(jwt);
    ck_assert_ptr_nonnull(token);
    return token;
}

static const struct { const char *claims; enum bearer_verdict want; } says[] = {
    { "{\"sub\":\"ada\",\"exp\":1800003600}", BEARER_GOOD },
    { "{\"sub\":\"ada\",\"role\":\"admin\",\"exp\":1800003600,\"nbf\":1800000000}", BEARER_GOOD },
    { "{\"sub\":\"ada\",\"exp\":1800000000}", BEARER_EXPIRED },                 /* this very second */
    { "{\"sub\":\"ada\"}", BEARER_EXPIRED },                                    /* for ever */
    { "{\"sub\":\"ada\",\"exp\":\"1800003600\"}", BEARER_EXPIRED },
    { "{\"sub\":\"ada\",\"exp\":-1}", BEARER_EXPIRED },
    { "{\"sub\":\"ada\",\"exp\":1800003600,\"nbf\":1800000600}", BEARER_EARLY },
    { "{\"sub\":\"ada\",\"exp\":1800003600,\"nbf\":\"soon\"}", BEARER_EARLY },
    { "{\"exp\":1800003600}", BEARER_NAMELESS },
    { "{\"sub\":\"\",\"exp\":1800003600}", BEARER_NAMELESS },
    { "{\"sub\":\"a b\",\"exp\":1800003600}", BEARER_NAMELESS },
    { "{\"sub\":7,\"exp\":1800003600}", BEARER_NAMELESS },
    { "{\"sub\":\"ada\",\"role\":[\"admin\"],\"exp\":1800003600}", BEARER_NAMELESS },
    { "{\"sub\":\"ada\",\"role\":\"a-role-that-is-much-too-long\",\"exp\":1800003600}", BEARER_NAMELESS },
};

START_TEST(a_token_is_judged_by_what_it_says)
{
    struct bearer_claims claims;
    char *token = signed_with(JWT_ALG_HS256, SECRET, says[_i].claims);
    ck_assert_int_eq(bearer_check(&SHARED, token, NOW, &claims), says[_i].want);
    free(token);
    token = signed_with(JWT_ALG_RS256, PRIVATE_PEM, says[_i].claims);
    ck_assert_int_eq(bearer_check(&PUBLIC, token, NOW, &claims), says[_i].want);
    free(token);
}
END_TEST

#define FINE "{\"sub\":\"ada\",\"role\":\"admin\",\"exp\":1800003600}"

static const struct { const char *name; jwt_alg_t algorithm; const char *key; const struct bearer_rules *rules; }
forged[] = {
    { "unsigned", JWT_ALG_NONE, NULL, &SHARED },
    { "unsigned, for a public key", JWT_ALG_NONE, NULL, &PUBLIC },
    { "another secret", JWT_ALG_HS256, "another secret, also of 32 bytes", &SHARED },
    { "the right secret, another algorithm", JWT_ALG_HS512, SECRET, &SHARED },
    { "the public key as a secret", JWT_ALG_HS256, PUBLIC_PEM, &PUBLIC },
    { "a private key, where a secret is expected", JWT_ALG_RS256, PRIVATE_PEM, &SHARED },
};

START_TEST(a_forged_token_is_refused)
{
    struct bearer_claims claims;
    char *token = signed_with(forged[_i].algorithm, forged[_i].key, FINE);
    ck_assert_msg(bearer_check(forged[_i].rules, token, NOW, &claims) == BEARER_MALFORMED, "%s", forged[_i].name);
    free(token);
}
END_TEST

START_TEST(bytes_that_are_no_token_are_refused)
{
    static const char *const rows[] = { "", ".", "..", "...", "a.b.c", "e30.e30.", "\xff\xff.\xff.\xff",
        "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.e30", "eyJhbGciOiJIUzI1NiJ9.e30.", "null.null.null" };
    struct bearer_claims claims;
    for (int i = 0; i < ROWS(rows); i++) {
        ck_assert_int_eq(bearer_check(&SHARED, rows[i], NOW, &claims), BEARER_MALFORMED);
        ck_assert_int_eq(bearer_check(&PUBLIC, rows[i], NOW, &claims), BEARER_MALFORMED);
    }
    char large[BEARER_TOKEN_BYTES_MAX + 2];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    ck_assert_int_eq(bearer_check(&SHARED, large, NOW, &claims), BEARER_MALFORMED);
}
END_TEST

START_TEST(one_changed_character_is_noticed)
{
    struct bearer_claims claims;
    char *token = signed_with(JWT_ALG_HS256, SECRET, FINE);
    for (size_t i = 0; token[i + 1]; i++) {              /* the last one's low bits carry nothing */
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        ck_assert_msg(bearer_check(&SHARED, token, NOW, &claims) == BEARER_MALFORMED, "at %zu", i);
        token[i] = was;
    }
    ck_assert_int_eq(bearer_check(&SHARED, token, NOW, &claims), BEARER_GOOD);
    free(token);
}
END_TEST

START_TEST(issuer_and_audience_are_looked_at_when_set)
{
    const struct bearer_rules strict = { .secret = SECRET, .issuer = "https://id.example.com", .audience = "reelgate" };
    static const struct { const char *claims; enum bearer_verdict want; } rows[] = {
        { "{\"sub\":\"a\",\"exp\":1800003600,\"iss\":\"https://id.example.com\",\"aud\":\"reelgate\"}", BEARER_GOOD },
        { "{\"sub\":\"a\",\"exp\":1800003600,\"iss\":\"https://id.example.com\"}", BEARER_FOREIGN },
        { "{\"sub\":\"a\",\"exp\":1800003600,\"iss\":\"other\",\"aud\":\"reelgate\"}", BEARER_FOREIGN },
        { "{\"sub\":\"a\",\"exp\":1800003600}", BEARER_FOREIGN },
    };
    struct bearer_claims claims;
    for (int i = 0; i < ROWS(rows); i++) {
        char *token = signed_with(JWT_ALG_HS256, SECRET, rows[i].claims);
        ck_assert_int_eq(bearer_check(&strict, token, NOW, &claims), rows[i].want);
        free(token);
    }
}
END_TEST

START_TEST(what_we_make_we_take)
{
    const struct bearer_rules rules = { .secret = SECRET, .issuer = "us", .audience = "them" };
    const struct bearer_claims claims = { .subject = "ada", .role = "support", .expires_at_s = LATER };
    struct bearer_claims read;
    char *token = bearer_make(&rules, &claims, NOW);
    ck_assert_int_eq(bearer_check(&rules, token, NOW, &read), BEARER_GOOD);
    ck_assert_str_eq(read.subject, "ada");
    ck_assert_str_eq(read.role, "support");
    ck_assert_int_eq(read.expires_at_s, LATER);
    free(token);
}
END_TEST

CHECK_MAIN("bearer",
    tcase_add_loop_test(tests, a_token_is_judged_by_what_it_says, 0, ROWS(says));
    tcase_add_loop_test(tests, a_forged_token_is_refused, 0, ROWS(forged));
    tcase_add_test(tests, bytes_that_are_no_token_are_refused);
    tcase_add_test(tests, one_changed_character_is_noticed);
    tcase_add_test(tests, issuer_and_audience_are_looked_at_when_set);
    tcase_add_test(tests, what_we_make_we_take);
    tcase_set_timeout(tests, 60);)
