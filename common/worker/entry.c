#include "worker/entry.h"

#include <string.h>

static void entry_init(struct event *event, const char *kind, const char *user_id, int64_t at_ms)
{
    event_init(event, EVENT_TOKENS_ENTRY);
    event->kind = kind;
    event->user_id = user_id;
    event->at = at_ms;
}

void entry_of_reserve(const struct reservation *reservation, const struct reserve_answer *answer, const char *origin,
                      struct text *scratch, struct event *event)
{
    entry_init(event, "reserve", reservation->user_id, answer->at_ms);
    event->generation_id = reservation->generation_id;
    event->amount = answer->required_tokens;
    event->origin = origin;
    event->fingerprint = reservation->fingerprint;
    event->has_quote = true;
    event->quote = answer->quote;
    event->has_balance = true;
    event->balance = answer->balance;
    text_clear(scratch);
    text_printf(scratch, "Hold for video generation: %s", reservation->generation_id);
    event->description = scratch->bytes;
}

static void entry_of_settlement(const struct settlement *settlement, const struct settle_answer *answer,
                                const char *origin, struct event *event)
{
    event->generation_id = settlement->generation_id;
    event->origin = origin;
    event->has_quote = true;
    event->quote = answer->quote;
    event->has_balance = true;
}

void entry_of_commit(const struct settlement *settlement, const struct settle_answer *answer, const char *origin,
                     struct text *scratch, struct event *event)
{
    entry_init(event, "commit", settlement->user_id, answer->at_ms);
    entry_of_settlement(settlement, answer, origin, event);
    event->amount = answer->committed_tokens;
    event->balance = answer->after_commit;
    text_clear(scratch);
    text_printf(scratch, "Video generation: %s", settlement->generation_id);
    event->description = scratch->bytes;
}

void entry_of_release(const struct settlement *settlement, const struct settle_answer *answer, const char *origin,
                      struct text *scratch, struct event *event)
{
    entry_init(event, "release", settlement->user_id, answer->at_ms);
    entry_of_settlement(settlement, answer, origin, event);
    event->amount = answer->released_tokens;
    event->balance = answer->after_release;
    text_clear(scratch);
    text_printf(scratch, "Hold released (%s): %s", settlement->status, settlement->generation_id);
    event->description = scratch->bytes;
}

void entry_of_grant(const struct grant *grant, const struct grant_answer *answer, const char *origin,
                    const char *description, struct event *event)
{
    entry_init(event, "grant", grant->user_id, answer->at_ms);
    event->grant_id = grant->grant_id;
    event->amount = answer->amount_tokens;
    event->origin = origin;
    event->description = description;
    event->has_balance = true;
    event->balance = answer->balance;
}

void entry_of_open(const struct recovery *recovery, int32_t partitions, int64_t at_ms, struct event *event)
{
    entry_init(event, "open", NULL, at_ms);
    event->nonce = recovery->nonce;
    event->partitions = partitions;
}

static const struct { const char *name; enum entry_kind kind; } KINDS[] = {
    { "grant", ENTRY_GRANT }, { "reserve", ENTRY_RESERVE }, { "commit", ENTRY_COMMIT }, { "release", ENTRY_RELEASE },
};

enum entry_read entry_read(const struct event *event, struct recovery_entry *entry, const char **error)
{
    if (event->type != EVENT_TOKENS_ENTRY || !event->kind) {
        *error = "not a tokens.entry";
        return ENTRY_READ_BROKEN;
    }
    if (strcmp(event->kind, "open") == 0) {
        *error = "an open record without nonce";
        return event->nonce ? ENTRY_READ_OPEN : ENTRY_READ_BROKEN;
    }
    size_t k = 0;
    while (k < sizeof KINDS / sizeof KINDS[0] && strcmp(KINDS[k].name, event->kind) != 0)
        k++;
    if (k == sizeof KINDS / sizeof KINDS[0]) {
        *error = "kind is none of grant, reserve, commit, release, open";
        return ENTRY_READ_BROKEN;
    }
    *entry = (struct recovery_entry){
        .kind = KINDS[k].kind, .user_id = event->user_id,
        .id = KINDS[k].kind == ENTRY_GRANT ? event->grant_id : event->generation_id,
        .amount_tokens = event->amount, .origin = event->origin, .fingerprint = event->fingerprint,
        .quote = event->quote, .balance = event->balance, .at_ms = event->at,
    };
    *error = "an entry without userId, id, amount, origin or balance";
    if (!entry->user_id || !entry->id || !entry->origin || event->amount == EVENT_ABSENT || !event->has_balance)
        return ENTRY_READ_BROKEN;
    *error = "an amount that is not positive outside a grant";
    if (entry->amount_tokens == 0 || (entry->kind != ENTRY_GRANT && entry->amount_tokens < 0))
        return ENTRY_READ_BROKEN;
    return ENTRY_READ_MONEY;
}

/* ---- the acceptance and the job */

static void name(const struct event *asked, enum event_type type, struct event *event)
{
    event_init(event, type);
    event->generation_id = asked->generation_id;
    event->user_id = asked->user_id;
    event->project_id = asked->project_id;
}

void acceptance_accepted(const struct acceptance *from, struct event *event)
{
    name(from->asked, EVENT_GENERATION_ACCEPTED, event);
    event->required_tokens = from->answer->required_tokens;
    event->has_quote = true;
    event->quote = from->answer->quote;
    event->has_balance = true;
    event->balance = from->answer->balance;
}

/* Seconds are what was paid for: a recorded quote that counts them outranks a default that was reloaded since. */
static int64_t duration(const struct acceptance *from)
{
    if (from->asked->duration_seconds != EVENT_ABSENT)
        return from->asked->duration_seconds;
    if (from->answer->quote.units > 1)
        return from->answer->quote.units;
    return from->duration_seconds > 0 ? from->duration_seconds : EVENT_ABSENT;
}

void acceptance_job(const struct acceptance *from, struct event *event)
{
    const struct event *asked = from->asked;
    int64_t deadline_ms = asked->deadline_seconds == EVENT_ABSENT ? from->default_deadline_ms
                                                                  : asked->deadline_seconds * 1000;
    name(asked, EVENT_GENERATION_JOB, event);
    event->prompt = asked->prompt;
    event->model = from->answer->quote.model;
    event->image = asked->image;
    event->seed = asked->seed;
    event->ratio = from->ratio && *from->ratio ? from->ratio : asked->ratio;
    event->duration_seconds = duration(from);
    event->required_tokens = from->answer->required_tokens;
    event->accepted_at = from->answer->at_ms;
    event->deadline_at = from->answer->at_ms + deadline_ms;
}
