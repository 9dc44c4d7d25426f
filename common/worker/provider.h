/* What the two programs that talk to the provider have in common: its settings as rows, the numbers they keep
 * about their calls, and text from outside made fit for our events. */
#ifndef WORKER_PROVIDER_H
#define WORKER_PROVIDER_H

#include "base/param.h"
#include "base/text.h"
#include "worker/metrics.h"

struct provider_settings {
    const char *base_url, *key, *headers;        /* headers: lines "Name: value", or NULL */
    int64_t probe_ms;
};
/* Rows for a settings struct that holds a struct provider_settings at field. */
#define PROVIDER_PARAMS(struct_type, field) \
    { .name = "runway_base_url", .type = PARAM_URL, .fallback = "https://api.dev.runwayml.com", \
      .choices = "http|https", .environment = "RUNWAYML_BASE_URL", \
      .offset = offsetof(struct_type, field.base_url), \
      .meaning = "Where Runway's API is; the local sandbox has the same paths." }, \
    { .name = "runway_api_secret", .type = PARAM_SECRET, .least = "1", .environment = "RUNWAYML_API_SECRET", \
      .offset = offsetof(struct_type, field.key), .meaning = "Runway's API key. Required." }, \
    { .name = "runway_headers", .type = PARAM_TEXT, .environment = "RUNWAYML_CUSTOM_HEADERS", \
      .offset = offsetof(struct_type, field.headers), \
      .meaning = "More headers for every request to Runway, one \"Name: value\" a line." }, \
    { .name = "probe_ms", .type = PARAM_MS, .fallback = "5s", .least = "50", .most = "1h", .unit = "ms", \
      .offset = offsetof(struct_type, field.probe_ms), \
      .meaning = "First wait before Runway is asked whether key and credit are good again; doubled up " \
                 "to 12 times that." }

/* The key is the one setting without which nothing can be done and that has no default: one line and exit 2
 * without it. */
void provider_require_key(const struct provider_settings *settings, const char *program);
/* Says so, once at start, when the key will go over a network unencrypted: plain HTTP is for the sandbox. */
void provider_warn(const struct provider_settings *settings);
/* The header lines as a NULL-ended list; NULL when there are none. Given: end with provider_headers_free. */
char **provider_headers(const struct provider_settings *settings);
void provider_headers_free(char ***headers);

enum provider_op { PROVIDER_CREATE, PROVIDER_LOOK, PROVIDER_CANCEL, PROVIDER_ORGANIZATION, PROVIDER_OPS };
/* reelgate_runway_requests_total{op,code}, reelgate_runway_request_duration_seconds{op} */
struct provider_calls;

struct provider_calls *provider_calls_open(struct metrics *metrics);
void provider_calls_close(struct provider_calls **calls);
/* http_status 0: no answer. duration_ms below 0: not measured. */
void provider_called(struct provider_calls *calls, enum provider_op op, int http_status, int64_t duration_ms);

/* Appends at most most_bytes of text that a stranger wrote: whole UTF-8 characters only, control
 * characters as spaces. */
void text_add_foreign(struct text *out, const char *foreign, size_t most_bytes);

#endif
