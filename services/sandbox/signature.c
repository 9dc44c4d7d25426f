#include "sandbox/signature.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t rotate(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1]; v[1] = rotate(v[1], 13) ^ v[0]; v[0] = rotate(v[0], 32);
    v[2] += v[3]; v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3]; v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1]; v[1] = rotate(v[1], 17) ^ v[2]; v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 (Aumasson and Bernstein). */
uint64_t siphash(const struct signature_key *key, const char *bytes, uint64_t length)
{
    uint64_t v[4] = { key->low ^ 0x736f6d6570736575u, key->high ^ 0x646f72616e646f6du,
                      key->low ^ 0x6c7967656e657261u, key->high ^ 0x7465646279746573u };
    for (uint64_t at = 0; at <= length; at += 8) {       /* the last block is partial, or empty */
        uint64_t block = at + 8 > length ? length << 56 : 0;
        for (uint64_t i = 0; i < 8 && at + i < length; i++)
            block |= (uint64_t)(unsigned char)bytes[at + i] << 8 * i;
        v[3] ^= block;
        sip_round(v);
        sip_round(v);
        v[0] ^= block;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t sign(const struct signature_key *key, const char *path, int64_t expires_ms, uint64_t nonce)
{
    char claim[400];
    int length = snprintf(claim, sizeof claim, "%.300s|%" PRId64 "|%" PRIx64, path, expires_ms, nonce);
    return siphash(key, claim, (uint64_t)length);
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
