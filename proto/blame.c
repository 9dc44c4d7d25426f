/* Error messages of the decoder: the field, what it was and what it may be, safe to show and to log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "proto/decode.h"

enum { SHOWN_CHARACTERS = 40, SHOWN_BYTES = SHOWN_CHARACTERS + 8 };

/* In quotes, cut, with a question mark for each byte that is not printable ASCII. */
static void show_text(const char *text, size_t length, char out[SHOWN_BYTES])
{
    size_t shown = length < SHOWN_CHARACTERS ? length : SHOWN_CHARACTERS;
    char *at = out;
    *at++ = '"';
    for (size_t i = 0; i < shown; i++)
        *at++ = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    memcpy(at, length > shown ? "...\"" : "\"", length > shown ? 5 : 2);
}

static void show(const struct json *value, char out[SHOWN_BYTES])
{
    size_t length;
    int64_t integer;
    double number;
    bool truth;
    switch (json_kind(value)) {
    case JSON_STRING: {
        const char *text = json_string(value, &length);
        show_text(text, length, out);
        return;
    }
    case JSON_INTEGER:
        json_integer(value, &integer);
        snprintf(out, SHOWN_BYTES, "%" PRId64, integer);
        return;
    case JSON_REAL:
        json_number(value, &number);
        snprintf(out, SHOWN_BYTES, "%.17g", number);
        return;
    case JSON_BOOL:
        json_bool(value, &truth);
        snprintf(out, SHOWN_BYTES, "%s", truth ? "true" : "false");
        return;
    case JSON_ARRAY:  snprintf(out, SHOWN_BYTES, "an array of %zu", json_count(value)); return;
    case JSON_OBJECT: snprintf(out, SHOWN_BYTES, "an object"); return;
    case JSON_NULL:   snprintf(out, SHOWN_BYTES, "null"); return;
    case JSON_ABSENT: snprintf(out, SHOWN_BYTES, "absent"); return;
    }
    unreachable();
}

static void allowed_choices(enum kind kind, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < CHOICE_COUNT && length < size; i++)
        if (CHOICES[i].kind == kind)
            length += (size_t)snprintf(out + length, size - length, "%s%s", length > 0 ? ", " : "",
                                       CHOICES[i].value);
}

/* What may stand in the field, as the end of a sentence. */
static void allowed(const struct field *field, bool item, char *out, size_t size)
{
    int64_t least = field->least, most = field->most;
    switch ((enum kind)field->kind) {
    case KIND_ID:
        snprintf(out, size, "%" PRId64 " to %" PRId64 " characters of A-Z a-z 0-9 . _ : -", least, most);
        return;
    case KIND_WORD: case KIND_LABEL:
        snprintf(out, size, "%" PRId64 " to %" PRId64 " printable ASCII characters without spaces", least,
                 most);
        return;
    case KIND_URL:
        snprintf(out, size, "an https:// URL of %" PRId64 " to %" PRId64 " characters", least, most);
        return;
    case KIND_TEXT: case KIND_PROSE:
        snprintf(out, size, "text of %" PRId64 " to %" PRId64 " characters, no control characters", least,
                 most);
        return;
    case KIND_INTEGER: case KIND_SPAN:
        snprintf(out, size, "a whole number from %" PRId64 " to %" PRId64, least, most);
        return;
    case KIND_AMOUNT:
        snprintf(out, size, "a whole number from %" PRId64 " to %" PRId64 ", not 0", least, most);
        return;
    case KIND_NUMBER:
        snprintf(out, size, "a number from %" PRId64 " to %" PRId64, least, most);
        return;
    case KIND_OUTPUTS:
        if (item)
            snprintf(out, size, "1 to %d printable ASCII characters without spaces", EVENT_OUTPUT_BYTES_MAX);
        else
            snprintf(out, size, "an array of %" PRId64 " to %" PRId64 " URLs", least, most);
        return;
    case KIND_TIME: case KIND_STAMP:  snprintf(out, size, "a time such as 2026-11-23T05:54:48.123Z"); return;
    case KIND_ENTRY: case KIND_CODE:  allowed_choices((enum kind)field->kind, out, size); return;
    case KIND_CONTEXT: case KIND_QUOTE: case KIND_BALANCE: case KIND_ERROR: case KIND_TIMINGS:
        snprintf(out, size, "an object");
        return;
    }
    unreachable();
}

static bool blame_field(struct blame *blame, const struct field *field, const char *reason, const char *is)
{
    struct decode_error *error = blame->error;
    char index[16] = "", may[160];
    if (blame->index >= 0)
        snprintf(index, sizeof index, "[%d]", blame->index);
    snprintf(error->field, sizeof error->field, "%s%s%s%s", blame->parent ? blame->parent : "",
             blame->parent ? "." : "", field->name, index);
    allowed(field, blame->index >= 0, may, sizeof may);
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    snprintf(error->message, sizeof error->message, "%.63s is %s; allowed is %s", error->field, is, may);
    return false;
}

bool blame_missing(struct blame *blame, const struct field *field)
{
    return blame_field(blame, field, "missing_field", "missing");
}

bool blame_type(struct blame *blame, const struct field *field, const struct json *value)
{
    char is[SHOWN_BYTES];
    show(value, is);
    return blame_field(blame, field, "wrong_type", is);
}

bool blame_range(struct blame *blame, const struct field *field, const struct json *value)
{
    char is[SHOWN_BYTES];
    show(value, is);
    return blame_field(blame, field, "out_of_range", is);
}

bool blame_envelope(struct blame *blame, const char *reason, const char *message)
{
    snprintf(blame->error->reason, sizeof blame->error->reason, "%s", reason);
    snprintf(blame->error->message, sizeof blame->error->message, "%s", message);
    return false;
}
