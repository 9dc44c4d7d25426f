/* One's own generations: list, look at one, cancel one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/lists.h"
#include "gateway/remembered.h"
#include "gateway/routes.h"

#include "base/clock.h"
#include "base/log.h"

void get_generations(struct request *request)
{
    list_generations(request, request->claims.subject, WRITE_FOR_OWNER);
}

/* ---- one in the view */

/* Any record about it changes the tag; the same on every instance that has read as far. */
static void entity_tag(const struct generation *generation, char out[96])
{
    uint32_t hash = 2166136261U;
    for (const struct fact *fact = generation->user->oldest; fact; fact = fact->next)
        if (strcmp(fact->id, generation->id) == 0)
            hash = (hash ^ (uint32_t)(fact->offset * 8 + (int64_t)fact->topic)) * 16777619U;
    snprintf(out, 96, "\"%s-%08x\"", STATUS_NAMES[generation->status], hash);
}

static void answer_one(struct request *request, const struct generation *generation)
{
    char tag[96];
    const char *known = http_call_header(request->call, "If-None-Match");
    entity_tag(generation, tag);
    http_reply_header(request->reply, "ETag", tag);
    if (known && strcmp(known, tag) == 0) {
        request->reply->status = 304;
        return;
    }
    struct text *out = request_json(request, 200);
    write_generation(out, NULL, generation, WRITE_FOR_OWNER);
    write_timeline(out, generation);
    out_close(out, '}');
}

/* With the view's lock held. Only among the caller's own: another's is not found. */
static struct generation *own_generation(struct request *request)
{
    const struct user *user = view_user(request->gateway->view, request->claims.subject);
    return user ? user_generation(user, request->parts[0]) : NULL;
}

/* Pending for longer than a decision takes: asked for again, perhaps, under a key whose first answer lies
 * before the window; admission says nothing twice. */
static bool may_be_known_elsewhere(const struct request *request, const struct generation *generation)
{
    return generation->status == STATUS_PENDING
        && clock_wall_ms() - generation->created_at_ms > request->gateway->settings->decision_wait_ms;
}

void get_generation(struct request *request)
{
    view_lock(request->gateway->view);
    const struct generation *generation = own_generation(request);
    bool here = generation != NULL, found = here && !may_be_known_elsewhere(request, generation);
    if (found)
        answer_one(request, generation);
    view_unlock(request->gateway->view);
    if (found || (here && remembered_answer(request, request->parts[0], 200)))
        return;
    view_lock(request->gateway->view);
    generation = own_generation(request);
    if (generation)
        answer_one(request, generation);
    view_unlock(request->gateway->view);
    if (!generation)
        remembered_or_not(request);
}

/* ---- cancel */

static void answer_cancelled(struct request *request)
{
    view_lock(request->gateway->view);
    struct generation *generation = own_generation(request);
    if (generation) {
        generation->cancel_requested |= !status_is_end(generation->status);
        struct text *out = request_json(request, 202);
        write_generation(out, NULL, generation, WRITE_FOR_OWNER);
        out_close(out, '}');
    }
    view_unlock(request->gateway->view);
    if (!generation)
        remembered_or_not(request);
}

void delete_generation(struct request *request)
{
    struct event event;
    struct published published;
    view_lock(request->gateway->view);
    const struct generation *generation = own_generation(request);
    bool found = generation != NULL, over = found && status_is_end(generation->status);
    view_unlock(request->gateway->view);
    if (!found) {
        remembered_or_not(request);
        return;
    }
    if (!over) {
        event_init(&event, EVENT_GENERATION_CANCEL_REQUESTED);
        event.generation_id = request->parts[0];
        event.user_id = request->claims.subject;
        if (publish_event(request->gateway->publish, &event, NULL,
                          http_call_header(request->call, "traceparent"), &published) != TROUBLE_NONE) {
            request_kafka_away(request);
            return;
        }
        log_info("cancel_published", LOG_TEXT("generation_id", request->parts[0]),
                 LOG_TEXT("user_id", request->claims.subject));
    }
    answer_cancelled(request);
}
