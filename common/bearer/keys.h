/* The keys that bearer tokens are signed with. Each is for one algorithm, which follows from what it is: a
 * secret is for HS256, an RSA key for RS256, an Ed25519 key for EdDSA. */
#ifndef BEARER_KEYS_H
#define BEARER_KEYS_H

enum { BEARER_SECRET_BYTES_MIN = 32, BEARER_RSA_BITS_MIN = 2048, BEARER_KEYS_MAX = 32,
    BEARER_ERROR_BYTES = 200 };

struct bearer_keys;

/* Each is given (bearer_keys_free), or NULL and one line in error. */
struct bearer_keys *bearer_keys_secret(const char *secret, char error[BEARER_ERROR_BYTES]);
/* A public key as PEM (BEGIN PUBLIC KEY). */
struct bearer_keys *bearer_keys_pem(const char *path, char error[BEARER_ERROR_BYTES]);
/* A JWK set (RFC 7517; EdDSA as RFC 8037): kty RSA, OKP with Ed25519, oct. Keys of another kind or use are
 * passed over, as a set that is made for many may hold them; one of ours that is too short, or a kid that
 * comes twice, refuses the whole set. */
struct bearer_keys *bearer_keys_set(const char *path, char error[BEARER_ERROR_BYTES]);
void bearer_keys_free(struct bearer_keys **keys);
int bearer_keys_count(const struct bearer_keys *keys);

#endif
