#include "sandbox/faults.h"

#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/text.h"

enum { HANG_MS = 600000, DRIP_BYTES = 8, DRIP_MS = 100, MS_MAX = 3600000 };

static const char PROXY_PAGE[] = "<html><head><title>502 Bad Gateway</title></head>"
                                 "<body><center><h1>502 Bad Gateway</h1></center></body></html>\n";

static const char *const mode_names[] = {
    [FAULT_NONE] = "none", [FAULT_STATUS] = "status", [FAULT_RESET_BEFORE] = "reset_before",
    [FAULT_HANG_BEFORE] = "hang_before", [FAULT_HANG] = "hang", [FAULT_RESET] = "reset",
    [FAULT_STATUS_AFTER] = "status_after", [FAULT_GARBAGE] = "garbage", [FAULT_TRUNCATE] = "truncate",
    [FAULT_SLOW_HEADERS] = "slow_headers", [FAULT_DRIP] = "drip", [FAULT_UNKNOWN_STATUS] = "unknown_status" };
static const char *const target_names[FAULT_TARGETS] = {
    [TARGET_CREATE] = "create", [TARGET_LOOK] = "look", [TARGET_DELETE] = "delete",
    [TARGET_ORGANIZATION] = "organization", [TARGET_OUTPUT] = "output", [TARGET_UPLOAD] = "upload" };

static int named(const char *const *names, int count, const char *name)
{
    for (int i = 0; name && i < count; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

/* ---- setting */

static int64_t default_ms(enum fault_mode mode)
{
    if (mode == FAULT_HANG || mode == FAULT_HANG_BEFORE) return HANG_MS;
    return mode == FAULT_DRIP ? DRIP_MS : 3000;
}

/* Reads an optional integer; false when it is there and out of its range. */
static bool read_integer(const struct json *from, const char *name, int64_t least, int64_t most,
                         int64_t *into)
{
    const struct json *value = json_get(from, name);
    int64_t number;
    if (!value) return true;
    if (!json_integer(value, &number) || number < least || number > most) return false;
    *into = number;
    return true;
}

static bool read_fault(const struct json *from, struct fault *fault, const char **wrong)
{
    int64_t status = 503;
    const struct json *body = json_get(from, "body");
    int mode = named(mode_names, sizeof mode_names / sizeof mode_names[0],
                     json_string(json_get(from, "mode"), NULL));
    *fault = (struct fault){ .mode = mode, .retry_after_s = -1, .count = -1, .probability = 1,
                             .ms = default_ms(mode < 0 ? FAULT_NONE : (enum fault_mode)mode) };
    *wrong = mode < 0 ? "mode" : NULL;
    if (!read_integer(from, "status", 200, 599, &status)) *wrong = "status";
    if (!read_integer(from, "ms", 0, MS_MAX, &fault->ms)) *wrong = "ms";
    if (!read_integer(from, "retryAfter", 0, 86400, &fault->retry_after_s)) *wrong = "retryAfter";
    if (!read_integer(from, "count", -1, INT32_MAX, &fault->count)) *wrong = "count";
    if (!read_integer(from, "skip", 0, INT32_MAX, &fault->skip)) *wrong = "skip";
    if (json_get(from, "probability") && (!json_number(json_get(from, "probability"), &fault->probability) ||
                                          fault->probability < 0 || fault->probability > 1))
        *wrong = "probability";
    if (body && (!json_string(body, NULL) || strlen(json_string(body, NULL)) >= FAULT_BODY_BYTES))
        *wrong = "body";
    if (*wrong) return false;
    fault->status = (int)status;
    if (body) text_copy(fault->body, sizeof fault->body, json_string(body, NULL));
    return true;
}

static bool set_one(struct faults *faults, const char *name, const struct json *value, char error[200])
{
    struct fault fault = { 0 };
    const char *wrong = NULL;
    int target = named(target_names, FAULT_TARGETS, name);
    if (target < 0) {
        snprintf(error, 200, "'%.40s' is no kind of call: create, look, delete, organization, output, upload",
                 name);
        return false;
    }
    if (json_kind(value) != JSON_NULL && !read_fault(value, &fault, &wrong)) {
        snprintf(error, 200, "%s.%s is missing or wrong", name, wrong);
        return false;
    }
    fault.met = faults->of[target].met;
    faults->of[target] = fault;
    return true;
}

bool faults_set(struct faults *faults, const struct json *switches, char error[200])
{
    struct faults changed = *faults;
    const char *name;
    const struct json *value;
    if (json_kind(switches) != JSON_OBJECT) {
        snprintf(error, 200, "an object is expected");
        return false;
    }
    for (void *at = json_next(switches, NULL, &name, &value); at; at = json_next(switches, at, &name, &value))
        if (!set_one(&changed, name, value, error)) return false;
    *faults = changed;
    return true;
}

void faults_clear(struct faults *faults)
{
    *faults = (struct faults){ 0 };
}

void faults_tell(const struct faults *faults, struct text *out)
{
    text_add_char(out, '{');
    for (int i = 0; i < FAULT_TARGETS; i++) {
        const struct fault *fault = &faults->of[i];
        text_printf(out, "%s\"%s\":{\"mode\":\"%s\",\"status\":%d,\"ms\":%lld,\"count\":%lld,\"skip\":%lld,"
                    "\"probability\":%g,\"met\":%lld}", i ? "," : "", target_names[i],
                    mode_names[fault->mode], fault->status, (long long)fault->ms, (long long)fault->count,
                        (long long)fault->skip,
                    fault->probability, (long long)fault->met);
    }
    text_add_char(out, '}');
}

/* ---- meeting a call */

struct fault faults_draw(struct faults *faults, enum fault_target target)
{
    struct fault *fault = &faults->of[target];
    if (fault->mode == FAULT_NONE || fault->count == 0) return (struct fault){ 0 };
    if ((double)(random_u64() >> 11) * 0x1p-53 >= fault->probability) return (struct fault){ 0 };
    if (fault->skip > 0) {
        fault->skip--;
        return (struct fault){ 0 };
    }
    if (fault->count > 0) fault->count--;
    fault->met++;
    return *fault;
}

static void replace_body(struct http_reply *reply, const char *type, const char *body)
{
    text_clear(&reply->text);
    text_add_string(&reply->text, body);
    reply->body = NULL;
    reply->content_type = type;
}

static void answer_status(const struct fault *fault, struct http_reply *reply)
{
    char seconds[24];
    reply->status = fault->status;
    replace_body(reply, fault->body[0] == '<' ? "text/html" : NULL,
                 fault->body[0] ? fault->body : "{\"error\":\"The sandbox was asked for this answer.\"}");
    if (fault->retry_after_s < 0) return;
    snprintf(seconds, sizeof seconds, "%lld", (long long)fault->retry_after_s);
    http_reply_header(reply, "Retry-After", seconds);
}

bool fault_before(const struct fault *fault, struct http_reply *reply)
{
    if (fault->mode == FAULT_STATUS) {
        answer_status(fault, reply);
        return true;
    }
    if (fault->mode != FAULT_RESET_BEFORE && fault->mode != FAULT_HANG_BEFORE) return false;
    reply->reset = true;
    reply->delay_ms = fault->mode == FAULT_HANG_BEFORE ? (int)fault->ms : 0;
    return true;
}

void fault_after(const struct fault *fault, struct http_reply *reply)
{
    size_t length = reply->body ? reply->body_length : reply->text.length;
    switch (fault->mode) {
    case FAULT_HANG:
        reply->delay_ms = (int)fault->ms;
        reply->reset = true;
        return;
    case FAULT_RESET:
        reply->reset = true;
        return;
    case FAULT_STATUS_AFTER:
        answer_status(fault, reply);
        return;
    case FAULT_GARBAGE:
        reply->status = 200;
        replace_body(reply, "text/html", PROXY_PAGE);
        return;
    case FAULT_TRUNCATE:
        if (length > 1) reply->cut_after_bytes = length / 2;
        return;
    case FAULT_SLOW_HEADERS:
        reply->delay_ms = (int)fault->ms;
        return;
    case FAULT_DRIP:
        reply->drip_bytes = DRIP_BYTES;
        reply->drip_every_ms = (int)fault->ms;
        return;
    case FAULT_UNKNOWN_STATUS:           /* the look itself shows it */
    case FAULT_NONE: case FAULT_STATUS: case FAULT_RESET_BEFORE: case FAULT_HANG_BEFORE:
        return;
    }
}
