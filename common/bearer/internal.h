/* Between the files of this folder. */
#ifndef BEARER_INTERNAL_H
#define BEARER_INTERNAL_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "bearer/keys.h"
#include "json/json.h"

enum { BEARER_KID_BYTES = 128, BEARER_SIGNATURE_BYTES_MAX = 1024 };

enum bearer_algorithm { BEARER_HS256, BEARER_RS256, BEARER_EDDSA, BEARER_ALGORITHMS };
extern const char *const BEARER_ALGORITHM_NAMES[BEARER_ALGORITHMS];

struct bearer_key {
    enum bearer_algorithm algorithm;
    char kid[BEARER_KID_BYTES];          /* empty: it has none, and any token may be its */
    struct text secret;                  /* HS256 */
    EVP_PKEY *public_key;                /* the others */
};
struct bearer_keys { struct bearer_key rows[BEARER_KEYS_MAX]; int count; };

/* base64url without padding (RFC 7515, 2), appended; only what an encoder writes is read. */
bool base64url_read(const char *bytes, size_t length, struct text *out);
void base64url_write(const void *bytes, size_t length, struct text *out);

struct bearer_signed { const char *bytes; size_t length; const struct text *signature; };
bool signature_holds(const struct bearer_key *key, const struct bearer_signed *what);
/* HS256 */
void signature_make(const struct bearer_key *key, const char *bytes, size_t length, struct text *out);

/* One key of a set. false: error is set, or empty when it is only not for us. */
bool jwk_read(const struct json *jwk, struct bearer_key *key, char error[BEARER_ERROR_BYTES]);
/* RSA that is too short, or another kind: false and why. */
bool bearer_key_judge(struct bearer_key *key, char error[BEARER_ERROR_BYTES]);
void bearer_key_free(struct bearer_key *key);

#endif
