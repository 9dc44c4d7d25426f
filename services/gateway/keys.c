#include "gateway/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "proto/sha256.h"

void key_id(const char *kind, const char *user_id, const char *key, char out[UUID_BYTES])
{
    struct text words = { 0 };
    uint8_t hash[SHA256_BYTES];
    /* with their NULs: none of the three can hold one, so no two triples are the same bytes */
    text_add(&words, kind, strlen(kind) + 1);
    text_add(&words, user_id, strlen(user_id) + 1);
    text_add(&words, key, strlen(key) + 1);
    sha256(words.bytes, words.length, hash);
    text_free(&words);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80);        /* version 8: made by the application's own rule */
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    snprintf(out, UUID_BYTES, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", hash[0],
             hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7], hash[8], hash[9], hash[10],
             hash[11], hash[12], hash[13], hash[14], hash[15]);
}
