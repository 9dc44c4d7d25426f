/* SHA-256 (FIPS 180-4) of one buffer, and the keyed form of it, HMAC (FIPS 198-1). The one place that names
 * libcrypto. Neither fails: an algorithm that libcrypto refuses to give is a broken installation, and must()
 * ends the process. */
#ifndef PROTO_SHA256_H
#define PROTO_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

void sha256(const void *bytes, size_t length, uint8_t out[SHA256_BYTES]);

struct sha256_key { const void *bytes; size_t length; };
void sha256_keyed(struct sha256_key key, const void *bytes, size_t length, uint8_t out[SHA256_BYTES]);

#endif
