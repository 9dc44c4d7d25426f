#include "ledger/view.h"

#include <string.h>

#include "base/clock.h"

static void member(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    if (out->length > 1)
        text_add_char(out, ',');
    text_add_json(out, name, strlen(name));
    text_add_char(out, ':');
    text_add_json(out, value, strlen(value));
}

static void member_time(struct text *out, const char *name, int64_t wall_ms)
{
    char at[RFC3339_BYTES];
    if (wall_ms <= 0)
        return;
    clock_format(wall_ms, at);
    member(out, name, at);
}

static void outputs(struct text *out, const struct event *event)
{
    if (event->output_count <= 0)
        return;
    text_add_string(out, ",\"output\":[");
    for (int i = 0, written = 0; i < event->output_count; i++) {
        size_t length = strlen(event->outputs[i]);
        if (out->length + 6 * length > VIEW_BYTES_MAX)       /* escaped, a byte takes six at most */
            continue;
        if (written++)
            text_add_char(out, ',');
        text_add_json(out, event->outputs[i], length);
    }
    text_add_char(out, ']');
}

void view_of_result(const struct event *event, struct text *out)
{
    text_clear(out);
    text_add_char(out, '{');
    member(out, "taskId", event->task_id);
    member(out, "projectId", event->project_id);
    if (event->has_error) {
        member(out, "errorCode", event->error.code);
        member(out, "errorMessage", event->error.message);
    }
    member_time(out, "outputExpiresAt", event->output_expires_at);
    if (event->has_timings) {
        member_time(out, "acceptedAt", event->timings.accepted_at_ms);
        member_time(out, "submittedAt", event->timings.submitted_at_ms);
        member_time(out, "finishedAt", event->timings.finished_at_ms);
    }
    if (out->length == 1)
        member(out, "status", EVENTS[event->type].ce_type);
    outputs(out, event);
    text_add_char(out, '}');
}
