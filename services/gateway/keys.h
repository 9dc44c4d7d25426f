/* Ids made from an Idempotency-Key: the same key of the same user is the same generation or grant, on any
 * instance and after any restart. */
#ifndef GATEWAY_KEYS_H
#define GATEWAY_KEYS_H

#include "base/ids.h"

/* kind: what the key is for ("generation", "grant"). A UUID of version 8 (RFC 9562): the first 122 bits of
 * SHA-256 over kind, user and key. Pure. */
void key_id(const char *kind, const char *user_id, const char *key, char out[UUID_BYTES]);

#endif
