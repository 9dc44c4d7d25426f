/* Between encode.c and fingerprint.c: the members of an event as one JSON object, with generationId and
 * userId (then every required field must be there) or without (then what is there counts: a refused request
 * has a fingerprint too). */
#ifndef PROTO_ENCODE_H
#define PROTO_ENCODE_H

#include <stdbool.h>

#include "proto/table.h"

void encode_members(const struct event *event, bool with_ids, struct text *out);

#endif
