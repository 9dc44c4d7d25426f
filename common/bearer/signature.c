#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "base/must.h"
#include "bearer/internal.h"

const char *const BEARER_ALGORITHM_NAMES[BEARER_ALGORITHMS] = {
    [BEARER_HS256] = "HS256", [BEARER_RS256] = "RS256", [BEARER_EDDSA] = "EdDSA",
};

enum { MAC_BYTES = 32 };

static void make_mac(const struct bearer_key *key, const char *bytes, size_t length, uint8_t mac[MAC_BYTES])
{
    unsigned made = 0;
    must(key->algorithm == BEARER_HS256 && key->secret.length <= INT_MAX);
    must(HMAC(EVP_sha256(), key->secret.bytes, (int)key->secret.length, (const uint8_t *)bytes, length, mac,
              &made) && made == MAC_BYTES);
}

void signature_make(const struct bearer_key *key, const char *bytes, size_t length, struct text *out)
{
    uint8_t mac[MAC_BYTES];
    make_mac(key, bytes, length, mac);
    base64url_write(mac, sizeof mac, out);
}

/* RS256 hashes with SHA-256 and pads as PKCS #1 v1.5, which is EVP's way for RSA; Ed25519 hashes by
 * itself. */
static bool public_holds(const struct bearer_key *key, const struct bearer_signed *what)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = key->algorithm == BEARER_RS256 ? EVP_sha256() : NULL;
    must(context);
    bool holds = EVP_DigestVerifyInit(context, NULL, hash, NULL, key->public_key) == 1
        && EVP_DigestVerify(context, (const uint8_t *)what->signature->bytes, what->signature->length,
                            (const uint8_t *)what->bytes, what->length) == 1;
    EVP_MD_CTX_free(context);
    return holds;
}

bool signature_holds(const struct bearer_key *key, const struct bearer_signed *what)
{
    uint8_t mac[MAC_BYTES];
    if (what->signature->length == 0 || what->signature->length > BEARER_SIGNATURE_BYTES_MAX)
        return false;
    if (key->algorithm != BEARER_HS256)
        return public_holds(key, what);
    make_mac(key, what->bytes, what->length, mac);
    return what->signature->length == sizeof mac
        && CRYPTO_memcmp(mac, what->signature->bytes, sizeof mac) == 0;
}
