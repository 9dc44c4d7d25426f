#include "worker/provider.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"

static const struct { int status; const char *label; } CODES[] = {
    { 0, "none" },  { 200, "200" }, { 204, "204" }, { 400, "400" }, { 401, "401" }, { 403, "403" },
        { 404, "404" },
    { 429, "429" }, { 500, "500" }, { 502, "502" }, { 503, "503" }, { 504, "504" }, { -1, "other" },
};
enum { CODE_COUNT = sizeof CODES / sizeof CODES[0] };
static const char *const OPS[PROVIDER_OPS] = { "create", "look", "cancel", "organization" };

struct provider_calls {
    struct metric *requests[PROVIDER_OPS][CODE_COUNT];
    struct metric *durations[PROVIDER_OPS];
};

void provider_require_key(const struct provider_settings *settings, const char *program)
{
    if (settings->key && *settings->key)
        return;
    fprintf(stderr, "%s: runway_api_secret is not set: give Runway's key in RUNWAYML_API_SECRET, or the name "
                    "of a file "
            "that holds it with --runway-api-secret-file\n", program);
    exit(2);
}

void provider_warn(const struct provider_settings *settings)
{
    static const char *const near[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
    const char *url = settings->base_url;
    bool plain = strncmp(url, "http://", 7) == 0;
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        size_t length = strlen(near[i]);
        plain = plain && !(strncmp(url, near[i], length) == 0 && strchr(":/", url[length]));
    }
    if (plain)
        log_warn("provider_unencrypted", LOG_TEXT("runway_base_url", url),
                 LOG_TEXT("reason", "Runway's key goes over plain HTTP: only a sandbox may be there"));
}

char **provider_headers(const struct provider_settings *settings)
{
    if (!settings->headers || !*settings->headers)
        return NULL;
    char *lines = xstrdup(settings->headers);
    size_t count = 1;
    for (const char *c = lines; *c; c++)
        count += *c == '\n' || *c == '\r';
    /* behind the list's end: the block that its lines lie in */
    char **list = xcalloc(count + 2, sizeof *list);
    char *rest = NULL;
    size_t used = 0;
    for (char *line = strtok_r(lines, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
        list[used++] = line;
    list[used + 1] = lines;
    return list;
}

void provider_headers_free(char ***headers)
{
    if (!*headers)
        return;
    char **end = *headers;
    while (*end)
        end++;
    free(end[1]);
    free(*headers);
    *headers = NULL;
}

struct provider_calls *provider_calls_open(struct metrics *metrics)
{
    struct provider_calls *calls = xcalloc(1, sizeof *calls);
    for (int op = 0; op < PROVIDER_OPS; op++) {
        char labels[64];
        for (size_t i = 0; i < CODE_COUNT; i++) {
            snprintf(labels, sizeof labels, "op=\"%s\",code=\"%s\"", OPS[op], CODES[i].label);
            calls->requests[op][i] = metrics_counter(metrics, "reelgate_runway_requests_total", labels,
                                                     "Requests to Runway by operation and HTTP status (none: "
                                                     "no answer).");
        }
        snprintf(labels, sizeof labels, "op=\"%s\"", OPS[op]);
        calls->durations[op] = metrics_histogram(metrics, "reelgate_runway_request_duration_seconds", labels,
                                                 "How long requests to Runway took.", METRICS_FAST);
    }
    return calls;
}

void provider_calls_close(struct provider_calls **calls)
{
    free(*calls);
    *calls = NULL;
}

void provider_called(struct provider_calls *calls, enum provider_op op, int http_status, int64_t duration_ms)
{
    size_t i = 0;
    while (CODES[i].status != http_status && CODES[i].status != -1)
        i++;
    metric_add(calls->requests[op][i], 1);
    if (duration_ms >= 0)
        metric_observe(calls->durations[op], (double)duration_ms / 1000.0);
}

/* Bytes of the UTF-8 character at the front of at most length bytes; 0: there is none (cut, overlong,
 * surrogate, stray). */
static size_t utf8_character(const unsigned char *bytes, size_t length)
{
    unsigned char first = bytes[0];
    size_t count = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5
        ? 4 : 0;
    if (count == 0 || count > length)
        return 0;
    for (size_t i = 1; i < count; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && bytes[1] < 0xa0) || (first == 0xed && bytes[1] > 0x9f) ||
        (first == 0xf0 && bytes[1] < 0x90) || (first == 0xf4 && bytes[1] > 0x8f))
        return 0;
    return count;
}

void text_add_foreign(struct text *out, const char *foreign, size_t most_bytes)
{
    const unsigned char *bytes = (const unsigned char *)foreign;
    size_t length = foreign ? strlen(foreign) : 0;
    size_t room = most_bytes;
    text_add(out, "", 0);
    for (size_t i = 0; i < length;) {
        size_t count = utf8_character(bytes + i, length - i);
        bool plain = count > 0 && !(bytes[i] < 0x20 || bytes[i] == 0x7f);
        size_t adds = plain ? count : 1;
        if (adds > room)
            return;
        room -= adds;
        if (plain)
            text_add(out, foreign + i, count);
        else
            text_add_char(out, count == 1 ? ' ' : '?');
        i += count ? count : 1;
    }
}
