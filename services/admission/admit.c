#include "admission/admit.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"

#define REFUSAL_TOO_OLD "too_old"        /* never leaves as a rejection: it marks a dead letter */

const char *const ADMIT_LABELS[ADMIT_DECISION_COUNT] = {
#define ADMIT_LABEL(name, label) [ADMIT_##name] = label,
    ADMIT_DECISIONS(ADMIT_LABEL)
#undef ADMIT_LABEL
};

/* ---- before the account is asked */

struct refusal { const char *code, *message, *field, *reason; };

static void add_member(struct text *out, const char *name, const char *value)
{
    text_add_json(out, name, strlen(name));
    text_add_char(out, ':');
    text_add_json(out, value, strlen(value));
}

static void refuse(struct admit_request *request, struct text *out, const struct refusal *refusal)
{
    request->refused = true;
    request->quote.tokens = 0;
    text_add_char(out, '{');
    add_member(out, "code", refusal->code);
    text_add_char(out, ',');
    add_member(out, "message", refusal->message);
    text_add_string(out, ",\"context\":{");
    add_member(out, "field", refusal->field);
    text_add_char(out, ',');
    add_member(out, "reason", refusal->reason);
    text_add_string(out, "}}");
}

static void price(const struct policy *policy, struct admit_request *request, struct text *refusal)
{
    const struct event *event = &request->event;
    const struct policy_request asked = {
        .model = event->model, .prompt = event->prompt, .ratio = event->ratio, .image = event->image,
        .duration_seconds = event->duration_seconds == EVENT_ABSENT ? 0 : event->duration_seconds,
    };
    struct policy_answer answer = { .allowed = false };
    policy_quote(policy, &asked, &answer);
    if (!answer.allowed) {
        refuse(request, refusal, &(struct refusal){ ERROR_VALIDATION, answer.message, answer.field,
                                                    "not_allowed" });
        return;
    }
    must(answer.quote.tokens > 0 && answer.quote.tokens < AMOUNT_MAX);
    request->quote = answer.quote;
    request->duration_seconds = answer.duration_seconds;
    snprintf(request->ratio, sizeof request->ratio, "%s", answer.ratio ? answer.ratio : "");
}

static void judge_request(const struct admit_input *input, struct admit_request *request,
                          struct text *refusal)
{
    const struct decode_error *error = &request->error;
    request->ask = ADMIT_RESERVE;
    request->complete = input->decoded == DECODE_OK;
    event_fingerprint(&request->event, request->fingerprint);
    if (!request->complete)
        refuse(request, refusal, &(struct refusal){ ERROR_VALIDATION, error->message, error->field,
                                                    error->reason });
    else if (input->too_old)
        refuse(request, refusal, &(struct refusal){ REFUSAL_TOO_OLD, "older than duplicates are remembered",
                                                    "", "" });
    else
        price(input->policy, request, refusal);
}

void admit_judge(const struct admit_input *input, struct admit_request *request, struct text *refusal)
{
    text_clear(refusal);
    request->ask = ADMIT_NOTHING;
    if (input->decoded == DECODE_MALFORMED)
        return;
    if (request->event.type == EVENT_GENERATION_REQUESTED)
        judge_request(input, request, refusal);
    else if (request->event.type == EVENT_GENERATION_CANCEL_REQUESTED && input->decoded == DECODE_OK)
        request->ask = ADMIT_LOOKUP;
    else if (request->error.reason[0] == '\0')
        request->error = (struct decode_error){ .reason = "unknown_type",
            .message = "this type of message has no business on the requests topic" };
}

/* ---- after it has answered */

/* The code leads in what refuse() wrote and Redis kept. */
static bool is_too_old(const char *error)
{
    static const char too_old[] = "{\"code\":\"" REFUSAL_TOO_OLD "\"";
    return error && strncmp(error, too_old, sizeof too_old - 1) == 0;
}

enum admit_decision admit_reserved(const struct admit_request *request, const struct reserve_answer *answer)
{
    switch (answer->outcome) {
    case RESERVE_HELD:
        return request->complete ? ADMIT_ACCEPTED : ADMIT_UNREADABLE_HOLD;
    case RESERVE_INSUFFICIENT:
        return ADMIT_INSUFFICIENT_TOKENS;
    case RESERVE_REFUSED:
        return is_too_old(answer->error) ? ADMIT_TOO_OLD : ADMIT_VALIDATION_ERROR;
    case RESERVE_DUPLICATE:
        return ADMIT_DUPLICATE;
    case RESERVE_CONFLICT:
        return ADMIT_CONFLICT;
    case RESERVE_WAITING:        /* receive answered RETRY, so nobody gets here */
        break;
    }
    unreachable();
}

enum admit_decision admit_looked_up(enum lookup_outcome outcome)
{
    switch (outcome) {
    case LOOKUP_HELD:
        return ADMIT_CANCEL;
    case LOOKUP_ENDED:
        return ADMIT_CANCEL_LATE;
    case LOOKUP_UNKNOWN:
        return ADMIT_CANCEL_UNKNOWN;
    }
    unreachable();
}

struct admit_letter admit_letter(const struct admit_request *request, enum admit_decision decision)
{
    switch (decision) {
    case ADMIT_MALFORMED:
        return (struct admit_letter){ request->error.reason, request->error.message };
    case ADMIT_CONFLICT:
        return (struct admit_letter){ "conflict",
                                      "this generationId belongs to another user or another request" };
    case ADMIT_CANCEL_UNKNOWN:
        return (struct admit_letter){ "unknown_generation",
                                      "no generation of this user has this generationId" };
    case ADMIT_TOO_OLD:
        return (struct admit_letter){ "too_old", "older than duplicates are remembered (dedupe_window_ms)" };
    case ADMIT_UNREADABLE_HOLD:
        return (struct admit_letter){ ERROR_INTERNAL,
                                      "tokens are held for this request, but it can't be read any more" };
    case ADMIT_ACCEPTED: case ADMIT_INSUFFICIENT_TOKENS: case ADMIT_VALIDATION_ERROR: case ADMIT_DUPLICATE:
    case ADMIT_CANCEL: case ADMIT_CANCEL_LATE: case ADMIT_DECISION_COUNT:
        break;
    }
    return (struct admit_letter){ NULL, NULL };
}
