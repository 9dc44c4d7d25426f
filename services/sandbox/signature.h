/* Signs what an output URL may be used for and until when: three parts with dots between, as a JWT looks. The
 * first 64 bits of an HMAC-SHA256: enough to notice a changed URL in a sandbox, nothing to guard secrets
 * with. */
#ifndef SANDBOX_SIGNATURE_H
#define SANDBOX_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

enum { SIGNATURE_BYTES = 200 };
struct signature_key { uint64_t low, high; };

/* nonce makes each signature a new one. */
void signature_make(const struct signature_key *key, const char *path, int64_t expires_ms, uint64_t nonce,
                    char out[SIGNATURE_BYTES]);
/* Good for this path at this time. */
bool signature_good(const struct signature_key *key, const char *path, const char *signature, int64_t now_ms);

#endif
