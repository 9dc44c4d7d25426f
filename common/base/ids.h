/* Identifiers and where facts come from: ids, buckets, origins, trace contexts. Pure functions. */
#ifndef BASE_IDS_H
#define BASE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ID_LENGTH_MAX = 64,               /* generationId, userId, grantId, projectId: 1-64 of [A-Za-z0-9._:-] */
    ORIGIN_BYTES = 300,               /* topic (249) / partition @ offset */
    TRACEPARENT_BYTES = 56,           /* 00-<32 hex>-<16 hex>-<2 hex> and its NUL */
    UUID_BYTES = 37,
};
#define TOKENS_MAX INT64_C(9007199254740991)     /* 2^53-1: what every JSON reader and Lua can hold exactly */
#define AMOUNT_MAX INT64_C(2147483648)           /* one price or one grant: 2^31 */

bool id_valid(const char *id, size_t length);

/* CRC-32 (zlib's) over the UTF-8 bytes of the user's id, modulo the partitions of the journal. One bucket is
 * one journal partition and one Redis hash tag. */
int32_t bucket_of(const char *user_id, size_t length, int32_t partitions);

/* The record that caused an effect: "topic/partition@offset". */
struct origin { const char *topic; int32_t partition; int64_t offset; };
void origin_format(const struct origin *origin, char out[ORIGIN_BYTES]);
bool origin_parse(const char *text, char topic[250], int32_t *partition, int64_t *offset);

void uuid7_make(char out[UUID_BYTES]);           /* RFC 9562 version 7, from the wall clock and getrandom */
void nonce_make(char out[33]);                   /* 128 random bits, hex */

/* W3C trace context. A malformed or missing parent starts a new trace (never an error). The child keeps the
 * trace id and the flags and gets a new span id. in may be NULL and need not end in NUL. */
void traceparent_child(const char *in, size_t length, char out[TRACEPARENT_BYTES]);
bool traceparent_valid(const char *in, size_t length);

#endif
