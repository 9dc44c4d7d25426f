#include "proto/sha256.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/must.h"

void sha256(const void *bytes, size_t length, uint8_t out[SHA256_BYTES])
{
    unsigned made = 0;
    must(EVP_Digest(bytes, length, out, &made, EVP_sha256(), NULL) == 1 && made == SHA256_BYTES);
}

void sha256_keyed(struct sha256_key key, const void *bytes, size_t length, uint8_t out[SHA256_BYTES])
{
    unsigned made = 0;
    must(key.length <= INT_MAX);
    must(HMAC(EVP_sha256(), key.bytes, (int)key.length, bytes, length, out, &made) && made == SHA256_BYTES);
}
