#include "gateway/asked.h"

#include <stdio.h>
#include <string.h>

static const char FIELDS[] = "prompt|projectId|model|durationSeconds|ratio|image|seed";

/* The message as it will lie on the topic: the caller's fields under our two ids. */
static void write_message(const struct request *request, const char *generation_id, const struct json *body,
                          struct text *out)
{
    const char *name;
    const struct json *value;
    struct text dumped = { 0 };
    out_open(out, NULL, '{');
    out_text(out, "generationId", generation_id);
    out_text(out, "userId", request->claims.subject);
    for (void *at = json_next(body, NULL, &name, &value); at; at = json_next(body, at, &name, &value)) {
        text_clear(&dumped);
        json_dump(value, &dumped);
        out_raw(out, name, dumped.bytes);
    }
    out_close(out, '}');
    text_free(&dumped);
}

bool asked_read(struct request *request, const char *generation_id, struct event *event)
{
    struct json *body = request_body(request, FIELDS);
    if (!body)
        return false;
    struct text message = { 0 };
    struct decode_error error;
    char pointer[80];
    const char *type = EVENTS[EVENT_GENERATION_REQUESTED].ce_type;
    write_message(request, generation_id, body, &message);
    json_free(&body);
    const struct event_source source = {
        .value = message.bytes, .length = message.length, .topic = TOPIC_REQUESTS,
        .content_type = "application/json", .content_type_length = sizeof "application/json" - 1,
        .ce_type = type, .ce_type_length = strlen(type) };
    enum decode answer = event_decode(&source, event, &error);
    text_free(&message);
    if (answer == DECODE_OK)
        return true;
    if (answer == DECODE_INVALID)
        event_clear(event);
    snprintf(pointer, sizeof pointer, "/%s", error.field);
    request_invalid(request, "pointer", error.field[0] ? pointer : "", error.message);
    return false;
}

bool asked_quote(struct request *request, const struct event *event, struct asked_price *price)
{
    char pointer[80];
    struct policy_answer *answer = &price->answer;
    pthread_rwlock_rdlock(&request->gateway->reload_lock);
    policy_quote(request->gateway->policy, &(struct policy_request){ .model = event->model,
        .prompt = event->prompt, .ratio = event->ratio, .image = event->image,
        .duration_seconds = event->duration_seconds == EVENT_ABSENT ? 0 : event->duration_seconds }, answer);
    snprintf(price->ratio, sizeof price->ratio, "%s", answer->allowed && answer->ratio ? answer->ratio : "");
    pthread_rwlock_unlock(&request->gateway->reload_lock);
    if (answer->allowed)
        return true;
    snprintf(pointer, sizeof pointer, "/%s", answer->field);
    request_invalid(request, "pointer", pointer, answer->message);
    return false;
}
