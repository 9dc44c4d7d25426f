/* The rows of events.def as data: what encoder, decoder and the contract test loop over. Private to proto/
 * and tests. */
#ifndef PROTO_TABLE_H
#define PROTO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

enum kind {
    KIND_ID,         /* const char *: id_valid() */
    KIND_WORD,       /* const char *: printable ASCII without space, quote and backslash: needs no escapes */
    KIND_URL,        /* const char *: a word that begins with https:// */
    KIND_TEXT,       /* const char *: any characters, of control characters only tab, LF and CR */
    KIND_PROSE,      /* const char *: as TEXT; the encoder makes it fit */
    KIND_CONTEXT,    /* const char *: a JSON object as text */
    KIND_ENTRY,      /* const char *: one of the CHOICE rows of ENTRY */
    KIND_CODE,       /* const char *: one of the CHOICE rows of CODE */
    KIND_LABEL,      /* char[65] inside the struct: as WORD, and never absent */
    KIND_INTEGER,    /* int64_t */
    KIND_AMOUNT,     /* int64_t, not 0 */
    KIND_TIME,       /* int64_t wall ms; RFC 3339 on the wire */
    KIND_STAMP,      /* as TIME; 0: absent */
    KIND_SPAN,       /* int64_t ms, made by the encoder */
    KIND_NUMBER,     /* double */
    KIND_OUTPUTS,    /* const char *[] */
    KIND_QUOTE,      /* the objects: object_of() says where their parts are */
    KIND_BALANCE,
    KIND_ERROR,
    KIND_TIMINGS,
};

struct field {
    const char *name;                /* on the wire */
    const char *quoted;              /* ,"name": with its comma */
    uint8_t quoted_length;
    uint8_t kind;                    /* enum kind */
    bool required;                   /* of a part; a message's field is required by its row in MEMBERS */
    uint16_t offset;                 /* in struct event, parts too */
    int64_t least, most;
};

enum field_index {
#define FIELD(member, wire, kind, least, most) FIELD_##member,
#include "proto/events.def"
    FIELD_COUNT
};
extern const struct field FIELDS[FIELD_COUNT];

/* The parts of an object are PARTS[first] up to PARTS[end - 1]; present tells where its has_ flag is. */
struct object { uint16_t present; uint8_t first, end; };
extern const struct field PARTS[];
const struct object *object_of(enum kind kind);      /* NULL: that kind is no object */

struct member { uint8_t field; bool required; };
struct members { const struct member *first, *end; };
struct members members_of(enum event_type type);

struct choice { enum kind kind; const char *value; };
extern const struct choice CHOICES[];
extern const size_t CHOICE_COUNT;

struct condition { enum event_type type; const char *kind; uint8_t field; };
extern const struct condition CONDITIONS[];
extern const size_t CONDITION_COUNT;

/* May these stand in that field? Both directions ask the same. */
bool field_takes_text(const struct field *field, const char *text, size_t length);
bool field_takes_integer(const struct field *field, int64_t value);
bool field_takes_number(const struct field *field, double value);
bool output_takes(const char *text, size_t length);

static inline bool kind_is_text(enum kind kind)
{
    return kind <= KIND_LABEL;
}

#endif
