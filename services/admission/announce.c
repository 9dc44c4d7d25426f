#include "admission/announce.h"

#include <string.h>

#include "json/json.h"

enum { MS = 1000 };

static void name(const struct admit_request *request, enum event_type type, struct event *out)
{
    event_init(out, type);
    out->generation_id = request->event.generation_id;
    out->user_id = request->event.user_id;
    out->project_id = request->event.project_id;
}

void announce_accepted(const struct announcement *from, struct event *out)
{
    name(from->request, EVENT_GENERATION_ACCEPTED, out);
    out->required_tokens = from->answer->required_tokens;
    out->has_quote = true;
    out->quote = from->answer->quote;
    out->has_balance = true;
    out->balance = from->answer->balance;
}

/* Seconds are what was paid for: a recorded quote that counts them outranks a default that was reloaded
 * since. */
static int64_t duration(const struct announcement *from)
{
    const struct admit_request *request = from->request;
    if (request->event.duration_seconds != EVENT_ABSENT)
        return request->event.duration_seconds;
    if (from->answer->quote.units > 1)
        return from->answer->quote.units;
    return request->duration_seconds > 0 ? request->duration_seconds : EVENT_ABSENT;
}

/* The job follows the recorded quote, not the policy of this moment: the model is the recorded one, and
 * where the policy does not take the request any more its own wishes stand. */
void announce_job(const struct announcement *from, struct event *out)
{
    const struct admit_request *request = from->request;
    const struct event *asked = &request->event;
    int64_t deadline_ms = asked->deadline_seconds == EVENT_ABSENT ? from->default_deadline_ms
                                                                  : asked->deadline_seconds * MS;
    name(request, EVENT_GENERATION_JOB, out);
    out->prompt = asked->prompt;
    out->model = from->answer->quote.model;
    out->image = asked->image;
    out->seed = asked->seed;
    out->ratio = request->ratio[0] ? request->ratio : asked->ratio;
    out->duration_seconds = duration(from);
    out->required_tokens = from->answer->required_tokens;
    out->accepted_at = from->answer->at_ms;
    out->deadline_at = from->answer->at_ms + deadline_ms;
}

void announce_entry(const struct announcement *from, struct event *out)
{
    event_init(out, EVENT_TOKENS_ENTRY);
    out->kind = "reserve";
    out->user_id = from->request->event.user_id;
    out->generation_id = from->request->event.generation_id;
    out->amount = from->answer->required_tokens;
    out->origin = from->origin;
    out->fingerprint = from->request->fingerprint;
    out->has_quote = true;
    out->quote = from->answer->quote;
    out->has_balance = true;
    out->balance = from->answer->balance;
    out->at = from->answer->at_ms;
    text_clear(from->words);
    text_add_string(from->words, "Hold for video generation: ");
    text_add_string(from->words, out->generation_id);
    out->description = from->words->bytes;
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
