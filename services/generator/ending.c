#include "generator/ending.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/provider.h"

enum { PROVIDER_WORDS_BYTES = 500 };

const char *const ENDING_NAMES[ENDING_KINDS] = {
    [ENDING_TASK] = "submitted", [ENDING_REFUSED] = "refused", [ENDING_UNKNOWN] = "submission_unknown",
    [ENDING_DEADLINE] = "deadline", [ENDING_ID_TAKEN] = "id_taken", [ENDING_CANCELLED] = "cancelled",
    [ENDING_DUPLICATE] = "duplicate", [ENDING_FORWARDED] = "cancel_forwarded",
        [ENDING_DROPPED] = "cancel_dropped", [ENDING_WORD] = "word_heeded",
    [ENDING_WORD_FORWARDED] = "orphan_forwarded", [ENDING_WORD_REFUSED] = "word_refused",
};

/* What the user is told. The provider's own words go into the context: they are for whoever looks into it. */
static const struct { const char *code, *message; } ERRORS[ENDING_KINDS] = {
    [ENDING_REFUSED]   = { ERROR_GENERATION, "The provider refused this request" },
    [ENDING_UNKNOWN]   = { ERROR_GENERATION,
                           "It is not known whether the provider took this request; it is not sent twice" },
    [ENDING_DEADLINE]  = { ERROR_GENERATION, "The provider could not take this request within its deadline" },
    [ENDING_ID_TAKEN]  = { ERROR_VALIDATION, "generationId is already in use" },
    [ENDING_CANCELLED] = { ERROR_GENERATION, "Cancelled before it was submitted" },
};

struct ending *ending_make(enum ending_kind kind, const struct job *job, const struct policy *policy)
{
    struct ending *ending = xcalloc(1, sizeof *ending);
    ending->kind = kind;
    ending->at_ms = clock_wall_ms();
    if (ERRORS[kind].code && kind != ENDING_ID_TAKEN)
        ending->charge_tokens = policy_charge(policy, NULL, kind == ENDING_CANCELLED, job->required_tokens);
    return ending;
}

void ending_free(struct ending **ending)
{
    if (*ending) {
        free((*ending)->provider_message);
        free((*ending)->task_id);
    }
    free(*ending);
    *ending = NULL;
}

static void identify(struct event *event, enum event_type type, const struct job *job)
{
    event_init(event, type);
    event->generation_id = job->item.key;
    event->user_id = job->user;
    event->project_id = job->project;
}

static enum trouble write_task(const struct ending *ending, const struct job *job, struct outbox *outbox)
{
    const struct kafka_header parent = job_traceparent(job);
    struct event task, submitted;
    must(ending->task_id);
    identify(&task, EVENT_GENERATION_TASK, job);
    task.task_id = ending->task_id;
    task.model = job->model;
    task.required_tokens = job->required_tokens;
    task.accepted_at = job->deadline.accepted_at_ms;
    task.submitted_at = ending->at_ms;
    task.deadline_at = deadline_for_task(&job->deadline, ending->at_ms);
    enum trouble trouble = outbox_event(outbox, &task, TOPIC_TASKS, &parent, NULL);
    if (trouble != TROUBLE_NONE)
        return trouble;
    identify(&submitted, EVENT_GENERATION_SUBMITTED, job);
    submitted.task_id = ending->task_id;
    submitted.provider = "runway";
    submitted.estimated_credits = ending->estimated_credits;
    return outbox_event(outbox, &submitted, TOPIC_RESULTS, &parent, NULL);
}

static enum trouble write_cancel(const struct job *cancel, struct outbox *outbox)
{
    const struct kafka_header parent = job_traceparent(cancel);
    struct event event;
    identify(&event, EVENT_GENERATION_CANCEL_REQUESTED, cancel);
    return outbox_event(outbox, &event, TOPIC_TASKS, &parent, NULL);
}

static enum trouble write_word(const struct job *word, struct outbox *outbox)
{
    const struct kafka_header parent = job_traceparent(word);
    struct event event;
    identify(&event, EVENT_GENERATION_SUBMISSION_SETTLED, word);
    event.task_id = word->settled_task;
    return outbox_event(outbox, &event, TOPIC_TASKS, &parent, NULL);
}

static void add_context(const struct ending *ending, struct text *context)
{
    text_printf(context, "{\"reason\":\"%s\"", ENDING_NAMES[ending->kind]);
    if (ending->status != 0)
        text_printf(context, ",\"httpStatus\":%d", ending->status);
    if (ending->provider_message) {
        struct text words = { 0 };
        text_add_foreign(&words, ending->provider_message, PROVIDER_WORDS_BYTES);
        text_add_string(context, ",\"providerMessage\":");
        text_add_json(context, words.bytes, words.length);
        text_free(&words);
    }
    text_add_char(context, '}');
}

static enum trouble write_error(const struct ending *ending, const struct job *job, struct outbox *outbox)
{
    const struct kafka_header parent = job_traceparent(job);
    struct text context = { 0 };
    struct event event;
    bool cancelled = ending->kind == ENDING_CANCELLED;
    identify(&event, cancelled ? EVENT_GENERATION_CANCELLED : EVENT_GENERATION_FAILED, job);
    add_context(ending, &context);
    event.has_error = true;
    event.error = (struct event_error){ ERRORS[ending->kind].code, ERRORS[ending->kind].message,
                                        context.bytes };
    event.charge = ending->charge_tokens;
    event.has_timings = true;
    event.timings = (struct event_timings){ .accepted_at_ms = job->deadline.accepted_at_ms,
                                            .finished_at_ms = ending->at_ms };
    enum trouble trouble = outbox_event(outbox, &event, TOPIC_RESULTS, &parent, NULL);
    text_free(&context);
    return trouble;
}

enum trouble ending_write(const struct ending *ending, const struct job *job, struct outbox *outbox)
{
    enum trouble trouble;
    switch (ending->kind) {
    case ENDING_TASK:
        trouble = write_task(ending, job, outbox);
        return trouble == TROUBLE_NONE && ending->cancel ? write_cancel(ending->cancel, outbox) : trouble;
    case ENDING_REFUSED: case ENDING_UNKNOWN: case ENDING_DEADLINE: case ENDING_ID_TAKEN:
    case ENDING_CANCELLED:
        return write_error(ending, job, outbox);
    case ENDING_FORWARDED:
        return write_cancel(job, outbox);
    case ENDING_WORD_FORWARDED:
        return write_word(job, outbox);
    case ENDING_DUPLICATE: case ENDING_DROPPED: case ENDING_WORD: case ENDING_WORD_REFUSED:
        return TROUBLE_NONE;
    case ENDING_KINDS: break;
    }
    unreachable();
}
