#include "sandbox/signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/sha256.h"

static uint64_t sign(const struct signature_key *key, const char *path, int64_t expires_ms, uint64_t nonce)
{
    char claim[400];
    uint8_t digest[SHA256_BYTES];
    uint64_t mac = 0;
    int length = snprintf(claim, sizeof claim, "%.300s|%" PRId64 "|%" PRIx64, path, expires_ms, nonce);
    sha256_keyed((struct sha256_key){ key, sizeof *key }, claim, (size_t)length, digest);
    for (int i = 0; i < 8; i++) mac = mac << 8 | digest[i];
    return mac;
}

void signature_make(const struct signature_key *key, const char *path, int64_t expires_ms, uint64_t nonce,
                    char out[SIGNATURE_BYTES])
{
    snprintf(out, SIGNATURE_BYTES, "%" PRIx64 ".%" PRId64 ".%016" PRIx64, nonce, expires_ms,
             sign(key, path, expires_ms, nonce));
}

bool signature_good(const struct signature_key *key, const char *path, const char *signature, int64_t now_ms)
{
    char again[SIGNATURE_BYTES];
    uint64_t nonce, mac;
    int64_t expires_ms;
    if (sscanf(signature, "%" SCNx64 ".%" SCNd64 ".%" SCNx64, &nonce, &expires_ms, &mac) != 3) return false;
    signature_make(key, path, expires_ms, nonce, again);
    return strcmp(again, signature) == 0 && now_ms < expires_ms;
}
