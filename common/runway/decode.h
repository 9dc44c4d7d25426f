/* Runway's answers, read: untrusted bytes in, checked values out. Unknown members are ignored. Private to
 * common/runway; pure, and what the fuzzer feeds. */
#ifndef RUNWAY_DECODE_H
#define RUNWAY_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "json/json.h"
#include "runway/runway.h"

enum { RUNWAY_ANSWER_BYTES_MAX = 256 * 1024,     /* sixteen output URLs with long signatures, and room */
       RUNWAY_STATUS_BYTES_MAX = 64, RUNWAY_URL_BYTES_MAX = 8 * 1024 };

bool task_id_valid(const char *id);              /* fit to stand in a path */

struct decoded_create { struct json *root; const char *task_id; double estimated_credits; };
/* task_id is NULL when there is no usable one. End it with json_free(&decoded.root), always. */
struct decoded_create decode_create(const char *body, size_t length);

/* Fills status, progress, outputs, failure and credits. false: not a task, or another one than task_id. What
 * is filled is lent by *root, which the caller frees in any case. */
bool decode_task(const char *body, size_t length, const char *task_id, struct runway_look_answer *answer,
                 struct json **root);

/* Fills credit_balance and the models. false: no organization. */
bool decode_organization(const char *body, size_t length, struct runway_organization_answer *answer);

/* Given: free(*rows). false: no usage; a row that can't be read makes all of it unreadable, as a sum without it would lie. */
bool decode_usage(const char *body, size_t length, struct runway_usage_row **rows, size_t *count);

#endif
