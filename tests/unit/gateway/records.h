/* Records of the topics, as the view is given them. */
#ifndef UNIT_GATEWAY_RECORDS_H
#define UNIT_GATEWAY_RECORDS_H

#include "gateway/view.h"

#define AT(topic_, partition_, offset_) \
    (&(struct place){ .topic = TOPIC_##topic_, .partition = (partition_), .offset = (offset_), \
                      .at_ms = INT64_C(1800000000000) + (offset_) })

static inline struct event record_of(enum event_type type, const char *user, const char *id)
{
    struct event event;
    event_init(&event, type);
    event.user_id = user;
    event.generation_id = id;
    return event;
}

static inline struct event requested(const char *user, const char *id, const char *prompt)
{
    struct event event = record_of(EVENT_GENERATION_REQUESTED, user, id);
    event.prompt = prompt;
    return event;
}

static inline struct event accepted(const char *user, const char *id, int64_t tokens)
{
    struct event event = record_of(EVENT_GENERATION_ACCEPTED, user, id);
    event.required_tokens = tokens;
    event.has_quote = event.has_balance = true;
    event.quote = (struct quote){ "gen4.5", 1, tokens, "v1" };
    event.balance = (struct balance){ 10, 10 - tokens, tokens, 0 };
    return event;
}

static inline struct event rejected(const char *user, const char *id, const char *code)
{
    struct event event = record_of(EVENT_GENERATION_REJECTED, user, id);
    event.has_error = true;
    event.error = (struct event_error){ code, "Insufficient tokens for video generation",
        "{\"currentBalance\":0,\"requiredTokens\":3,\"reservedTokens\":0}" };
    return event;
}

static inline struct event completed(const char *user, const char *id, int64_t tokens)
{
    struct event event = record_of(EVENT_GENERATION_COMPLETED, user, id);
    event.task_id = "t-1";
    event.required_tokens = tokens;
    event.outputs[0] = "https://example.com/out.mp4";
    event.output_count = 1;
    event.output_expires_at = INT64_C(1800000100000);
    event.has_timings = true;
    return event;
}

static inline struct event entry(const char *kind, const char *user, const char *id, int64_t amount)
{
    struct event event = record_of(EVENT_TOKENS_ENTRY, user, id);
    event.kind = kind;
    event.amount = amount;
    event.origin = "requests/0@0";
    event.at = INT64_C(1800000000000);
    event.has_balance = true;
    event.balance = (struct balance){ 10, 10, 0, 0 };
    if (kind[0] == 'g') {
        event.grant_id = id;
        event.generation_id = NULL;
    } else {
        event.has_quote = true;
        event.quote = (struct quote){ "gen4.5", 1, amount, "v1" };
    }
    return event;
}

static inline void take(struct view *view, const struct place *place, struct event event)
{
    view_take(view, place, &event);
}

#endif
