/* One key of a JWK set. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "bearer/internal.h"

enum { ED25519_BYTES = 32 };

/* A member that is bytes in base64url. */
static bool bytes_of(const struct json *jwk, const char *name, struct text *out)
{
    size_t length;
    const char *text = json_string(json_get(jwk, name), &length);
    return text && length > 0 && base64url_read(text, length, out);
}

static EVP_PKEY *rsa_of(const struct text *modulus, const struct text *exponent)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn((const uint8_t *)modulus->bytes, (int)modulus->length, NULL);
    BIGNUM *e = BN_bin2bn((const uint8_t *)exponent->bytes, (int)exponent->length, NULL);
    must(context && build && n && e);
    must(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n)
         && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e));
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    must(params);
    if (EVP_PKEY_fromdata_init(context) != 1
        || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool read_rsa(const struct json *jwk, struct bearer_key *key, char error[BEARER_ERROR_BYTES])
{
    struct text modulus = { 0 }, exponent = { 0 };
    if (bytes_of(jwk, "n", &modulus) && bytes_of(jwk, "e", &exponent)
        && modulus.length <= BEARER_SIGNATURE_BYTES_MAX)
        key->public_key = rsa_of(&modulus, &exponent);
    text_free(&modulus);
    text_free(&exponent);
    if (key->public_key)
        return bearer_key_judge(key, error);
    snprintf(error, BEARER_ERROR_BYTES, "an RSA key must have n and e in base64url");
    return false;
}

static bool read_ed25519(const struct json *jwk, struct bearer_key *key, char error[BEARER_ERROR_BYTES])
{
    struct text point = { 0 };
    if (bytes_of(jwk, "x", &point) && point.length == ED25519_BYTES)
        key->public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)point.bytes,
                                                      point.length);
    text_free(&point);
    key->algorithm = BEARER_EDDSA;
    if (!key->public_key)
        snprintf(error, BEARER_ERROR_BYTES, "an Ed25519 key must have x, 32 bytes in base64url");
    return key->public_key != NULL;
}

static bool read_secret(const struct json *jwk, struct bearer_key *key, char error[BEARER_ERROR_BYTES])
{
    key->algorithm = BEARER_HS256;
    if (bytes_of(jwk, "k", &key->secret) && key->secret.length >= BEARER_SECRET_BYTES_MIN)
        return true;
    snprintf(error, BEARER_ERROR_BYTES, "an oct key must have k, at least %d bytes in base64url",
             BEARER_SECRET_BYTES_MIN);
    return false;
}

/* A member that is absent, or this. */
static bool may_be(const struct json *jwk, const char *name, const char *word)
{
    const struct json *member = json_get(jwk, name);
    const char *is = json_string(member, NULL);
    return !member || (is && strcmp(is, word) == 0);
}

static bool read_kid(const struct json *jwk, struct bearer_key *key)
{
    const struct json *member = json_get(jwk, "kid");
    const char *kid = json_string(member, NULL);
    if (!member)
        return true;
    if (!kid || strlen(kid) >= sizeof key->kid)
        return false;
    snprintf(key->kid, sizeof key->kid, "%s", kid);
    return true;
}

bool jwk_read(const struct json *jwk, struct bearer_key *key, char error[BEARER_ERROR_BYTES])
{
    static const struct { const char *kind, *curve, *algorithm;
                          bool (*read)(const struct json *, struct bearer_key *, char *); } rows[] = {
        { "RSA", NULL, "RS256", read_rsa },
        { "OKP", "Ed25519", "EdDSA", read_ed25519 },
        { "oct", NULL, "HS256", read_secret },
    };
    const char *kind = json_string(json_get(jwk, "kty"), NULL);
    const char *curve = json_string(json_get(jwk, "crv"), NULL);
    error[0] = '\0';
    if (!kind || !may_be(jwk, "use", "sig"))
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(kind, rows[i].kind) != 0 || !may_be(jwk, "alg", rows[i].algorithm)
            || (rows[i].curve && (!curve || strcmp(curve, rows[i].curve) != 0)))
            continue;
        if (read_kid(jwk, key))
            return rows[i].read(jwk, key, error);
        snprintf(error, BEARER_ERROR_BYTES, "kid must be text of at most %d bytes", BEARER_KID_BYTES - 1);
    }
    return false;
}
