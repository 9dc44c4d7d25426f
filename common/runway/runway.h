/* Runway's developer API as a video provider (X-Runway-Version 2024-11-06): create, look, cancel,
 * organization, usage. Answers are sorted by what may be done next; nothing above reads an HTTP status. One thread;
 * answers come from http_client_step, never from within the call that asks. */
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
    int look_timeout_ms;                 /* 20000; also for cancel and organization */
};

enum { RUNWAY_EXTRA_HEADERS_MAX = 16 };
/* What is wrong with it in words for the operator (a line break in the key, a header without a colon), or
 * NULL. */
const char *runway_config_flaw(const struct runway_config *config);
/* Copies config, which must be without a flaw. */
struct runway *runway_open(const struct runway_config *config, struct http_client *http);
/* Open calls are dropped without an answer. No http_client_step may follow: close the http client right
 * after. */
void runway_close(struct runway **runway);

/* ---- create: the one paid call. Over a fresh connection that is never reused. Never repeated by this
 * module. */
struct runway_request {
    const char *model, *prompt;
    const char *ratio, *image;           /* may be NULL. With an image: image_to_video, else text_to_video */
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
    const char *task_id;                 /* SUBMITTED; 1-64 characters of an id. Else NULL */
    double estimated_credits;            /* -1: not said */
    const char *message;                 /* NULL when SUBMITTED. Runway's own words, or ours about the
                                          * connection: at most 500 bytes of clean UTF-8 */
    bool daily_limit;                    /* 429 on create: usually the daily count, hours long */
    int64_t retry_after_ms;              /* -1: not said */
    int64_t duration_ms;
};
typedef void runway_create_done(void *self, void *tag, const struct runway_create_answer *answer);
void runway_create(struct runway *runway, const struct runway_request *request, runway_create_done *done,
                   void *self, void *tag);

/* ---- look: GET /v1/tasks/{id}. May be repeated. */
enum runway_look {
    RUNWAY_TASK,             /* status and its members are filled */
    RUNWAY_MISSING,          /* 404 */
    RUNWAY_LATER,            /* no answer, cut, 429, 5xx, unreadable, another 4xx: look again later */
    RUNWAY_LOOK_OPERATOR,    /* 401, 403 */
};
/* STATUS_UNKNOWN: any other word, and SUCCEEDED without an output: go on looking. */
enum runway_status { RUNWAY_THROTTLED, RUNWAY_PENDING, RUNWAY_RUNNING, RUNWAY_SUCCEEDED, RUNWAY_FAILED,
                     RUNWAY_CANCELLED, RUNWAY_STATUS_UNKNOWN };
enum { RUNWAY_OUTPUTS_MAX = 16, RUNWAY_FAILURE_CODE_BYTES_MAX = 100 };
struct runway_look_answer {              /* lent: valid during the call */
    enum runway_look look;
    int http_status;
    enum runway_status status; const char *status_text;      /* RUNWAY_TASK; status_text at most 64 bytes */
    double progress;                     /* 0..1, -1: not said */
    const char *outputs[RUNWAY_OUTPUTS_MAX];     /* opaque text, untrusted */
    int output_count;                    /* SUCCEEDED: 1 or more */
    const char *failure, *failure_code;  /* may be NULL; at most 500 and 100 bytes */
    double credits;                      /* cost.credits, -1: not said */
    int64_t retry_after_ms;
    const char *message;                 /* words about whatever is not RUNWAY_TASK */
    int64_t duration_ms;
};
typedef void runway_look_done(void *self, void *tag, const struct runway_look_answer *answer);
void runway_look(struct runway *runway, const char *task_id, runway_look_done *done, void *self, void *tag);

/* ---- cancel: DELETE /v1/tasks/{id}. May be repeated. acknowledged: 204 (any 2xx) or 404. */
struct runway_cancel_answer {
    bool acknowledged, missing, operator_trouble;
    int http_status;
    int64_t retry_after_ms;
    const char *message;
};
typedef void runway_cancel_done(void *self, void *tag, const struct runway_cancel_answer *answer);
void runway_cancel(struct runway *runway, const char *task_id, runway_cancel_done *done, void *self,
                   void *tag);

/* ---- organization: GET /v1/organization. The breaker's probe and the account's limits; costs nothing. */
enum { RUNWAY_MODELS_MAX = 64, RUNWAY_MODEL_BYTES = 65 };
struct runway_model_limits {             /* -1: no limit, not said */
    char model[RUNWAY_MODEL_BYTES];
    int64_t concurrent, daily, daily_used;
};
struct runway_organization_answer {
    bool answered, operator_trouble;
    int http_status;
    int64_t credit_balance;
    struct runway_model_limits models[RUNWAY_MODELS_MAX]; int model_count;       /* more are left out */
    const char *message;
};
typedef void runway_organization_done(void *self, void *tag, const struct runway_organization_answer *answer);
void runway_organization(struct runway *runway, runway_organization_done *done, void *self, void *tag);

/* ---- usage: POST /v1/organization/usage, what was billed per day (UTC) and model. Costs nothing, may be repeated. */
struct runway_usage_span { const char *from, *before; };     /* YYYY-MM-DD, before exclusive; at most 90 days */
struct runway_usage_row { char date[11], model[RUNWAY_MODEL_BYTES]; double credits; };       /* below zero: given back */
struct runway_usage_answer {             /* lent: valid during the call */
    bool answered;
    int http_status;
    const struct runway_usage_row *rows; size_t count;
    const char *message;
};
typedef void runway_usage_done(void *self, void *tag, const struct runway_usage_answer *answer);
void runway_usage(struct runway *runway, const struct runway_usage_span *span, runway_usage_done *done, void *self,
                  void *tag);

#endif
