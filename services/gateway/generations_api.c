/* One's own generations: list, look at one, cancel one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/lists.h"
#include "gateway/routes.h"

#include "base/log.h"

void get_generations(struct request *request)
{
    list_generations(request, request->claims.subject, WRITE_FOR_OWNER);
}

/* ---- one that the view does not hold any more: Redis knows how it ended, for as long as ids are
 * remembered */

static const char *status_of(const struct tokens_generation *generation)
{
    enum status status;
    if (generation->status && status_parse(generation->status, &status))
        return STATUS_NAMES[status];
    return STATUS_NAMES[generation->state && strcmp(generation->state, "refused") == 0 ? STATUS_REJECTED
                        : STATUS_ACCEPTED];
}

static void answer_remembered(struct request *request, const struct tokens_generation *generation)
{
    struct text *out = request_json(request, 200);
    char self[128];
    bool settled = generation->state && strcmp(generation->state, "settled") == 0;
    snprintf(self, sizeof self, "/v1/generations/%s", request->parts[0]);
    out_open(out, NULL, '{');
    out_text(out, "id", request->parts[0]);
    out_text(out, "status", status_of(generation));
    out_number(out, "requiredTokens", generation->held_tokens);
    out_number(out, "chargedTokens", settled ? generation->committed_tokens : OUT_ABSENT);
    out_time(out, "createdAt", generation->at_ms);
    out_time(out, "updatedAt", generation->at_ms);
    out_open(out, "links", '{');
    out_text(out, "self", self);
    out_close(out, '}');
    out_close(out, '}');
}

static void look_in_redis(struct request *request)
{
    struct tokens_generation generation;
    bool found;
    if (accounts_generation(request->gateway->accounts, request->claims.subject, request->parts[0], &generation,
                            &found) != TROUBLE_NONE) {
        request_redis_away(request);
        return;
    }
    if (found)
        answer_remembered(request, &generation);
    else
        request_refuse(request, PROBLEM_NOT_FOUND, 0, "You have no generation with this id.");
    tokens_generation_free(&generation);
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

void get_generation(struct request *request)
{
    view_lock(request->gateway->view);
    const struct generation *generation = own_generation(request);
    if (generation)
        answer_one(request, generation);
    view_unlock(request->gateway->view);
    if (!generation)
        look_in_redis(request);
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
        look_in_redis(request);
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
        look_in_redis(request);
        return;
    }
    if (!over) {
        event_init(&event, EVENT_GENERATION_CANCEL_REQUESTED);
        event.generation_id = request->parts[0];
        event.user_id = request->claims.subject;
        if (publish_event(request->gateway->publish, &event, NULL, http_call_header(request->call, "traceparent"),
                          &published) != TROUBLE_NONE) {
            request_kafka_away(request);
            return;
        }
        log_info("cancel_published", LOG_TEXT("generation_id", request->parts[0]),
                 LOG_TEXT("user_id", request->claims.subject));
    }
    answer_cancelled(request);
}
