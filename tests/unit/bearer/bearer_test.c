/* Which tokens are taken: rows of what a token says and how it is signed. libjwt makes them, as others'
 * libraries do. */
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bearer/bearer.h"
#include "unit/check_main.h"
#include "unit/bearer/keys.h"

enum { NOW = 1800000000, LATER = NOW + 3600 };
#define SECRET "0123456789abcdef0123456789abcdef"

static struct bearer_rules SHARED, PUBLIC;

static struct bearer_keys *secret_keys(const char *secret)
{
    char error[BEARER_ERROR_BYTES];
    struct bearer_keys *keys = bearer_keys_secret(secret, error);
    ck_assert_msg(keys != NULL, "%s", error);
    return keys;
}

/* The text as a file, read. NULL: *error says why. */
static struct bearer_keys *file_keys(struct bearer_keys *read(const char *path, char *error), const char *text,
                                     char error[BEARER_ERROR_BYTES])
{
    char path[] = "/tmp/bearer-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
    struct bearer_keys *keys = read(path, error);
    unlink(path);
    return keys;
}

static void setup(void)
{
    char error[BEARER_ERROR_BYTES];
    SHARED.keys = secret_keys(SECRET);
    PUBLIC.keys = file_keys(bearer_keys_pem, PUBLIC_PEM, error);
    ck_assert_msg(PUBLIC.keys != NULL, "%s", error);
}

static void teardown(void)
{
    bearer_keys_free((struct bearer_keys **)&SHARED.keys);
    bearer_keys_free((struct bearer_keys **)&PUBLIC.keys);
}

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
    for (size_t i = 0; token[i]; i++) {
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
    const struct bearer_rules strict = { .keys = SHARED.keys, .issuer = "https://id.example.com", .audience = "reelgate" };
    static const struct { const char *claims; enum bearer_verdict want; } rows[] = {
        { "{\"sub\":\"a\",\"exp\":1800003600,\"iss\":\"https://id.example.com\",\"aud\":\"reelgate\"}", BEARER_GOOD },
        { "{\"sub\":\"a\",\"exp\":1800003600,\"iss\":\"https://id.example.com\",\"aud\":[\"x\",\"reelgate\"]}",
          BEARER_GOOD },
        { "{\"sub\":\"a\",\"exp\":1800003600,\"iss\":\"https://id.example.com\",\"aud\":[\"x\",7]}", BEARER_FOREIGN },
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
    const struct bearer_rules rules = { .keys = SHARED.keys, .issuer = "us", .audience = "them" };
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

/* ---- key sets */

/* The key pair of keys.h, and that of RFC 8037, A.1. */
#define RSA_N \
    "pFAPumpHztZQy8-SMUD4v_ndi4Zs52PKG0AqTu_0gW7ZcFyUZSbDzL9h7xHjzfmJF6gY4fhnLFmeJ1vhjXC7E0txxAEs5rW9" \
    "lz65MfBDk5SbobdVtwp38xcCdmD9Yi-69nVQS8Rx1zJIOz9NjiSRZWGXXDHsp1lrjAErJyYQ1FwP4McI-CnL-IV74ugWJVA8" \
    "JbiNBMk8abFvL6lGTxiOhI6wW8d4HiNmJAHoSmxi5mtqCV2ArI4Fuh2eM57I0g7toA9l3GuKngm3KZVkOCGi-zwIPcEqw5w8" \
    "_LJtf7sBjdY_lIHhZoeFkEOiNRR8NV8Y8iDN78dR3CNIGhbzOIqWQw"
#define RSA(kid) "{\"kty\":\"RSA\",\"kid\":\"" kid "\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}"
#define ED25519(more) "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"" more \
    ",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
/* SECRET */
#define OCT(kid) "{\"kty\":\"oct\",\"kid\":\"" kid "\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}"
#define SET(keys) "{\"keys\":[" keys "]}"

static char *named(jwt_alg_t algorithm, const char *key, const char *kid)
{
    jwt_t *jwt;
    ck_assert_int_eq(jwt_new(&jwt), 0);
    ck_assert_int_eq(jwt_add_grants_json(jwt, FINE), 0);
    ck_assert(!kid || jwt_add_header(jwt, "kid", kid) == 0);
    ck_assert_int_eq(jwt_set_alg(jwt, algorithm, (const unsigned char *)key, (int)strlen(key)), 0);
    char *token = jwt_encode_str(jwt);
    jwt_free(jwt);
    return token;
}

static const struct { const char *name, *set; jwt_alg_t algorithm; const char *key, *kid; enum bearer_verdict want; }
chosen[] = {
    { "by its name", SET(RSA("a") "," OCT("b")), JWT_ALG_RS256, PRIVATE_PEM, "a", BEARER_GOOD },
    { "by its name, a secret", SET(RSA("a") "," OCT("b")), JWT_ALG_HS256, SECRET, "b", BEARER_GOOD },
    { "without a name", SET(RSA("a") "," OCT("b")), JWT_ALG_RS256, PRIVATE_PEM, NULL, BEARER_GOOD },
    { "a name that was taken out", SET(OCT("b")), JWT_ALG_HS256, SECRET, "a", BEARER_MALFORMED },
    { "another key's name", SET(RSA("a") "," OCT("b")), JWT_ALG_HS256, SECRET, "a", BEARER_MALFORMED },
    { "the public key as a secret, under its name", SET(RSA("a")), JWT_ALG_HS256, PUBLIC_PEM, "a", BEARER_MALFORMED },
    { "the modulus as a secret", SET(RSA("a")), JWT_ALG_HS256, RSA_N, "a", BEARER_MALFORMED },
    { "keys of others are passed over",
      SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"},{\"kty\":\"RSA\",\"use\":\"enc\"},{}," RSA("a")),
      JWT_ALG_RS256, PRIVATE_PEM, "a", BEARER_GOOD },
};

START_TEST(a_key_is_chosen_by_name_and_algorithm)
{
    char error[BEARER_ERROR_BYTES];
    struct bearer_claims claims;
    struct bearer_keys *keys = file_keys(bearer_keys_set, chosen[_i].set, error);
    ck_assert_msg(keys != NULL, "%s: %s", chosen[_i].name, error);
    char *token = named(chosen[_i].algorithm, chosen[_i].key, chosen[_i].kid);
    ck_assert_msg(bearer_check(&(struct bearer_rules){ .keys = keys }, token, NOW, &claims) == chosen[_i].want, "%s",
                  chosen[_i].name);
    free(token);
    bearer_keys_free(&keys);
}
END_TEST

static const struct { const char *set, *why; } refused_sets[] = {
    { "", "" }, { "[]", "JWK set" }, { "{}", "JWK set" }, { "{\"keys\":{}}", "JWK set" }, { SET(""), "no key" },
    { SET("{\"kty\":\"EC\"}"), "no key" },
    { SET(RSA("a") "," RSA("a")), "kid" },
    { SET("{\"kty\":\"RSA\",\"kid\":7}"), "kid" },
    { SET("{\"kty\":\"RSA\"}"), "n and e" },
    { SET("{\"kty\":\"RSA\",\"n\":\"not base64!\",\"e\":\"AQAB\"}"), "n and e" },
    { SET("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"), "2048 bits" },
    { SET("{\"kty\":\"oct\",\"k\":\"AQAB\"}"), "32 bytes" },
    { SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"}"), "32 bytes" },
    { SET("{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}"), "no key" },
};

START_TEST(a_set_with_a_bad_key_is_refused)
{
    char error[BEARER_ERROR_BYTES];
    ck_assert_ptr_null(file_keys(bearer_keys_set, refused_sets[_i].set, error));
    ck_assert_msg(error[0] && strstr(error, refused_sets[_i].why), "%d: %s", _i, error);
    ck_assert_ptr_null(file_keys(bearer_keys_pem, refused_sets[_i].set, error));
}
END_TEST

START_TEST(keys_of_a_wrong_kind_are_refused)
{
    char error[BEARER_ERROR_BYTES];
    ck_assert_ptr_null(bearer_keys_secret("31 bytes are one byte too short", error));
    ck_assert_ptr_nonnull(strstr(error, "32 bytes"));
    ck_assert_ptr_null(bearer_keys_pem("/nowhere", error));
    ck_assert_str_eq(error, "can't be read");
    ck_assert_ptr_null(bearer_keys_set("/nowhere", error));
    ck_assert_ptr_null(file_keys(bearer_keys_pem, PRIVATE_PEM, error));
    ck_assert_ptr_null(file_keys(bearer_keys_pem, EC_PEM, error));
    ck_assert_ptr_nonnull(strstr(error, "Ed25519"));
}
END_TEST

/* RFC 8037, A.4; its payload is no object, so what is signed is one of ours, made with another library. */
static const struct { const char *name, *token; enum bearer_verdict want; } ed25519_tokens[] = {
    { "good",
      "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJyb2xlIjoiYWRtaW4iLCJleHAiOjE4MDAwMDM2MD"
      "B9.GMOQe7jA9EevwyvxKxtAikti04DRJwtH0eo477gOiHcQ6VIPGpHUf0g5ejacYShDQkn_D8drSBfPxRRaZZkNCQ", BEARER_GOOD },
    { "another key",
      "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJyb2xlIjoiYWRtaW4iLCJleHAiOjE4MDAwMDM2MD"
      "B9.EDEevTkis5XCcT2fH6fwlf9SsRH2HuCDd4erMgkwNu7O19S_Y3YE6alIgUPpLNeNDhaGeACCUP9froI2VKvRDg", BEARER_MALFORMED },
    { "a critical extension",
      "eyJhbGciOiAiRWREU0EiLCAiY3JpdCI6IFsiYjY0Il0sICJiNjQiOiB0cnVlfQ.eyJzdWIiOiAiYWRhIiwgInJvbGUiOiAi"
      "YWRtaW4iLCAiZXhwIjogMTgwMDAwMzYwMH0.2FgthxSJ2mqoK1BR2nGaTWbgjQauAurKJ4WG7TVbh43FX0B4jqIzDPjB7XH"
      "Y3ZiwNACaGJ8DGV5nPv087z47DQ", BEARER_MALFORMED },
    { "an algorithm of another name",
      "eyJhbGciOiAiUlMyNTYifQ.eyJzdWIiOiAiYWRhIiwgInJvbGUiOiAiYWRtaW4iLCAiZXhwIjogMTgwMDAwMzYwMH0.5cNi"
      "y8iCiuwjklb1mKDWrHWWjKIX41pKLWyhzI20sRTnoN1kud4x1YjXP-Mn5Sik4RgaEjX21JOehrUZ18fFDA", BEARER_MALFORMED },
};

START_TEST(ed25519_signs_too)
{
    char error[BEARER_ERROR_BYTES];
    struct bearer_claims claims;
    static const char *const sets[] = { SET(ED25519("")), SET(ED25519(",\"kid\":\"ed\",\"alg\":\"EdDSA\",\"use\":\"sig\"")) };
    for (int i = 0; i < ROWS(sets); i++) {
        struct bearer_keys *keys = file_keys(bearer_keys_set, sets[i], error);
        ck_assert_msg(keys != NULL, "%s", error);
        for (int row = 0; row < ROWS(ed25519_tokens); row++)
            ck_assert_msg(bearer_check(&(struct bearer_rules){ .keys = keys }, ed25519_tokens[row].token, NOW, &claims)
                          == ed25519_tokens[row].want, "%s", ed25519_tokens[row].name);
        bearer_keys_free(&keys);
    }
    struct bearer_keys *keys = file_keys(bearer_keys_pem, ED25519_PEM, error);
    ck_assert_msg(keys != NULL, "%s", error);
    ck_assert_int_eq(bearer_check(&(struct bearer_rules){ .keys = keys }, ed25519_tokens[0].token, NOW, &claims),
                     BEARER_GOOD);
    bearer_keys_free(&keys);
}
END_TEST

CHECK_MAIN("bearer",
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_key_is_chosen_by_name_and_algorithm, 0, ROWS(chosen));
    tcase_add_loop_test(tests, a_set_with_a_bad_key_is_refused, 0, ROWS(refused_sets));
    tcase_add_test(tests, keys_of_a_wrong_kind_are_refused);
    tcase_add_test(tests, ed25519_signs_too);
    tcase_add_loop_test(tests, a_token_is_judged_by_what_it_says, 0, ROWS(says));
    tcase_add_loop_test(tests, a_forged_token_is_refused, 0, ROWS(forged));
    tcase_add_test(tests, bytes_that_are_no_token_are_refused);
    tcase_add_test(tests, one_changed_character_is_noticed);
    tcase_add_test(tests, issuer_and_audience_are_looked_at_when_set);
    tcase_add_test(tests, what_we_make_we_take);)
