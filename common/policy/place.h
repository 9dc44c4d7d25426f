/* Reading a strict JSON file: where in it we are, and the one line that says what is wrong there. Each
 * reader answers false once the line is written, and the first line stands. */
#ifndef POLICY_PLACE_H
#define POLICY_PLACE_H

#include "json/json.h"
#include "policy/policy.h"

enum { PLACE_BYTES = 120 };

struct place {
    const char *file;
    char path[PLACE_BYTES];          /* $.models["gen4.5"].text */
    size_t length;
    char *error;                     /* POLICY_ERROR_BYTES */
};

/* Reads a member (value NULL when it is absent) in its place. */
typedef bool place_reader(struct place *place, const struct json *value, void *into);
bool place_member(struct place *place, const struct json *object, const char *name, place_reader *read,
                  void *into);

/* Into a member, and back out with what it returned. */
size_t place_enter(struct place *place, const char *name);
size_t place_enter_item(struct place *place, size_t index);
void place_leave(struct place *place, size_t length);

/* "FILE: PATH is VALUE; allowed is ALLOWED" */
bool place_wrong(struct place *place, const struct json *value, const char *allowed);

/* An object with no other members than these (NULL-ended). */
bool place_object(struct place *place, const struct json *value, const char *const *names);

/* A member of the object: of that type and within these limits, or the line is written. */
bool place_integer(struct place *place, const struct json *object, const char *name, int64_t least,
                   int64_t most, int64_t *out);
bool place_word(struct place *place, const struct json *value,
                const char **out); /* 1 to 64 printable ASCII */

#endif
