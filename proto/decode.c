/* Bytes from outside to struct event: whole, or an error that its sender can act on. Nothing here asserts on
 * input. */
#include "proto/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"

#define SLOT(event, type, field) ((type *)((char *)(event) + (field)->offset))

/* What a decoded event's strings live in. */
struct memory { struct json *root; struct text context; };

void event_clear(struct event *event)
{
    struct memory *memory = event->memory;
    if (!memory)
        return;
    json_free(&memory->root);
    text_free(&memory->context);
    free(memory);
    event->memory = NULL;
}

static bool decode_text(struct event *event, const struct field *field, const struct json *value,
                        struct blame *blame)
{
    size_t length;
    const char *text = json_string(value, &length);
    if (!text)
        return blame_type(blame, field, value);
    if (!field_takes_text(field, text, length))
        return blame_range(blame, field, value);
    if (field->kind == KIND_LABEL)
        memcpy(SLOT(event, char, field), text, length + 1);
    else
        *SLOT(event, const char *, field) = text;
    return true;
}

static bool decode_integer(struct event *event, const struct field *field, const struct json *value,
                           struct blame *blame)
{
    int64_t number;
    if (!json_integer(value, &number))
        return blame_type(blame, field, value);
    if (!field_takes_integer(field, number))
        return blame_range(blame, field, value);
    *SLOT(event, int64_t, field) = number;
    return true;
}

static bool decode_time(struct event *event, const struct field *field, const struct json *value,
                        struct blame *blame)
{
    size_t length;
    const char *text = json_string(value, &length);
    int64_t wall_ms;
    if (!text)
        return blame_type(blame, field, value);
    /* RFC 3339 allows t and z, but advises against them; the schema's pattern has neither. */
    if (strlen(text) != length || strpbrk(text, "tz") || !clock_parse(text, &wall_ms)
        || !field_takes_integer(field, wall_ms))
        return blame_range(blame, field, value);
    *SLOT(event, int64_t, field) = wall_ms;
    return true;
}

static bool decode_number(struct event *event, const struct field *field, const struct json *value,
                          struct blame *blame)
{
    double number;
    if (!json_number(value, &number))
        return blame_type(blame, field, value);
    if (!field_takes_number(field, number))
        return blame_range(blame, field, value);
    *SLOT(event, double, field) = number;
    return true;
}

static bool decode_outputs(struct event *event, const struct field *field, const struct json *value,
                           struct blame *blame)
{
    if (json_kind(value) != JSON_ARRAY)
        return blame_type(blame, field, value);
    size_t count = json_count(value);
    if (count > (size_t)field->most)
        return blame_range(blame, field, value);
    for (size_t i = 0; i < count; i++) {
        const struct json *item = json_at(value, i);
        size_t length;
        event->outputs[i] = json_string(item, &length);
        blame->index = (int)i;
        if (!event->outputs[i])
            return blame_type(blame, field, item);
        if (!output_takes(event->outputs[i], length))
            return blame_range(blame, field, item);
    }
    blame->index = -1;
    event->output_count = (int)count;
    return true;
}

static bool decode_context(struct event *event, const struct field *field, const struct json *value,
                           struct blame *blame)
{
    if (json_kind(value) != JSON_OBJECT)
        return blame_type(blame, field, value);
    struct memory *memory = event->memory;
    json_dump(value, &memory->context);
    *SLOT(event, const char *, field) = memory->context.bytes;
    return true;
}

static bool decode_field(struct event *event, const struct field *field, const struct json *value,
                         struct blame *blame);

static bool decode_object(struct event *event, const struct field *field, const struct json *value,
                          struct blame *blame)
{
    if (json_kind(value) != JSON_OBJECT)
        return blame_type(blame, field, value);
    const struct object *object = object_of((enum kind)field->kind);
    blame->parent = field->name;
    for (const struct field *part = PARTS + object->first; part < PARTS + object->end; part++) {
        const struct json *member = json_get(value, part->name);
        if (member ? !decode_field(event, part, member, blame)
                   : part->required && !blame_missing(blame, part))
            return false;
    }
    blame->parent = NULL;
    *(bool *)((char *)event + object->present) = true;
    return true;
}

static bool decode_field(struct event *event, const struct field *field, const struct json *value,
                         struct blame *blame)
{
    switch ((enum kind)field->kind) {
    case KIND_ID:
    case KIND_WORD:
    case KIND_URL:
    case KIND_TEXT:
    case KIND_PROSE:
    case KIND_ENTRY:
    case KIND_CODE:
    case KIND_LABEL:
        return decode_text(event, field, value, blame);
    case KIND_INTEGER: case KIND_AMOUNT: case KIND_SPAN:
        return decode_integer(event, field, value, blame);
    case KIND_TIME: case KIND_STAMP:
        return decode_time(event, field, value, blame);
    case KIND_NUMBER:
        return decode_number(event, field, value, blame);
    case KIND_OUTPUTS:
        return decode_outputs(event, field, value, blame);
    case KIND_CONTEXT:
        return decode_context(event, field, value, blame);
    case KIND_QUOTE: case KIND_BALANCE: case KIND_ERROR: case KIND_TIMINGS:
        return decode_object(event, field, value, blame);
    }
    unreachable();
}

static bool decode_members(struct event *event, const struct json *data, struct blame *blame)
{
    struct members members = members_of(event->type);
    for (const struct member *member = members.first; member < members.end; member++) {
        const struct field *field = &FIELDS[member->field];
        const struct json *value = json_get(data, field->name);
        if (value ? !decode_field(event, field, value, blame)
                  : member->required && !blame_missing(blame, field))
            return false;
    }
    if (event->type != EVENT_TOKENS_ENTRY)
        return true;
    for (size_t i = 0; i < CONDITION_COUNT; i++) {
        const struct field *field = &FIELDS[CONDITIONS[i].field];
        if (strcmp(CONDITIONS[i].kind, event->kind) == 0 && !json_get(data, field->name))
            return blame_missing(blame, field);
    }
    return true;
}

/* The ids that are fit to be named in a rejection; nothing else of the event is left standing. */
static bool salvage_ids(struct event *event, const struct json *data)
{
    static const uint8_t ids[] = { FIELD_generation_id, FIELD_grant_id, FIELD_user_id, FIELD_project_id };
    void *memory = event->memory;
    event_init(event, event->type);
    event->memory = memory;
    bool belongs[FIELD_COUNT] = { false };
    struct members members = members_of(event->type);
    for (const struct member *member = members.first; member < members.end; member++)
        belongs[member->field] = true;
    for (size_t i = 0; i < sizeof ids; i++) {
        const struct field *field = &FIELDS[ids[i]];
        size_t length;
        const char *text = belongs[ids[i]] ? json_string(json_get(data, field->name), &length) : NULL;
        if (text && id_valid(text, length))
            *SLOT(event, const char *, field) = text;
    }
    return event->user_id && (event->generation_id || event->grant_id);
}

enum decode event_decode(const struct event_source *source, struct event *event, struct decode_error *error)
{
    event_init(event, 0);
    *error = (struct decode_error){ .reason = "" };
    struct memory *memory = xcalloc(1, sizeof *memory);
    event->memory = memory;

    const struct json *data;
    struct blame blame = { .error = error, .index = -1 };
    enum decode decoded = DECODE_MALFORMED;
    if (envelope_open(source, &memory->root, &event->type, &data, &blame)) {
        if (decode_members(event, data, &blame))
            return DECODE_OK;
        if (salvage_ids(event, data))
            decoded = DECODE_INVALID;
    }
    if (decoded == DECODE_MALFORMED) {
        event_clear(event);
        event_init(event, event->type);
    }
    return decoded;
}
