#include "json/json.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "json/jansson_renamed.h"

/* struct json is jansson's json_t under our name: never completed, only cast. */
static const json_t *native(const struct json *value)
{
    return (const json_t *)value;
}

static const struct json *ours(const json_t *value)
{
    return (const struct json *)value;
}

/* How deep the text nests, before any parser recurses into it. Brackets inside strings don't count. What is
 * not JSON at all gets some number too: the parser will refuse it. */
static int nesting(const char *bytes, size_t length)
{
    int depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest)
                deepest = depth;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return deepest;
}

static const char *reason_of(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:        return "duplicate key";
    case json_error_invalid_utf8:         return "not UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:     return "NUL character";
    case json_error_numeric_overflow:     return "number out of range";
    case json_error_end_of_input_expected: return "bytes after the end";
    case json_error_premature_end_of_input: return "ends too early";
    default:                              return "not JSON";
    }
}

struct json *json_parse(const char *bytes, size_t length, size_t cap_bytes, char error[JSON_ERROR_BYTES])
{
    error[0] = '\0';
    if (!bytes || length == 0) {
        snprintf(error, JSON_ERROR_BYTES, "empty");
        return NULL;
    }
    if (length > cap_bytes) {
        snprintf(error, JSON_ERROR_BYTES, "too large: %zu bytes, %zu are allowed", length, cap_bytes);
        return NULL;
    }
    if (nesting(bytes, length) > JSON_DEPTH_MAX) {
        snprintf(error, JSON_ERROR_BYTES, "too deep: more than %d levels", JSON_DEPTH_MAX);
        return NULL;
    }
    json_error_t details;
    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &details);
    if (!root)
        snprintf(error, JSON_ERROR_BYTES, "%s, at byte %d", reason_of(&details), details.position);
    /* jansson skips a NUL that stands behind a number, as if it were white space. */
    if (root && memchr(bytes, '\0', length)) {
        snprintf(error, JSON_ERROR_BYTES, "NUL character");
        json_decref(root);
        root = NULL;
    }
    return (struct json *)root;
}

void json_free(struct json **root)
{
    json_decref((json_t *)*root);
    *root = NULL;
}

enum json_kind json_kind(const struct json *value)
{
    if (!value)
        return JSON_ABSENT;
    switch (json_typeof(native(value))) {
    case JANSSON_OBJECT:  return JSON_OBJECT;
    case JANSSON_ARRAY:   return JSON_ARRAY;
    case JANSSON_STRING:  return JSON_STRING;
    case JANSSON_INTEGER: return JSON_INTEGER;
    case JANSSON_REAL:    return JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:      return JSON_BOOL;
    case JANSSON_NULL:    return JSON_NULL;
    }
    unreachable();
}

const struct json *json_get(const struct json *object, const char *name)
{
    return ours(json_object_get(native(object), name));
}

const struct json *json_at(const struct json *array, size_t index)
{
    return ours(json_array_get(native(array), index));
}

size_t json_count(const struct json *array_or_object)
{
    enum json_kind kind = json_kind(array_or_object);
    if (kind == JSON_ARRAY)
        return json_array_size(native(array_or_object));
    return kind == JSON_OBJECT ? json_object_size(native(array_or_object)) : 0;
}

const char *json_string(const struct json *value, size_t *length)
{
    if (json_kind(value) != JSON_STRING)
        return NULL;
    if (length)
        *length = json_string_length(native(value));
    return json_string_value(native(value));
}

bool json_integer(const struct json *value, int64_t *out)
{
    if (json_kind(value) != JSON_INTEGER)
        return false;
    *out = (int64_t)json_integer_value(native(value));
    return true;
}

bool json_number(const struct json *value, double *out)
{
    enum json_kind kind = json_kind(value);
    if (kind != JSON_INTEGER && kind != JSON_REAL)
        return false;
    *out = json_number_value(native(value));
    return true;
}

bool json_bool(const struct json *value, bool *out)
{
    if (json_kind(value) != JSON_BOOL)
        return false;
    *out = json_typeof(native(value)) == JSON_TRUE;
    return true;
}

/* jansson's iterators take the object without const, but change nothing. */
void *json_next(const struct json *object, void *iterator, const char **name, const struct json **value)
{
    if (json_kind(object) != JSON_OBJECT)
        return NULL;
    json_t *members = (json_t *)object;
    iterator = iterator ? json_object_iter_next(members, iterator) : json_object_iter(members);
    if (!iterator)
        return NULL;
    *name = json_object_iter_key(iterator);
    *value = ours(json_object_iter_value(iterator));
    return iterator;
}

static int dump_piece(const char *bytes, size_t length, void *out)
{
    text_add(out, bytes, length);
    return 0;
}

void json_dump(const struct json *value, struct text *out)
{
    must(json_dump_callback(native(value), dump_piece, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0);
}
