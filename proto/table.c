#include "proto/table.h"

#include <string.h>

#include "json/json.h"

#define LOG_APPEND true
#define CREATE false
const struct topic_row TOPICS[TOPIC_COUNT] = {
#define TOPIC(name, suffix, key, partitions, retention_ms, clock) \
    [TOPIC_##name] = { suffix, TOPIC_KEY_##key, partitions, retention_ms, clock },
#include "proto/events.def"
};

const struct event_row EVENTS[EVENT_TYPE_COUNT] = {
#define MESSAGE(name, type, topic) [EVENT_##name] = { type, TOPIC_##topic },
#include "proto/events.def"
};

#define REQUIRED true
#define OPTIONAL false
#define ROW(wire, of_kind, is_required, member, at_least, at_most) { \
        .name = wire, .quoted = ",\"" wire "\":", .quoted_length = sizeof ",\"" wire "\":" - 1, \
        .kind = KIND_##of_kind, .required = is_required, .offset = offsetof(struct event, member), \
        .least = at_least, .most = at_most }

const struct field FIELDS[FIELD_COUNT] = {
#define FIELD(member, wire, kind, least, most) [FIELD_##member] = ROW(wire, kind, false, member, least, most),
#include "proto/events.def"
};

const struct field PARTS[] = {
#define PART(object, member, wire, kind, least, most, presence)                                              \
    ROW(wire, kind, presence, object.member, least, most),
#include "proto/events.def"
};

/* PARTS counted while compiling: one enumerator a row, so the first of an object is that object's first
 * row. */
enum part_index {
#define PART(object, member, wire, kind, least, most, presence) PART_##object##_##member,
#include "proto/events.def"
    PART_COUNT
};
_Static_assert(sizeof PARTS / sizeof PARTS[0] == PART_COUNT, "one row, one index");

const struct object *object_of(enum kind kind)
{
#define OBJECT(name, first, end) { offsetof(struct event, has_##name), PART_##first, end }
    static const struct object objects[] = {
        [0] = OBJECT(quote, quote_model, PART_balance_granted),
        [KIND_BALANCE - KIND_QUOTE] = OBJECT(balance, balance_granted, PART_error_code),
        [KIND_ERROR - KIND_QUOTE] = OBJECT(error, error_code, PART_timings_accepted_at_ms),
        [KIND_TIMINGS - KIND_QUOTE] = OBJECT(timings, timings_accepted_at_ms, PART_COUNT),
    };
    return kind >= KIND_QUOTE ? &objects[kind - KIND_QUOTE] : NULL;
}

static const struct member MEMBERS[] = {
#define HAS(message, field, presence) { FIELD_##field, presence },
#include "proto/events.def"
};

/* Where each message's rows begin in MEMBERS: a MESSAGE row takes the index of the HAS row that follows
 * it. */
enum member_index {
#define MESSAGE(name, type, topic) FIRST_##name, BEFORE_##name = FIRST_##name - 1,
#define HAS(message, field, presence) AT_##message##_##field,
#include "proto/events.def"
    MEMBER_COUNT
};
_Static_assert(sizeof MEMBERS / sizeof MEMBERS[0] == MEMBER_COUNT, "one row, one index");

struct members members_of(enum event_type type)
{
    static const uint16_t first[EVENT_TYPE_COUNT + 1] = {
#define MESSAGE(name, type, topic) [EVENT_##name] = FIRST_##name,
#include "proto/events.def"
        [EVENT_TYPE_COUNT] = MEMBER_COUNT,
    };
    return (struct members){ MEMBERS + first[type], MEMBERS + first[type + 1] };
}

const struct choice CHOICES[] = {
#define CHOICE(kind, value) { KIND_##kind, value },
#include "proto/events.def"
};
const size_t CHOICE_COUNT = sizeof CHOICES / sizeof CHOICES[0];

const struct condition CONDITIONS[] = {
#define WHEN(message, kind, field) { EVENT_##message, kind, FIELD_##field },
#include "proto/events.def"
};
const size_t CONDITION_COUNT = sizeof CONDITIONS / sizeof CONDITIONS[0];

/* What we write must be readable to us: the messages that can grow, all the rest of them at its longest. */
_Static_assert(PROMPT_CHARACTERS_MAX * 4 + 4096 <= JSON_BYTES_MAX, "a job with the longest prompt and image");
_Static_assert(EVENT_OUTPUTS_MAX * EVENT_OUTPUT_BYTES_MAX + 4096 <= JSON_BYTES_MAX,
               "a completion with all its outputs");
_Static_assert(2000 * 4 + CONTEXT_BYTES_MAX + 4096 <= JSON_BYTES_MAX, "a failure with its words and context");
