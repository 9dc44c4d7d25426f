/* SHA-256 (FIPS 180-4) of one buffer. */
#ifndef PROTO_SHA256_H
#define PROTO_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

void sha256(const void *bytes, size_t length, uint8_t out[SHA256_BYTES]);

#endif
