/* POST /v1/admin/grants: publish the grant, wait a moment for the ledger's entry. The Idempotency-Key of
 * the one who grants decides the grant's id, and an id is granted once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/keys.h"
#include "gateway/routes.h"
#include "proto/utf8.h"

#include "base/clock.h"
#include "base/log.h"

enum { DESCRIPTION_BYTES = 2048 };

struct grant_order {
    struct event event;                  /* lends from the others */
    struct json *body;
    char id[UUID_BYTES], description[DESCRIPTION_BYTES];
};

static bool read_text(struct request *request, const struct json *body, const char *name, const char **out)
{
    char pointer[40], detail[80];
    size_t length = 0;
    *out = json_string(json_get(body, name), &length);
    if (*out && length > 0)
        return true;
    snprintf(pointer, sizeof pointer, "/%s", name);
    snprintf(detail, sizeof detail, "%s must be text, and not empty", name);
    request_invalid(request, "pointer", pointer, detail);
    return false;
}

/* The decoder that the ledger will use judges it whole. */
static bool judge(struct request *request, const struct event *grant)
{
    struct text message = { 0 };
    struct event decoded;
    struct decode_error error;
    const char *type = EVENTS[EVENT_TOKENS_GRANTED].ce_type;
    char pointer[80];
    out_open(&message, NULL, '{');
    out_text(&message, "grantId", grant->grant_id);
    out_text(&message, "userId", grant->user_id);
    out_number(&message, "amount", grant->amount);
    out_text(&message, "description", grant->description);
    out_close(&message, '}');
    const struct event_source source = {
        .value = message.bytes, .length = message.length, .topic = TOPIC_GRANTS,
        .content_type = "application/json", .content_type_length = sizeof "application/json" - 1,
        .ce_type = type, .ce_type_length = strlen(type) };
    enum decode answer = event_decode(&source, &decoded, &error);
    text_free(&message);
    if (answer != DECODE_MALFORMED)
        event_clear(&decoded);
    if (answer == DECODE_OK)
        return true;
    snprintf(pointer, sizeof pointer, "/%s",
             strcmp(error.field, "description") == 0 ? "reason" : error.field);
    request_invalid(request, "pointer", pointer, error.message);
    return false;
}

static bool read_order(struct request *request, const char *key, struct grant_order *order)
{
    const char *user_id, *reason;
    int64_t amount;
    order->body = request_body(request, "userId|amount|reason");
    if (!order->body || !read_text(request, order->body, "userId", &user_id)
        || !read_text(request, order->body, "reason", &reason))
        return false;
    if (!json_integer(json_get(order->body, "amount"), &amount)) {
        request_invalid(request, "pointer", "/amount", "amount must be a whole number, and not 0");
        return false;
    }
    if (utf8_characters(reason) > REASON_CHARACTERS_MAX) {
        request_invalid(request, "pointer", "/reason", "reason must have at most 400 characters");
        return false;
    }
    key_id("grant", request->claims.subject, key, order->id);
    snprintf(order->description, sizeof order->description, "%s (by %s)", reason, request->claims.subject);
    event_init(&order->event, EVENT_TOKENS_GRANTED);
    order->event.grant_id = order->id;
    order->event.user_id = user_id;
    order->event.amount = amount;
    order->event.description = order->description;
    return judge(request, &order->event);
}

/* ---- the answer */

static void answer_grant(struct request *request, const struct grant_order *order, const struct event *entry)
{
    struct text *out = request_json(request, entry ? 201 : 202);
    out_open(out, NULL, '{');
    out_text(out, "grantId", order->id);
    out_text(out, "userId", order->event.user_id);
    out_number(out, "amount", order->event.amount);
    out_text(out, "status", entry ? "done" : "pending");
    out_text(out, "description", order->description);
    if (entry && entry->has_balance)
        out_balance(out, "balance", &entry->balance);
    out_close(out, '}');
}

/* The journal's entry of this grant, if it is there; true: answered. With the lock held. */
static bool answer_from_journal(struct request *request, const struct user *user,
                                const struct grant_order *order)
{
    for (const struct fact *fact = user->oldest; fact; fact = fact->next) {
        if (fact->topic != TOPIC_JOURNAL || strcmp(fact->id, order->id) != 0)
            continue;
        struct event entry;
        fact_decode(fact, &entry);
        bool same = entry.amount == order->event.amount
            && entry.description && strcmp(entry.description, order->description) == 0;
        if (same)
            answer_grant(request, order, &entry);
        else
            request_invalid(request, "header", "Idempotency-Key",
                            "This Idempotency-Key was used before with another body.");
        event_clear(&entry);
        return true;
    }
    return false;
}

static void answer_letter(struct request *request, const struct letter *letter)
{
    bool conflict = strcmp(letter->code, "conflict") == 0;
    request_invalid(request, conflict ? "header" : "pointer", conflict ? "Idempotency-Key" : "/amount",
                    letter->message);
}

/* With the lock held and the user watched. */
static void await_entry(struct request *request, struct user *user, const struct grant_order *order,
                        const struct published *published)
{
    const char *topic = publish_topic(request->gateway->publish, TOPIC_GRANTS);
    int64_t until_ms = clock_mono_ms() + request->gateway->settings->decision_wait_ms;
    for (;;) {
        const struct letter *letter = view_letter_of(request->gateway->view, topic, published->partition,
                                                     published->offset);
        if (answer_from_journal(request, user, order))
            return;
        if (letter) {
            answer_letter(request, letter);
            return;
        }
        if (clock_mono_ms() >= until_ms)
            break;
        user_wait(request->gateway->view, user, until_ms);
    }
    answer_grant(request, order, NULL);
}

static void grant(struct request *request, const struct grant_order *order)
{
    struct view *view = request->gateway->view;
    struct published published;
    view_lock(view);
    struct user *user = view_user_make(view, order->event.user_id);
    user_watch(user);
    if (answer_from_journal(request, user, order)) {
        if (request->reply->status == 201)
            http_reply_header(request->reply, "Idempotent-Replayed", "true");
    } else {
        view_unlock(view);
        enum trouble trouble = publish_event(request->gateway->publish, &order->event,
                                             request->claims.subject,
                                             http_call_header(request->call, "traceparent"), &published);
        log_info("grant_published", LOG_TEXT("by", request->claims.subject),
                 LOG_TEXT("grant_id", order->id), LOG_TEXT("user_id", order->event.user_id),
                 LOG_NUMBER("amount_tokens", order->event.amount),
                 LOG_TEXT("trouble", trouble_name(trouble)));
        view_lock(view);
        if (trouble == TROUBLE_NONE)
            await_entry(request, user, order, &published);
        else
            request_kafka_away(request);
    }
    user_unwatch(view, user);
    view_unlock(view);
}

void post_grant(struct request *request)
{
    char key[256];
    struct grant_order order = { 0 };
    if (!request_key(request, key))
        return;
    if (read_order(request, key, &order)) {
        if (atomic_load(&request->gateway->kafka_well))
            grant(request, &order);
        else
            request_kafka_away(request);
    }
    json_free(&order.body);
}
