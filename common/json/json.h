/* Strict JSON: the one place that names jansson. Input is refused when over the cap, nested deeper than
 * JSON_DEPTH_MAX, with a duplicate key, trailing bytes, invalid UTF-8 or NUL. Readers ask for exact types:
 * an integer is never a real. */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct json;    /* opaque: any value; one root is owned, all others are lent by their root */

enum { JSON_BYTES_MAX = 64 * 1024, JSON_DEPTH_MAX = 16, JSON_ERROR_BYTES = 160 };

enum json_kind { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_INTEGER, JSON_REAL, JSON_STRING, JSON_ARRAY,
                 JSON_OBJECT };

/* Given: end with json_free. NULL and a reason in error when refused. cap_bytes: usually JSON_BYTES_MAX. */
struct json *json_parse(const char *bytes, size_t length, size_t cap_bytes, char error[JSON_ERROR_BYTES]);
void json_free(struct json **root);

enum json_kind json_kind(const struct json *value);                              /* NULL is JSON_ABSENT */
/* NULL when absent or not an object */
const struct json *json_get(const struct json *object, const char *name);
const struct json *json_at(const struct json *array, size_t index);
size_t json_count(const struct json *array_or_object);
/* NULL when not a string; length may be NULL. jansson exports functions called json_string and json_integer,
 * and would call ours instead of its own: hence the other names for the linker. */
const char *json_string(const struct json *value, size_t *length) __asm__("reelgate_json_string");
/* false when not an integer */
bool json_integer(const struct json *value, int64_t *out) __asm__("reelgate_json_integer");
bool json_number(const struct json *value, double *out);                         /* integer or real */
bool json_bool(const struct json *value, bool *out);
/* Walks an object's members: start with iterator NULL. */
void *json_next(const struct json *object, void *iterator, const char **name, const struct json **value);

/* Appends the value as compact JSON, members in the order they came in. */
void json_dump(const struct json *value, struct text *out);

#endif
