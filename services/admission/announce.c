#include "admission/announce.h"

#include <string.h>

#include "json/json.h"
#include "worker/entry.h"

static void name(const struct admit_request *request, enum event_type type, struct event *out)
{
    event_init(out, type);
    out->generation_id = request->event.generation_id;
    out->user_id = request->event.user_id;
    out->project_id = request->event.project_id;
}

static struct acceptance acceptance(const struct announcement *from)
{
    const struct admit_request *request = from->request;
    return (struct acceptance){ .asked = &request->event, .answer = from->answer, .ratio = request->ratio,
                                .duration_seconds = request->duration_seconds,
                                .default_deadline_ms = from->default_deadline_ms };
}

void announce_accepted(const struct announcement *from, struct event *out)
{
    const struct acceptance accepted = acceptance(from);
    acceptance_accepted(&accepted, out);
}

void announce_job(const struct announcement *from, struct event *out)
{
    const struct acceptance accepted = acceptance(from);
    acceptance_job(&accepted, out);
}

void announce_entry(const struct announcement *from, struct event *out)
{
    const struct event *asked = &from->request->event;
    const struct reservation reservation = { .user_id = asked->user_id, .generation_id = asked->generation_id,
                                             .fingerprint = from->request->fingerprint };
    entry_of_reserve(&reservation, from->answer, from->origin, from->words, out);
}

void announce_insufficient(const struct announcement *from, struct event *out)
{
    const struct reserve_answer *answer = from->answer;
    name(from->request, EVENT_GENERATION_REJECTED, out);
    text_clear(from->words);
    text_printf(from->words,
                "{\"userId\":\"%s\",\"currentBalance\":%lld,\"requiredTokens\":%lld,\"reservedTokens\":%lld}",
                out->user_id, (long long)answer->balance.available, (long long)answer->required_tokens,
                (long long)answer->balance.reserved);
    out->has_error = true;
    out->error = (struct event_error){ ERROR_INSUFFICIENT_TOKENS, "Insufficient tokens for video generation",
                                       from->words->bytes };
}

static bool read_error(const char *recorded, struct text *words, struct event_error *out)
{
    char why[JSON_ERROR_BYTES];
    struct json *root = json_parse(recorded, strlen(recorded), JSON_BYTES_MAX, why);
    const char *code = json_string(json_get(root, "code"), NULL);
    const char *message = json_string(json_get(root, "message"), NULL);
    const struct json *context = json_get(root, "context");
    bool readable = code && message && json_kind(context) == JSON_OBJECT;
    if (readable) {
        text_clear(words);                   /* the three strings one behind the other, each with its NUL */
        text_add(words, code, strlen(code) + 1);
        size_t message_at = words->length;
        text_add(words, message, strlen(message) + 1);
        size_t context_at = words->length;
        json_dump(context, words);
        *out = (struct event_error){ words->bytes, words->bytes + message_at, words->bytes + context_at };
    }
    json_free(&root);
    return readable;
}

void announce_refused(const struct announcement *from, struct event *out)
{
    name(from->request, EVENT_GENERATION_REJECTED, out);
    out->has_error = true;
    if (!from->answer->error || !read_error(from->answer->error, from->words, &out->error))
        out->error = (struct event_error){ ERROR_VALIDATION,
                                           "The request was refused; why can't be read any more", "{}" };
}

void announce_cancel(const struct admit_request *request, struct event *out)
{
    event_init(out, EVENT_GENERATION_CANCEL_REQUESTED);
    out->generation_id = request->event.generation_id;
    out->user_id = request->event.user_id;
}
