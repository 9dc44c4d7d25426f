/* A fingerprint tells "the same request once more" from "other content under a known id". The first is
 * absorbed in silence, the second is reported. It is compared by programs of any release and stays in the
 * journal for ever.
 *
 * Why a cryptographic digest: whoever knows another's request and can write to the topic could send, ahead
 * of it and under its id, a different prompt with the same fast hash. The victim's own request would then be
 * absorbed as a duplicate, in silence, instead of raising a conflict. Against 128 bits of a hash made for
 * tables such a twin takes minutes. With SHA-256 nobody can make one, and the journal's digest can be
 * recomputed with any tool as evidence of what was asked. */
#include "proto/encode.h"
#include "proto/sha256.h"

void event_fingerprint(const struct event *request, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    struct text canonical = { 0 };
    uint8_t digest[SHA256_BYTES];
    encode_members(request, false, &canonical);
    sha256(canonical.bytes, canonical.length, digest);
    text_free(&canonical);
    for (int i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * SHA256_BYTES] = '\0';
}
