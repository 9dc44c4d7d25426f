#include "gateway/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/prose.h"

const char *const ROLE_NAMES[] = { "user", "support", "admin" };

const struct problem_row PROBLEMS[PROBLEM_COUNT] = {
    [PROBLEM_BAD_REQUEST] = { ERROR_BAD_REQUEST, "Not understood",
        "The request can't be read as it is. detail says what is wrong; sending it again won't help.", 400 },
    [PROBLEM_UNAUTHORIZED] = { "unauthorized", "Not signed in",
        "A bearer token is missing, has expired or was not made for this service. Sign in again.", 401 },
    [PROBLEM_INSUFFICIENT_TOKENS] = { ERROR_INSUFFICIENT_TOKENS, "Not enough tokens",
        "requiredTokens are needed and currentBalance are there. Nothing was reserved. Buy tokens, then "
        "ask again with a new Idempotency-Key.", 402 },
    [PROBLEM_FORBIDDEN] = { "forbidden", "Not allowed", "Your role may not do this.", 403 },
    [PROBLEM_NOT_FOUND] = { "not_found", "Not found", "There is no such thing, or it is somebody else's.",
        404 },
    [PROBLEM_VALIDATION] = { ERROR_VALIDATION, "Not valid",
        "errors names each field, header or parameter, and what is allowed there.", 422 },
    [PROBLEM_GENERATION] = { ERROR_GENERATION, "No video",
        "The provider could not make this video. What was reserved has been released.", 502 },
    [PROBLEM_PROCESSING] = { ERROR_PROCESSING, "Try again",
        "A part of the service does not answer. Come again after Retry-After with the same "
        "Idempotency-Key: nothing is done twice.", 503 },
    [PROBLEM_INTERNAL] = { ERROR_INTERNAL, "Our mistake", "Something went wrong on our side.", 500 },
};

/* ---- answers */

struct text *request_json(struct request *request, int status)
{
    request->reply->status = status;
    return &request->reply->text;
}

struct text *request_problem(struct request *request, enum problem problem, int status, const char *detail)
{
    const struct problem_row *row = &PROBLEMS[problem];
    struct text *out = &request->reply->text;
    char type[64];
    snprintf(type, sizeof type, "/problems/%s", row->code);
    text_clear(out);
    request->reply->status = status ? status : row->status;
    request->reply->content_type = "application/problem+json";
    out_open(out, NULL, '{');
    out_text(out, "type", type);
    out_text(out, "title", row->title);
    out_number(out, "status", request->reply->status);
    text_add_string(out, ",\"detail\":");
    prose_add_json(out, detail, 1000);           /* may quote what was sent */
    out_text(out, "instance", request->id);
    out_text(out, "code", row->code);
    return out;
}

void request_refuse(struct request *request, enum problem problem, int status, const char *detail)
{
    out_close(request_problem(request, problem, status, detail), '}');
}

void request_invalid(struct request *request, const char *where, const char *what, const char *detail)
{
    struct text *out = request_problem(request, PROBLEM_VALIDATION, 0, detail);
    out_open(out, "errors", '[');
    out_open(out, NULL, '{');
    text_add_json(out, where, strlen(where));
    text_add_char(out, ':');
    prose_add_json(out, what, 200);
    text_add_string(out, ",\"detail\":");
    prose_add_json(out, detail, 1000);
    out_close(out, '}');
    out_close(out, ']');
    out_close(out, '}');
}

void request_retry(struct request *request, const char *detail)
{
    http_reply_header(request->reply, "Retry-After", "2");
    request_refuse(request, PROBLEM_PROCESSING, 0, detail);
}

void request_redis_away(struct request *request)
{
    request_retry(request, "The token service does not answer. Nothing was charged; try again.");
}

void request_kafka_away(struct request *request)
{
    request_retry(request,
                  "The message service does not answer. Try again with the same Idempotency-Key: nothing "
                  "is done twice.");
}

/* ---- what a request brings */

bool request_number(struct request *request, const char *name, int64_t least, int64_t most, int64_t *number)
{
    const char *given = http_call_query(request->call, name);
    char detail[160];
    if (!given)
        return true;
    size_t digits = strspn(given, "0123456789");
    int64_t value = digits > 0 && digits <= 18 && given[digits] == '\0' ? strtoll(given, NULL, 10) : -1;
    if (value >= least && value <= most) {
        *number = value;
        return true;
    }
    snprintf(detail, sizeof detail, "%s must be a whole number from %" PRId64 " to %" PRId64, name, least,
             most);
    request_invalid(request, "parameter", name, detail);
    return false;
}

bool request_text(struct request *request, const char *name, size_t bytes_max, const char **text)
{
    char detail[80];
    *text = http_call_query(request->call, name);
    if (!*text || strlen(*text) <= bytes_max)
        return true;
    snprintf(detail, sizeof detail, "%.20s must have at most %zu bytes", name, bytes_max);
    request_invalid(request, "parameter", name, detail);
    return false;
}

bool request_limit(struct request *request, int *limit)
{
    int64_t number = 20;
    if (!request_number(request, "limit", 1, 200, &number))
        return false;
    *limit = (int)number;
    return true;
}

/* The number of word among words ("a|b|c"), or -1. */
static int find_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (int number = 0; words; number++) {
        const char *bar = strchr(words, '|');
        size_t here = bar ? (size_t)(bar - words) : strlen(words);
        if (here == length && memcmp(words, word, length) == 0)
            return number;
        words = bar ? bar + 1 : NULL;
    }
    return -1;
}

bool request_choice(struct request *request, const char *name, const char *choices, int *choice)
{
    const char *given = http_call_query(request->call, name);
    char detail[200];
    if (!given)
        return true;
    int found = find_word(choices, given);
    if (found >= 0) {
        *choice = found;
        return true;
    }
    snprintf(detail, sizeof detail, "%s must be one of %s", name, choices);
    request_invalid(request, "parameter", name, detail);
    return false;
}

struct json *request_body(struct request *request, const char *names)
{
    char error[JSON_ERROR_BYTES], detail[256], pointer[96];
    const char *type = http_call_header(request->call, "Content-Type");
    if (type && strncasecmp(type, "application/json", 16) != 0) {
        request_refuse(request, PROBLEM_BAD_REQUEST, 415, "The body must be application/json.");
        return NULL;
    }
    struct json *body = json_parse(request->call->body, request->call->body_length, JSON_BYTES_MAX, error);
    if (!body || json_kind(body) != JSON_OBJECT) {
        snprintf(detail, sizeof detail, "The body must be a JSON object%s%s", body ? "" : ": ",
                 body ? "." : error);
        request_refuse(request, PROBLEM_BAD_REQUEST, 0, detail);
        json_free(&body);
        return NULL;
    }
    const char *name;
    const struct json *value;
    for (void *at = json_next(body, NULL, &name, &value); at; at = json_next(body, at, &name, &value))
        if (find_word(names, name) < 0) {
            snprintf(pointer, sizeof pointer, "/%.80s", name);
            snprintf(detail, sizeof detail, "there is no field %.80s here; there are %.100s", name, names);
            request_invalid(request, "pointer", pointer, detail);
            json_free(&body);
            return NULL;
        }
    return body;
}

/* A quoted string of structured fields, or the bare form that many clients send. */
static bool read_key(const char *given, char key[256])
{
    size_t length = strlen(given);
    bool quoted = length >= 2 && given[0] == '"' && given[length - 1] == '"';
    if (quoted) {
        given++;
        length -= 2;
    }
    if (length == 0 || length > 255)
        return false;
    for (size_t i = 0; i < length; i++)
        if (given[i] <= ' ' || given[i] > '~' || given[i] == '"' || given[i] == '\\')
            return false;
    snprintf(key, 256, "%.*s", (int)length, given);
    return true;
}

bool request_key(struct request *request, char key[256])
{
    const char *given = http_call_header(request->call, "Idempotency-Key");
    if (!given)
        request_refuse(request, PROBLEM_BAD_REQUEST, 0,
                       "The header Idempotency-Key is missing: make one before sending, and keep it.");
    else if (!read_key(given, key))
        request_refuse(request, PROBLEM_BAD_REQUEST, 0,
                       "Idempotency-Key must be 1 to 255 printable characters without space, quote and "
                       "backslash.");
    else
        return true;
    return false;
}
