/* Private to the decoder: which message a record is (envelope.c), its members (decode.c), and what to say of
 * a field that is missing or wrong (blame.c). */
#ifndef PROTO_DECODE_H
#define PROTO_DECODE_H

#include "proto/table.h"
#include "json/json.h"

struct blame {
    struct decode_error *error;
    const char *parent;              /* the object that is being read, or NULL */
    int index;                       /* of the item that is being read, or -1 */
};
/* Each fills the error and answers false, so that a reader can end with it. */
bool blame_missing(struct blame *blame, const struct field *field);
bool blame_type(struct blame *blame, const struct field *field, const struct json *value);
bool blame_range(struct blame *blame, const struct field *field, const struct json *value);
bool blame_envelope(struct blame *blame, const char *reason, const char *message);

/* Finds type and data of a record in any of its modes. *root is set as soon as there is one, and the
 * caller's. */
bool envelope_open(const struct event_source *source, struct json **root, enum event_type *type,
                   const struct json **data, struct blame *blame);

#endif
