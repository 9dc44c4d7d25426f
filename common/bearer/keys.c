#include "bearer/keys.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "bearer/internal.h"

void bearer_key_free(struct bearer_key *key)
{
    text_free(&key->secret);
    EVP_PKEY_free(key->public_key);
    *key = (struct bearer_key){ 0 };
}

void bearer_keys_free(struct bearer_keys **keys)
{
    if (!*keys)
        return;
    for (int i = 0; i < (*keys)->count; i++)
        bearer_key_free(&(*keys)->rows[i]);
    free(*keys);
    *keys = NULL;
}

int bearer_keys_count(const struct bearer_keys *keys)
{
    return keys->count;
}

bool bearer_key_judge(struct bearer_key *key, char error[BEARER_ERROR_BYTES])
{
    if (EVP_PKEY_is_a(key->public_key, "RSA") && EVP_PKEY_get_bits(key->public_key) >= BEARER_RSA_BITS_MIN)
        key->algorithm = BEARER_RS256;
    else if (EVP_PKEY_is_a(key->public_key, "ED25519"))
        key->algorithm = BEARER_EDDSA;
    else
        snprintf(error, BEARER_ERROR_BYTES, "must be an RSA key of at least %d bits or an Ed25519 key",
                 BEARER_RSA_BITS_MIN);
    return error[0] == '\0';
}

struct bearer_keys *bearer_keys_secret(const char *secret, char error[BEARER_ERROR_BYTES])
{
    size_t length = strlen(secret);
    error[0] = '\0';
    if (length < BEARER_SECRET_BYTES_MIN) {
        snprintf(error, BEARER_ERROR_BYTES, "must have at least %d bytes", BEARER_SECRET_BYTES_MIN);
        return NULL;
    }
    struct bearer_keys *keys = xcalloc(1, sizeof *keys);
    keys->rows[keys->count++].algorithm = BEARER_HS256;
    text_add(&keys->rows[0].secret, secret, length);
    return keys;
}

/* The whole file, or NULL. Given. */
static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *bytes = xcalloc(1, JSON_BYTES_MAX + 1);
    *length = fread(bytes, 1, JSON_BYTES_MAX + 1, file);
    bool read = !ferror(file) && *length <= JSON_BYTES_MAX;
    fclose(file);
    if (read)
        return bytes;
    free(bytes);
    return NULL;
}

struct bearer_keys *bearer_keys_pem(const char *path, char error[BEARER_ERROR_BYTES])
{
    size_t length;
    char *bytes = read_file(path, &length);
    struct bearer_keys *keys = xcalloc(1, sizeof *keys);
    snprintf(error, BEARER_ERROR_BYTES, bytes ? "must hold a public key as PEM (BEGIN PUBLIC KEY)"
             : "can't be read");
    if (bytes) {
        BIO *bio = BIO_new_mem_buf(bytes, (int)length);
        must(bio);
        EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        BIO_free(bio);
        free(bytes);
        if (key) {
            error[0] = '\0';
            keys->rows[keys->count++].public_key = key;
            bearer_key_judge(&keys->rows[0], error);
        }
    }
    if (error[0])
        bearer_keys_free(&keys);
    return keys;
}

static bool has_kid(const struct bearer_keys *keys, const char *kid)
{
    for (int i = 0; kid[0] && i < keys->count; i++)
        if (strcmp(keys->rows[i].kid, kid) == 0)
            return true;
    return false;
}

/* Adds what is ours of it; words in error when the set is to be refused. */
static void take_set(struct bearer_keys *keys, const struct json *set, char error[BEARER_ERROR_BYTES])
{
    const struct json *list = json_get(set, "keys");
    char why[BEARER_ERROR_BYTES];
    if (json_kind(list) != JSON_ARRAY) {
        snprintf(error, BEARER_ERROR_BYTES, "must be a JWK set: an object with keys, an array");
        return;
    }
    for (size_t i = 0; i < json_count(list) && !error[0]; i++) {
        struct bearer_key key = { 0 };
        if (!jwk_read(json_at(list, i), &key, why)) {
            if (why[0])
                snprintf(error, BEARER_ERROR_BYTES, "key %zu of the set: %.150s", i + 1, why);
        } else if (has_kid(keys, key.kid)) {
            snprintf(error, BEARER_ERROR_BYTES, "key %zu of the set: another one has its kid", i + 1);
        } else if (keys->count == BEARER_KEYS_MAX) {
            snprintf(error, BEARER_ERROR_BYTES, "must have at most %d keys for us", BEARER_KEYS_MAX);
        } else {
            keys->rows[keys->count++] = key;
            continue;
        }
        bearer_key_free(&key);
    }
    if (!error[0] && keys->count == 0)
        snprintf(error, BEARER_ERROR_BYTES, "has no key for RS256, EdDSA or HS256");
}

struct bearer_keys *bearer_keys_set(const char *path, char error[BEARER_ERROR_BYTES])
{
    char why[JSON_ERROR_BYTES];
    size_t length;
    char *bytes = read_file(path, &length);
    error[0] = '\0';
    if (!bytes) {
        snprintf(error, BEARER_ERROR_BYTES, "can't be read, or is larger than %d bytes", JSON_BYTES_MAX);
        return NULL;
    }
    struct bearer_keys *keys = xcalloc(1, sizeof *keys);
    struct json *set = json_parse(bytes, length, JSON_BYTES_MAX, why);
    if (set)
        take_set(keys, set, error);
    else
        snprintf(error, BEARER_ERROR_BYTES, "%s", why);
    json_free(&set);
    free(bytes);
    if (error[0])
        bearer_keys_free(&keys);
    return keys;
}
