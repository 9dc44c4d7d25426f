#include "poller/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "poller/expiry.h"
#include "worker/provider.h"

enum { FAILURE_BYTES = 500, FAILURE_CODE_BYTES = 128 };

const char *const VERDICT_NAMES[VERDICT_KINDS] = {
    [VERDICT_COMPLETED] = "completed", [VERDICT_FAILED] = "failed", [VERDICT_EMPTY] = "no_output",
    [VERDICT_CANCELLED_BY_USER] = "cancelled_by_user",
    [VERDICT_CANCELLED_ELSEWHERE] = "cancelled_by_provider",
    [VERDICT_DEADLINE] = "deadline_exceeded", [VERDICT_MISSING] = "task_missing",
        [VERDICT_DUPLICATE] = "duplicate",
    [VERDICT_CANCEL_DROPPED] = "cancel_dropped", [VERDICT_ORPHAN_DELETED] = "orphan_deleted",
    [VERDICT_ORPHAN_FOLLOWED] = "orphan_followed",
};

/* What the user is told; the provider's own words are for the log and the context. */
static const char *const MESSAGES[VERDICT_KINDS] = {
    [VERDICT_FAILED] = "Video generation failed", [VERDICT_EMPTY] = "Video generation ended without a video",
    [VERDICT_CANCELLED_BY_USER] = "Cancelled by its user",
        [VERDICT_CANCELLED_ELSEWHERE] = "Cancelled at the provider",
    [VERDICT_DEADLINE] = "Video generation was not finished within its deadline",
    [VERDICT_MISSING] = "The provider no longer knows this generation",
};

struct verdict {
    enum verdict_kind kind;
    int64_t at_ms, expires_at_ms, charge_tokens;
    double credits;                      /* -1: not said */
    char *failure, *failure_code;
    int output_count;
    char *outputs[EVENT_OUTPUTS_MAX];
};
_Static_assert((int)RUNWAY_OUTPUTS_MAX <= (int)EVENT_OUTPUTS_MAX, "every link must fit the event");

static char *foreign(const char *words, size_t most_bytes)
{
    if (!words || !*words)
        return NULL;
    struct text clean = { 0 };
    text_add_foreign(&clean, words, most_bytes);
    return clean.bytes;
}

static void copy_answer(struct verdict *verdict, const struct runway_look_answer *answer)
{
    verdict->credits = answer->credits;
    verdict->failure = foreign(answer->failure, FAILURE_BYTES);
    verdict->failure_code = foreign(answer->failure_code, FAILURE_CODE_BYTES);
    for (int i = 0; i < answer->output_count; i++)
        if (event_output_valid(answer->outputs[i]))
            verdict->outputs[verdict->output_count++] = xstrdup(answer->outputs[i]);
    const char *const *links = (const char *const *)verdict->outputs;
    verdict->expires_at_ms = expiry_of(links, verdict->output_count, verdict->at_ms);
}

struct verdict *verdict_make(enum verdict_kind kind, const struct task *task,
                             const struct runway_look_answer *answer,
                             const struct policy *policy)
{
    struct verdict *verdict = xcalloc(1, sizeof *verdict);
    verdict->kind = kind;
    verdict->at_ms = clock_wall_ms();
    verdict->credits = -1;
    if (answer)
        copy_answer(verdict, answer);
    if (kind == VERDICT_COMPLETED && verdict->output_count == 0)
        kind = verdict->kind = VERDICT_EMPTY;        /* links that are none */
    if (MESSAGES[kind])
        verdict->charge_tokens = policy_charge(policy, verdict->failure_code,
                                               kind == VERDICT_CANCELLED_BY_USER,
                                               task->required_tokens);
    return verdict;
}

void verdict_free(struct verdict **verdict)
{
    struct verdict *gone = *verdict;
    *verdict = NULL;
    if (!gone)
        return;
    for (int i = 0; i < gone->output_count; i++)
        free(gone->outputs[i]);
    free(gone->failure);
    free(gone->failure_code);
    free(gone);
}

enum verdict_kind verdict_kind(const struct verdict *verdict)
{
    return verdict->kind;
}

int64_t verdict_at_ms(const struct verdict *verdict)
{
    return verdict->at_ms;
}

const char *verdict_failure_code(const struct verdict *verdict)
{
    return verdict->failure_code;
}

static void add_member(struct text *context, const char *name, const char *value)
{
    if (!value)
        return;
    text_printf(context, ",\"%s\":", name);
    text_add_json(context, value, strlen(value));
}

/* Those that nobody is told of. */
static bool is_silent(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_DUPLICATE || verdict->kind == VERDICT_CANCEL_DROPPED
        || verdict->kind == VERDICT_ORPHAN_DELETED || verdict->kind == VERDICT_ORPHAN_FOLLOWED;
}

static enum event_type type_of(const struct verdict *verdict)
{
    switch (verdict->kind) {
    case VERDICT_COMPLETED: return EVENT_GENERATION_COMPLETED;
    case VERDICT_CANCELLED_BY_USER: case VERDICT_CANCELLED_ELSEWHERE: return EVENT_GENERATION_CANCELLED;
    case VERDICT_FAILED: case VERDICT_EMPTY: case VERDICT_DEADLINE: case VERDICT_MISSING:
        return EVENT_GENERATION_FAILED;
    case VERDICT_DUPLICATE: case VERDICT_CANCEL_DROPPED: case VERDICT_ORPHAN_DELETED:
    case VERDICT_ORPHAN_FOLLOWED: case VERDICT_KINDS: break;
    }
    unreachable();
}

static void fill_completed(struct event *event, const struct verdict *verdict, const struct task *task)
{
    event->required_tokens = task->required_tokens;
    event->output_expires_at = verdict->expires_at_ms;
    event->output_count = verdict->output_count;
    for (int i = 0; i < verdict->output_count; i++)
        event->outputs[i] = verdict->outputs[i];
}

static void fill_error(struct event *event, const struct verdict *verdict, struct text *context)
{
    text_printf(context, "{\"reason\":\"%s\"", VERDICT_NAMES[verdict->kind]);
    add_member(context, "failureCode", verdict->failure_code);
    add_member(context, "failure", verdict->failure);
    text_add_char(context, '}');
    event->has_error = true;
    event->error = (struct event_error){ ERROR_GENERATION, MESSAGES[verdict->kind], context->bytes };
    event->charge = verdict->charge_tokens;
}

enum trouble verdict_write(const struct verdict *verdict, const struct task *task, struct outbox *outbox)
{
    if (is_silent(verdict))
        return TROUBLE_NONE;
    const struct kafka_header parent = task_traceparent(task);
    struct text context = { 0 };
    struct event event;
    event_init(&event, type_of(verdict));
    event.generation_id = task->item.key;
    event.user_id = task_user(task);
    event.project_id = task_project(task);
    event.task_id = task_id(task);
    event.provider_credits = verdict->credits;
    event.progress = task->progress > 0 ? (task->progress - 1) / 100.0 : -1;
    event.has_timings = true;
    event.timings = (struct event_timings){
        .accepted_at_ms = task->accepted_at_ms, .submitted_at_ms = task->submitted_at_ms,
            .finished_at_ms = verdict->at_ms };
    if (verdict->kind == VERDICT_COMPLETED)
        fill_completed(&event, verdict, task);
    else
        fill_error(&event, verdict, &context);
    enum trouble trouble = outbox_event(outbox, &event, TOPIC_RESULTS, &parent, NULL);
    text_free(&context);
    return trouble;
}
