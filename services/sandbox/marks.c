#include "sandbox/marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* 1500ms, 2s, 1m; a bare number is milliseconds. -1 when it is none of these. */
static int64_t duration_of(const char *value)
{
    static const struct { const char *unit; int64_t ms; } units[] = {
        { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
    char *end;
    long number = strtol(value, &end, 10);
    if (end == value || number < 0 || number > 1000000000) return -1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].unit) == 0) return number * units[i].ms;
    return -1;
}

static void read_after(struct marks *marks, const char *value)
{
    static const struct { const char *name; enum mark_answer answer; } ways[] = {
        { "hang", MARK_ANSWER_HANG }, { "reset", MARK_ANSWER_RESET }, { "garbage", MARK_ANSWER_GARBAGE },
        { "noid", MARK_ANSWER_NO_ID } };
    long status = strtol(value, NULL, 10);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(value, ways[i].name) == 0) marks->answer = ways[i].answer;
    if (status < 200 || status > 599) return;
    marks->answer = MARK_ANSWER_AFTER;
    marks->http_status = (int)status;
}

static void read_http(struct marks *marks, const char *value)
{
    long status = strtol(value, NULL, 10);
    if (status < 200 || status > 599) return;
    marks->answer = MARK_ANSWER_STATUS;
    marks->http_status = (int)status;
}

static void read_fail(struct marks *marks, const char *value)
{
    marks->fails = true;
    if (strcmp(value, "null") != 0) text_copy(marks->failure_code, sizeof marks->failure_code, value);
}

static int outputs_of(const char *value)
{
    long outputs = strtol(value, NULL, 10);
    return outputs >= 0 && outputs <= 16 ? (int)outputs : 1;
}

static void read_mark(struct marks *marks, const char *name, const char *value)
{
    if (strcmp(name, "fail") == 0) read_fail(marks, value);
    else if (strcmp(name, "cancelled") == 0) marks->cancelled = true;
    else if (strcmp(name, "run") == 0) marks->run_ms = duration_of(value);
    else if (strcmp(name, "pending") == 0) marks->pending_ms = duration_of(value);
    else if (strcmp(name, "expiry") == 0) marks->url_expiry_ms = duration_of(value);
    else if (strcmp(name, "cost") == 0) marks->cost = duration_of(value);
    else if (strcmp(name, "outputs") == 0) marks->outputs = outputs_of(value);
    else if (strcmp(name, "status") == 0) text_copy(marks->odd_status, sizeof marks->odd_status, value);
    else if (strcmp(name, "id") == 0) text_copy(marks->name, sizeof marks->name, value);
    else if (strcmp(name, "http") == 0) read_http(marks, value);
    else if (strcmp(name, "after") == 0) read_after(marks, value);
}

struct marks marks_read(const char *prompt)
{
    struct marks marks = { .run_ms = -1, .pending_ms = -1, .url_expiry_ms = -1, .cost = -1, .outputs = 1 };
    for (const char *at = prompt; at && (at = strchr(at, '[')) != NULL; at++) {
        char name[MARK_BYTES], value[MARK_BYTES] = "";
        size_t name_length = strcspn(at + 1, ":[]");
        const char *after = at + 1 + name_length;
        size_t value_length = *after == ':' ? strcspn(after + 1, "[]") : 0;
        const char *end = *after == ':' ? after + 1 + value_length : after;
        if (*end != ']' || name_length >= MARK_BYTES || value_length >= MARK_BYTES) continue;
        memcpy(name, at + 1, name_length);
        name[name_length] = '\0';
        if (*after == ':') memcpy(value, after + 1, value_length);
        value[value_length] = '\0';
        read_mark(&marks, name, value);
    }
    return marks;
}
