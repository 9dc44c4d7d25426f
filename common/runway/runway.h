/* Runway's developer API as a video provider (X-Runway-Version 2024-11-06): create, look, cancel, organization. Answers are
 * sorted by what may be done next; nothing above reads an HTTP status. One thread; answers come from http_client_step. */
#ifndef RUNWAY_RUNWAY_H
#define RUNWAY_RUNWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "http/client.h"

struct runway;

struct runway_config {
    const char *base_url;                /* https://api.dev.runwayml.com */
    const char *key;                     /* RUNWAYML_API_SECRET */
    const char *const *extra_headers;    /* "Name: value", NULL-ended; may be NULL */
    int create_timeout_ms;               /* 60000: Runway fetches assets while it answers */
    int look_timeout_ms;                 /* 20000 */
};

struct runway *runway_open(const struct runway_config *config, struct http_client *http);      /* copies config */
void runway_close(struct runway **runway);

/* ---- create: the one paid call. Over a fresh connection that is never reused. Never repeated by this module. */
struct runway_request {
    const char *model, *prompt;
    const char *ratio, *image;           /* image NULL: text_to_video; else image_to_video. ratio may be NULL */
    int64_t duration_seconds;            /* 0: leave out */
    int64_t seed;                        /* -1: leave out */
};
enum runway_created {
    RUNWAY_SUBMITTED,        /* 2xx with an id */
    RUNWAY_NOT_MADE,         /* certainly no task: no connection, not handed over whole, 429, 503 */
    RUNWAY_OPERATOR,         /* 401, 403, 400 "not enough credits": the operator's trouble */
    RUNWAY_REFUSED,          /* any other 4xx: the request's fault, Runway's own words in message */
    RUNWAY_UNKNOWN,          /* handed over whole and anything else: there may be a task */
};
struct runway_create_answer {            /* lent: valid during the call */
    enum runway_created created;
    int status;                          /* HTTP, 0 without one */
    const char *task_id;                 /* SUBMITTED; 1-64 characters of an id */
    double estimated_credits;            /* -1: not said */
    const char *message;                 /* Runway's own words, at most 500 bytes; or ours about the connection */
    bool daily_limit;                    /* 429 on create: usually the daily count, hours long */
    int64_t retry_after_ms;              /* -1: not said */
    int64_t duration_ms;
};
typedef void runway_create_done(void *self, void *tag, const struct runway_create_answer *answer);
void runway_create(struct runway *runway, const struct runway_request *request, runway_create_done *done, void *self,
                   void *tag);

/* ---- look: GET /v1/tasks/{id}. May be repeated. */
enum runway_look {
    RUNWAY_TASK,             /* status and its members are filled */
    RUNWAY_MISSING,          /* 404 */
    RUNWAY_LATER,            /* no answer, cut, 429, 5xx, unreadable: look again later */
    RUNWAY_LOOK_OPERATOR,    /* 401, 403 */
};
enum runway_status { RUNWAY_THROTTLED, RUNWAY_PENDING, RUNWAY_RUNNING, RUNWAY_SUCCEEDED, RUNWAY_FAILED, RUNWAY_CANCELLED,
                     RUNWAY_STATUS_UNKNOWN };
enum { RUNWAY_OUTPUTS_MAX = 16 };
struct runway_look_answer {              /* lent: valid during the call */
    enum runway_look look;
    int http_status;
    enum runway_status status; const char *status_text;
    double progress;                     /* 0..1, -1: not said */
    const char *outputs[RUNWAY_OUTPUTS_MAX]; int output_count;      /* opaque text, untrusted */
    const char *failure, *failure_code;  /* may be NULL */
    double credits;                      /* cost.credits, -1: not said */
    int64_t retry_after_ms;
    const char *message;
    int64_t duration_ms;
};
typedef void runway_look_done(void *self, void *tag, const struct runway_look_answer *answer);
void runway_look(struct runway *runway, const char *task_id, runway_look_done *done, void *self, void *tag);

/* ---- cancel: DELETE /v1/tasks/{id}. May be repeated. acknowledged: 204 (any 2xx) or 404. */
struct runway_cancel_answer { bool acknowledged, missing, operator_trouble; int http_status; int64_t retry_after_ms; const char *message; };
typedef void runway_cancel_done(void *self, void *tag, const struct runway_cancel_answer *answer);
void runway_cancel(struct runway *runway, const char *task_id, runway_cancel_done *done, void *self, void *tag);

/* ---- organization: GET /v1/organization. The breaker's probe, costs nothing. */
struct runway_organization_answer { bool answered, operator_trouble; int http_status; int64_t credit_balance; const char *message; };
typedef void runway_organization_done(void *self, void *tag, const struct runway_organization_answer *answer);
void runway_organization(struct runway *runway, runway_organization_done *done, void *self, void *tag);

#endif
