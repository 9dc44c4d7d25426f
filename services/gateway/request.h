/* One call of the API on its way: who calls, what its path holds, and how it is answered. */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include "gateway/gateway.h"

#include "json/json.h"
#include "json/out.h"

enum role { ROLE_USER, ROLE_SUPPORT, ROLE_ADMIN, ROLE_NONE };
extern const char *const ROLE_NAMES[];

enum { PATH_PARTS_MAX = 2 };

struct request {
    struct gateway *gateway;
    const struct http_call *call;
    struct http_reply *reply;
    struct bearer_claims claims;         /* of the caller */
    enum role role;
    char id[UUID_BYTES];
    char parts[PATH_PARTS_MAX][ID_LENGTH_MAX + 1];      /* what stands for the {} of the route's pattern */
};

/* ---- answers; each is the last word on a request. The reply's text must be empty before. */

struct text *request_json(struct request *request, int status);      /* write the body into it */

enum problem { PROBLEM_BAD_REQUEST, PROBLEM_UNAUTHORIZED, PROBLEM_INSUFFICIENT_TOKENS, PROBLEM_FORBIDDEN,
               PROBLEM_NOT_FOUND, PROBLEM_VALIDATION, PROBLEM_GENERATION, PROBLEM_PROCESSING,
               PROBLEM_INTERNAL, PROBLEM_COUNT };
struct problem_row { const char *code, *title, *help; int status; };
extern const struct problem_row PROBLEMS[PROBLEM_COUNT];

/* problem+json. status 0: the usual one of that problem. */
void request_refuse(struct request *request, enum problem problem, int status, const char *detail);
/* The same, left open for more members: end it with out_close(text, '}'). */
struct text *request_problem(struct request *request, enum problem problem, int status, const char *detail);
/* 422 with one error; where: "pointer", "header" or "parameter". */
void request_invalid(struct request *request, const char *where, const char *what, const char *detail);
/* 503 with Retry-After. */
void request_retry(struct request *request, const char *detail);
void request_redis_away(struct request *request);
void request_kafka_away(struct request *request);

/* ---- what a request brings; false: answered already */

/* limit: 1 to 200, 20 when there is none. */
bool request_limit(struct request *request, int *limit);
/* A query parameter between least and most; *number keeps its value when there is none. */
bool request_number(struct request *request, const char *name, int64_t least, int64_t most, int64_t *number);
/* A query parameter of at most bytes_max bytes; *text is NULL when there is none. */
bool request_text(struct request *request, const char *name, size_t bytes_max, const char **text);
/* One of choices ("a|b"); *choice is its number, and keeps its value when there is none. */
bool request_choice(struct request *request, const char *name, const char *choices, int *choice);
/* The body as an object whose members are all among names ("a|b"). Given: json_free. NULL: answered
 * already. */
struct json *request_body(struct request *request, const char *names);
/* The Idempotency-Key, without the quotes that it may stand in. */
bool request_key(struct request *request, char key[256]);

#endif
