/* A request's body against its model's row. Every fault is an issue in Runway's envelope; the caller answers
 * 400. */
#ifndef SANDBOX_VALIDATE_H
#define SANDBOX_VALIDATE_H

#include "json/json.h"
#include "sandbox/models.h"

#include "base/text.h"

struct issues {
    struct text list;                    /* the members of the JSON array */
    int count;
};
/* path: what stands between the brackets of the JSON path, e.g. "\"promptImage\",0". */
void issue_add(struct issues *issues, const char *code, const char *message, const char *path);

/* runway:// URIs are looked up by the caller's answer. */
struct asset_check { bool (*uploaded)(void *self, const char *runway_uri); void *self; };

/* NULL when the endpoint has no such model, or none was named; an issue says so. Else the row; the body was
 * fine when there is no issue. */
const struct model *validate(const char *endpoint, const struct json *body, const struct asset_check *assets,
                             struct issues *issues);

/* What the task may cost at most. */
int64_t credits_estimated(const struct model *model, const struct json *body);
size_t utf16_units(const char *text);

#endif
