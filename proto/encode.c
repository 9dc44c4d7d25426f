/* struct event to JSON, straight into the caller's buffer: admission writes three messages for each request,
 * so there is no tree, no copy and one pass over the message's rows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "json/json.h"
#include "proto/encode.h"
#include "proto/prose.h"

#define MEMBER(event, type, offset) (*(const type *)((const char *)(event) + (offset)))

static void add_bytes(struct text *out, const char *bytes, size_t length)
{
    if (out->capacity - out->length <= length)
        text_reserve(out, length);
    memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
    out->bytes[out->length] = '\0';
}

static void add_name(struct text *out, const struct field *field)
{
    add_bytes(out, field->quoted, field->quoted_length);
}

static void add_quoted(struct text *out, const char *word, size_t length)
{
    if (out->capacity - out->length <= length + 2)
        text_reserve(out, length + 2);
    char *at = out->bytes + out->length;
    *at++ = '"';
    memcpy(at, word, length);
    at[length] = '"';
    at[length + 1] = '\0';
    out->length += length + 2;
}

/* The shortest of 15, 16 or 17 digits that reads back as the same double. */
static void add_double(struct text *out, double value)
{
    if (value <= (double)TOKENS_MAX && value == (double)(int64_t)value) {
        text_add_i64(out, (int64_t)value);
        return;
    }
    char digits[40];
    int length = 0;
    for (int precision = 15; precision <= 17; precision++) {
        length = snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    add_bytes(out, digits, (size_t)length);
}

static void put_digits(char *at, int count, int64_t value)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
}

/* What clock_format writes, without gmtime_r and printf: there are four times in what is written of one
 * request. Days since 1970 become a date by counting years from a 1st of March, so that the leap day is the
 * last of its year. */
static void add_time(struct text *out, int64_t wall_ms)
{
    int64_t days = wall_ms / 86400000 + 719468, ms = wall_ms % 86400000;
    int64_t era = days / 146097, day_of_era = days % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t months = (5 * day_of_year + 2) / 153;      /* since March */
    int64_t month = months < 10 ? months + 3 : months - 9;

    char formatted[RFC3339_BYTES] = "yyyy-mm-ddThh:mm:ss.mmmZ";
    put_digits(formatted, 4, era * 400 + year_of_era + (month <= 2));
    put_digits(formatted + 5, 2, month);
    put_digits(formatted + 8, 2, day_of_year - (153 * months + 2) / 5 + 1);
    put_digits(formatted + 11, 2, ms / 3600000);
    put_digits(formatted + 14, 2, ms / 60000 % 60);
    put_digits(formatted + 17, 2, ms / 1000 % 60);
    put_digits(formatted + 20, 3, ms % 1000);
    add_quoted(out, formatted, RFC3339_BYTES - 1);
}

static bool encode_text(const struct event *event, const struct field *field, struct text *out)
{
    const char *text = field->kind == KIND_LABEL ? &MEMBER(event, char, field->offset)
                                                 : MEMBER(event, char *, field->offset);
    if (!text)
        return false;
    add_name(out, field);
    if (field->kind == KIND_PROSE) {
        prose_add_json(out, text, (size_t)field->most);
        return true;
    }
    size_t length = field->kind == KIND_LABEL ? strnlen(text, (size_t)field->most + 1) : strlen(text);
    if (field->kind == KIND_CONTEXT) {
        bool fits = length <= (size_t)field->most;
        must(!fits || (length >= 2 && text[0] == '{' && text[length - 1] == '}'));
        text_add_string(out, fits ? text : "{\"cut\":true}");
        return true;
    }
    must(field_takes_text(field, text, length));
    if (field->kind == KIND_TEXT)
        text_add_json(out, text, length);
    else
        add_quoted(out, text, length);
    return true;
}

/* From one known time to a later one; otherwise unknown. */
static int64_t span_ms(int64_t from_ms, int64_t to_ms)
{
    return from_ms > 0 && to_ms >= from_ms ? to_ms - from_ms : EVENT_ABSENT;
}

static int64_t integer_of(const struct event *event, const struct field *field)
{
    const struct event_timings *timings = &event->timings;
    int64_t value = MEMBER(event, int64_t, field->offset);
    if (field->kind == KIND_STAMP)
        return value == 0 ? EVENT_ABSENT : value;
    if (field->kind != KIND_SPAN)
        return value;
    switch (field->offset) {
    case offsetof(struct event, timings.queue_ms):
        return span_ms(timings->accepted_at_ms, timings->submitted_at_ms);
    case offsetof(struct event, timings.render_ms):
        return span_ms(timings->submitted_at_ms, timings->finished_at_ms);
    case offsetof(struct event, timings.total_ms):
        return span_ms(timings->accepted_at_ms, timings->finished_at_ms);
    }
    unreachable();
}

static bool encode_integer(const struct event *event, const struct field *field, struct text *out)
{
    int64_t value = integer_of(event, field);
    if (value == EVENT_ABSENT)
        return false;
    must(field_takes_integer(field, value));
    add_name(out, field);
    if (field->kind == KIND_TIME || field->kind == KIND_STAMP)
        add_time(out, value);
    else
        text_add_i64(out, value);
    return true;
}

static bool encode_outputs(const struct event *event, const struct field *field, struct text *out)
{
    if (event->output_count < 0)
        return false;
    must(event->output_count <= field->most);
    add_name(out, field);
    text_add_char(out, '[');
    for (int i = 0; i < event->output_count; i++) {
        size_t length = strlen(event->outputs[i]);
        must(output_takes(event->outputs[i], length));
        if (i > 0)
            text_add_char(out, ',');
        add_quoted(out, event->outputs[i], length);
    }
    text_add_char(out, ']');
    return true;
}

static bool encode_field(const struct event *event, const struct field *field, struct text *out);

/* What was written from start on begins with the comma of its first member: that becomes the opening
 * brace. */
static void close_object(struct text *out, size_t start)
{
    if (out->length == start)
        text_add_char(out, '{');
    else
        out->bytes[start] = '{';
    text_add_char(out, '}');
}

static bool encode_object(const struct event *event, const struct field *field, struct text *out)
{
    const struct object *object = object_of((enum kind)field->kind);
    if (!MEMBER(event, bool, object->present))
        return false;
    add_name(out, field);
    size_t start = out->length;
    for (const struct field *part = PARTS + object->first; part < PARTS + object->end; part++) {
        bool present = encode_field(event, part, out);
        must(present || !part->required);
    }
    close_object(out, start);
    return true;
}

static bool encode_field(const struct event *event, const struct field *field, struct text *out)
{
    switch ((enum kind)field->kind) {
    case KIND_ID:
    case KIND_WORD:
    case KIND_URL:
    case KIND_TEXT:
    case KIND_PROSE:
    case KIND_CONTEXT:
    case KIND_ENTRY:
    case KIND_CODE: case KIND_LABEL:
        return encode_text(event, field, out);
    case KIND_INTEGER: case KIND_AMOUNT: case KIND_TIME: case KIND_STAMP: case KIND_SPAN:
        return encode_integer(event, field, out);
    case KIND_OUTPUTS:
        return encode_outputs(event, field, out);
    case KIND_QUOTE: case KIND_BALANCE: case KIND_ERROR: case KIND_TIMINGS:
        return encode_object(event, field, out);
    case KIND_NUMBER: {
        double value = MEMBER(event, double, field->offset);
        if (!field_takes_number(field, value))
            return false;
        add_name(out, field);
        add_double(out, value);
        return true;
    }
    }
    unreachable();
}

/* What that kind of entry needs besides must have been written: an entry that can't be replayed is a lost
 * fact. */
static void must_meet_conditions(const struct event *event)
{
    for (size_t i = 0; i < CONDITION_COUNT; i++) {
        const struct condition *condition = &CONDITIONS[i];
        if (condition->type != event->type || strcmp(condition->kind, event->kind) != 0)
            continue;
        const struct field *field = &FIELDS[condition->field];
        const struct object *object = object_of((enum kind)field->kind);
        if (object)
            must(MEMBER(event, bool, object->present));
        else if (kind_is_text((enum kind)field->kind))
            must(MEMBER(event, char *, field->offset) != NULL);
        else
            must(MEMBER(event, int64_t, field->offset) != EVENT_ABSENT);
    }
}

void encode_members(const struct event *event, bool with_ids, struct text *out)
{
    size_t start = out->length;
    struct members members = members_of(event->type);
    for (const struct member *member = members.first; member < members.end; member++) {
        bool is_id = member->field == FIELD_generation_id || member->field == FIELD_user_id;
        if (is_id && !with_ids)
            continue;
        bool present = encode_field(event, &FIELDS[member->field], out);
        must(present || !member->required || !with_ids);
    }
    close_object(out, start);
}

void event_encode(const struct event *event, struct text *out)
{
    must(event->type < EVENT_TYPE_COUNT);
    size_t start = out->length;
    encode_members(event, true, out);
    if (event->type == EVENT_TOKENS_ENTRY)
        must_meet_conditions(event);
    must(out->length - start <= JSON_BYTES_MAX);
}
