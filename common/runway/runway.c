#include "runway/runway.h"

#include <stdlib.h>
#include <string.h>

#include "runway/classify.h"
#include "runway/decode.h"
#include "runway/request.h"
#include "runway/words.h"

#include "base/ids.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"

enum { CONNECT_TIMEOUT_MS = 10000, OWN_HEADERS = 4 };

/* A call under way: what its answer needs. In a list, since closing drops open calls without an answer. */
struct pending {
    struct runway *runway;
    struct pending *next, *previous;
    union { runway_create_done *create; runway_look_done *look; runway_cancel_done *cancel;
            runway_organization_done *organization; runway_usage_done *usage; } done;
    void *self, *tag;
    char task_id[];                      /* of look and cancel */
};

struct runway {
    struct http_client *http;
    char *base_url;
    char *headers[OWN_HEADERS + RUNWAY_EXTRA_HEADERS_MAX + 1];      /* NULL-ended; the first only beside a body */
    int create_timeout_ms, look_timeout_ms;
    struct pending *pending;
};

/* ---- open and close */

struct runway *runway_open(const struct runway_config *config, struct http_client *http)
{
    must(!runway_config_flaw(config));
    struct runway *runway = xcalloc(1, sizeof *runway);
    *runway = (struct runway){ .http = http, .base_url = xstrdup(config->base_url),
                               .create_timeout_ms = config->create_timeout_ms,
                               .look_timeout_ms = config->look_timeout_ms };
    size_t length = strlen(runway->base_url), count = 0;
    while (length > 0 && runway->base_url[length - 1] == '/') runway->base_url[--length] = '\0';
    struct text bearer = { 0 };
    text_printf(&bearer, "Authorization: Bearer %s", config->key);
    runway->headers[count++] = xstrdup("Content-Type: application/json");
    runway->headers[count++] = bearer.bytes;
    runway->headers[count++] = xstrdup("X-Runway-Version: 2024-11-06");
    runway->headers[count++] = xstrdup("Accept: application/json");
    for (const char *const *header = config->extra_headers; header && *header; header++)
        runway->headers[count++] = xstrdup(*header);
    return runway;
}

static struct pending *pending_open(struct runway *runway, const char *task_id, void *self, void *tag)
{
    size_t length = task_id ? strlen(task_id) : 0;
    struct pending *pending = xcalloc(1, sizeof *pending + length + 1);
    pending->runway = runway;
    pending->self = self;
    pending->tag = tag;
    if (task_id) memcpy(pending->task_id, task_id, length);
    pending->next = runway->pending;
    if (pending->next) pending->next->previous = pending;
    runway->pending = pending;
    return pending;
}

static void pending_close(struct pending *pending)
{
    if (pending->next) pending->next->previous = pending->previous;
    if (pending->previous) pending->previous->next = pending->next;
    else pending->runway->pending = pending->next;
    free(pending);
}

void runway_close(struct runway **runway)
{
    if (!*runway) return;
    while ((*runway)->pending) {
        must(!(*runway)->pending->previous);      /* it is the first: closing it moves the list on */
        pending_close((*runway)->pending);
    }
    for (size_t i = 0; (*runway)->headers[i]; i++) {
        explicit_bzero((*runway)->headers[i], strlen((*runway)->headers[i]));      /* the key is among them */
        free((*runway)->headers[i]);
    }
    free((*runway)->base_url);
    free(*runway);
    *runway = NULL;
}

/* ---- asking */

static void send_request(struct runway *runway, struct http_request *request, const char *path,
                         const char *task_id, http_done *done, struct pending *pending)
{
    struct text url = { 0 };
    text_printf(&url, "%s%s%s", runway->base_url, path, task_id ? task_id : "");
    request->url = url.bytes;
    request->headers = (const char *const *)runway->headers + (request->body ? 0 : 1);
    request->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    request->answer_cap_bytes = RUNWAY_ANSWER_BYTES_MAX;
    http_client_start(runway->http, request, done, NULL, pending);
    text_free(&url);
}

/* Words for an answer that is not the hoped-for one. */
static const char *explain(struct words *words, const struct http_answer *answer)
{
    if (answer->end != HTTP_ANSWERED) words_set(words, answer->reason);
    else words_read(words, answer->status, answer->body, answer->body_length);
    return words->text;
}

/* ---- create */

static void on_created(void *self, void *tag, const struct http_answer *answer)
{
    (void)self;
    struct pending *pending = tag;
    struct words words = { 0 };
    struct decoded_create decoded = { .estimated_credits = -1 };
    if (answer->end == HTTP_ANSWERED && status_is_success(answer->status))
        decoded = decode_create(answer->body, answer->body_length);
    if (!decoded.task_id) explain(&words, answer);
    const struct create_facts facts = { .end = answer->end, .status = answer->status,
                                        .has_task_id = decoded.task_id != NULL,
                                        .no_credits = words.no_credits };
    const struct runway_create_answer told = {
        .created = classify_create(&facts), .status = answer->status, .task_id = decoded.task_id,
        .estimated_credits = decoded.estimated_credits, .message = decoded.task_id ? NULL : words.text,
        .daily_limit = answer->end == HTTP_ANSWERED && answer->status == 429,
        .retry_after_ms = answer->retry_after_ms, .duration_ms = answer->duration_ms };
    pending->done.create(pending->self, pending->tag, &told);
    json_free(&decoded.root);
    pending_close(pending);
}

void runway_create(struct runway *runway, const struct runway_request *request, runway_create_done *done,
                   void *self, void *tag)
{
    struct pending *pending = pending_open(runway, NULL, self, tag);
    struct text body = { 0 };
    pending->done.create = done;
    request_body(request, &body);
    struct http_request post = { .method = "POST", .body = body.bytes, .body_length = body.length,
                                 .timeout_ms = runway->create_timeout_ms, .fresh = true };
    send_request(runway, &post, request_path(request), NULL, on_created, pending);
    text_free(&body);
}

/* ---- look */

static void on_looked(void *self, void *tag, const struct http_answer *answer)
{
    (void)self;
    struct pending *pending = tag;
    struct words words = { 0 }, failure = { 0 };
    struct json *root = NULL;
    struct runway_look_answer told = {
        .status = RUNWAY_STATUS_UNKNOWN, .http_status = answer->status, .progress = -1, .credits = -1,
        .retry_after_ms = answer->retry_after_ms, .duration_ms = answer->duration_ms };
    bool readable = answer->end == HTTP_ANSWERED && status_is_success(answer->status) &&
                    decode_task(answer->body, answer->body_length, pending->task_id, &told, &root);
    told.look = classify_look(answer->end, answer->status, readable);
    if (!readable) told.message = explain(&words, answer);
    if (told.failure) {
        words_set(&failure, told.failure);
        told.failure = failure.text;
    }
    pending->done.look(pending->self, pending->tag, &told);
    json_free(&root);
    pending_close(pending);
}

void runway_look(struct runway *runway, const char *task_id, runway_look_done *done, void *self, void *tag)
{
    must(id_valid(task_id, strlen(task_id)));
    struct pending *pending = pending_open(runway, task_id, self, tag);
    pending->done.look = done;
    struct http_request get = { .method = "GET", .timeout_ms = runway->look_timeout_ms };
    send_request(runway, &get, "/v1/tasks/", task_id, on_looked, pending);
}

/* ---- cancel */

static void on_cancelled(void *self, void *tag, const struct http_answer *answer)
{
    (void)self;
    struct pending *pending = tag;
    struct words words = { 0 };
    bool answered = answer->end == HTTP_ANSWERED, missing = answered && answer->status == 404;
    struct runway_cancel_answer told = {
        .missing = missing, .acknowledged = missing || (answered && status_is_success(answer->status)),
        .operator_trouble = answered && status_is_operators_trouble(answer->status),
        .http_status = answer->status, .retry_after_ms = answer->retry_after_ms };
    if (!told.acknowledged) told.message = explain(&words, answer);
    pending->done.cancel(pending->self, pending->tag, &told);
    pending_close(pending);
}

void runway_cancel(struct runway *runway, const char *task_id, runway_cancel_done *done, void *self,
                   void *tag)
{
    must(id_valid(task_id, strlen(task_id)));
    struct pending *pending = pending_open(runway, task_id, self, tag);
    pending->done.cancel = done;
    struct http_request request = { .method = "DELETE", .timeout_ms = runway->look_timeout_ms };
    send_request(runway, &request, "/v1/tasks/", task_id, on_cancelled, pending);
}

/* ---- organization */

static void on_organization(void *self, void *tag, const struct http_answer *answer)
{
    (void)self;
    struct pending *pending = tag;
    struct words words = { 0 };
    bool answered = answer->end == HTTP_ANSWERED;
    struct runway_organization_answer told = {
        .operator_trouble = answered && status_is_operators_trouble(answer->status),
        .http_status = answer->status };
    told.answered = answered && status_is_success(answer->status) &&
                    decode_organization(answer->body, answer->body_length, &told);
    if (!told.answered) told.message = explain(&words, answer);
    pending->done.organization(pending->self, pending->tag, &told);
    pending_close(pending);
}

void runway_organization(struct runway *runway, runway_organization_done *done, void *self, void *tag)
{
    struct pending *pending = pending_open(runway, NULL, self, tag);
    pending->done.organization = done;
    struct http_request get = { .method = "GET", .timeout_ms = runway->look_timeout_ms };
    send_request(runway, &get, "/v1/organization", NULL, on_organization, pending);
}

/* ---- usage */

static void on_usage(void *self, void *tag, const struct http_answer *answer)
{
    (void)self;
    struct pending *pending = tag;
    struct words words = { 0 };
    struct runway_usage_row *rows = NULL;
    struct runway_usage_answer told = { .http_status = answer->status };
    told.answered = answer->end == HTTP_ANSWERED && status_is_success(answer->status) &&
                    decode_usage(answer->body, answer->body_length, &rows, &told.count);
    told.rows = rows;
    if (!told.answered) {
        told.count = 0;
        told.message = explain(&words, answer);
    }
    pending->done.usage(pending->self, pending->tag, &told);
    free(rows);
    pending_close(pending);
}

void runway_usage(struct runway *runway, const struct runway_usage_span *span, runway_usage_done *done, void *self,
                  void *tag)
{
    struct pending *pending = pending_open(runway, NULL, self, tag);
    struct text body = { 0 };
    pending->done.usage = done;
    text_printf(&body, "{\"startDate\":\"%s\",\"beforeDate\":\"%s\"}", span->from, span->before);
    struct http_request post = { .method = "POST", .body = body.bytes, .body_length = body.length,
                                 .timeout_ms = runway->look_timeout_ms };
    send_request(runway, &post, "/v1/organization/usage", NULL, on_usage, pending);
    text_free(&body);
}
