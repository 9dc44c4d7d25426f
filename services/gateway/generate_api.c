/* POST /v1/generations: publish the request, wait a moment for admission's word, hand it on.
 *
 * The Idempotency-Key decides the generation's id, and an id is answered once by admission, whoever
 * publishes it how often. So nothing is kept here: what the view holds of an earlier call is the answer to
 * a repeat, and where the view of this instance is behind, publishing again is harmless. */
#include <stdio.h>
#include <string.h>

#include "gateway/answers.h"
#include "gateway/asked.h"
#include "gateway/keys.h"
#include "gateway/remembered.h"
#include "gateway/routes.h"

#include "base/clock.h"

enum known { KNOWN_NOT, KNOWN_SAME, KNOWN_OTHER };

/* What is known of this id: nothing that was ever published, this same request, or another body under its
 * key. */
static enum known look(const struct generation *generation, const struct event *event)
{
    char fingerprint[65];
    if (!generation)
        return KNOWN_NOT;
    event_fingerprint(event, fingerprint);
    if (generation->fingerprint[0] && strcmp(fingerprint, generation->fingerprint) != 0)
        return KNOWN_OTHER;
    return generation->published ? KNOWN_SAME : KNOWN_NOT;
}

static void refuse_other_body(struct request *request)
{
    request_invalid(request, "header", "Idempotency-Key",
                    "This Idempotency-Key was used before with another body.");
}

/* No word came in time. Asked for again under a key whose first answer lies before the window, none will: but
 * Redis remembers. With the lock held; it is let go while Redis is asked. */
static void answer_pending(struct request *request, const struct user *user, const char *id)
{
    struct view *view = request->gateway->view;
    char location[128];
    view_unlock(view);
    bool remembered = remembered_answer(request, id, 202);
    view_lock(view);
    const struct generation *generation = user_generation(user, id);
    if (remembered) {
        snprintf(location, sizeof location, "/v1/generations/%s", id);
        http_reply_header(request->reply, "Location", location);
    } else if (generation) {
        answer_decision(request, generation);
    } else {
        request_retry(request, "What became of it is not known here; ask again.");
    }
}

/* Waits until it is decided, or our record has become a dead letter. With the lock held and the user
 * watched. */
static void await_decision(struct request *request, struct user *user, const char *id,
                           const struct published *published)
{
    struct view *view = request->gateway->view;
    const char *topic = publish_topic(request->gateway->publish, TOPIC_REQUESTS);
    int64_t until_ms = clock_mono_ms() + request->gateway->settings->decision_wait_ms;
    for (;;) {
        const struct generation *generation = user_generation(user, id);
        const struct letter *letter = published
            ? view_letter_of(view, topic, published->partition, published->offset) : NULL;
        bool in_time = clock_mono_ms() < until_ms;
        if (generation && generation->status != STATUS_PENDING) {
            answer_decision(request, generation);
            return;
        }
        if (letter && strcmp(letter->code, "conflict") == 0) {
            refuse_other_body(request);
            return;
        }
        if (letter) {
            request_refuse(request, PROBLEM_INTERNAL, 0, letter->message);
            return;
        }
        if (!in_time) {
            answer_pending(request, user, id);
            return;
        }
        user_wait(view, user, until_ms);
    }
}

/* With the lock held; it is let go while Kafka is asked. */
static void publish_and_wait(struct request *request, struct user *user, const struct event *event)
{
    struct view *view = request->gateway->view;
    struct published published;
    view_announce(view, event, clock_wall_ms());
    view_unlock(view);
    enum trouble trouble = publish_event(request->gateway->publish, event, NULL,
                                         http_call_header(request->call, "traceparent"), &published);
    view_lock(view);
    struct generation *generation = user_generation(user, event->generation_id);
    if (trouble != TROUBLE_NONE) {
        request_kafka_away(request);
        return;
    }
    if (generation)
        generation->published = true;
    await_decision(request, user, event->generation_id, &published);
}

/* Refused before it is published: what can't be accepted now, or would wait for a service that is away. */
static bool may_publish(struct request *request, const struct event *event)
{
    struct asked_price price;
    struct balance balance;
    bool verified;
    if (!asked_quote(request, event, &price))
        return false;
    if (!atomic_load(&request->gateway->kafka_well)) {
        request_kafka_away(request);
        return false;
    }
    if (accounts_balance(request->gateway->accounts, event->user_id, &balance, &verified) == TROUBLE_NONE)
        return true;
    request_redis_away(request);
    return false;
}

static void generate(struct request *request, const struct event *event)
{
    struct view *view = request->gateway->view;
    view_lock(view);
    struct user *user = view_user_make(view, event->user_id);
    user_watch(user);                    /* it stays, also while the lock is let go */
    enum known known = look(user_generation(user, event->generation_id), event);
    if (known == KNOWN_NOT) {
        view_unlock(view);
        bool may = may_publish(request, event);
        view_lock(view);
        /* looked at again: a second call with this key may have come in between */
        known = !may ? KNOWN_NOT : look(user_generation(user, event->generation_id), event);
        if (may && known == KNOWN_NOT)
            publish_and_wait(request, user, event);
    }
    if (known == KNOWN_OTHER) {
        refuse_other_body(request);
    } else if (known == KNOWN_SAME) {
        http_reply_header(request->reply, "Idempotent-Replayed", "true");
        await_decision(request, user, event->generation_id, NULL);
    }
    user_unwatch(view, user);
    view_unlock(view);
}

void post_generation(struct request *request)
{
    char key[256], id[UUID_BYTES];
    struct event event;
    if (!request_key(request, key))
        return;
    key_id("generation", request->claims.subject, key, id);
    if (!asked_read(request, id, &event))
        return;
    generate(request, &event);
    event_clear(&event);
}
