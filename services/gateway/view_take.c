/* What a record does to the view. Topics are read side by side: a request may come after its decision, and a
 * settlement before the result that caused it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/view_private.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "json/json.h"

void generation_to_status(struct generation *generation, enum status status)
{
    generation->user->ends[generation->status]--;
    generation->status = status;
    generation->user->ends[status]++;
}

static const char *model_of(const struct view *view, const struct generation *generation)
{
    return generation->model ? generation->model : view->default_model;
}

static void count(struct view *view, const struct generation *generation, int64_t at_ms,
                  enum usage_count what,
                  int64_t amount)
{
    usage_add(&view->usage, at_ms, model_of(view, generation), what, amount);
}

/* ---- requests */

static void take_asked(struct view *view, struct generation *generation, const struct event *request)
{
    event_fingerprint(request, generation->fingerprint);
    generation_set(view, generation, &generation->prompt, request->prompt);
    generation_set(view, generation, &generation->project_id, request->project_id);
    if (!generation->model)
        generation_set(view, generation, &generation->model, request->model);
    generation_set(view, generation, &generation->ratio, request->ratio);
    generation_set(view, generation, &generation->image, request->image);
    generation->duration_seconds = request->duration_seconds;
    generation->seed = request->seed;
}

static void count_rejection(struct view *view, struct generation *generation, int64_t at_ms)
{
    count(view, generation, at_ms, USAGE_REJECTED, 1);
    if (generation->required_tokens != EVENT_ABSENT)
        count(view, generation, at_ms, USAGE_REJECTED_TOKENS, generation->required_tokens);
}

static void take_request(struct view *view, struct generation *generation, const struct place *place,
                         const struct event *request)
{
    if (generation->request_partition >= 0)
        return;                          /* published again: admission answers an id once */
    take_asked(view, generation, request);       /* its first record is what counts, not what we announced */
    generation->request_partition = place->partition;
    generation->request_offset = place->offset;
    generation->published = true;
    if (place->at_ms < generation->created_at_ms)
        generation->created_at_ms = place->at_ms;
    count(view, generation, place->at_ms, USAGE_REQUESTED, 1);
    if (generation->rejection_waits)
        count_rejection(view, generation, generation->updated_at_ms);
    generation->rejection_waits = false;
}

struct generation *view_announce(struct view *view, const struct event *request, int64_t at_ms)
{
    struct user *user = view_user_make(view, request->user_id);
    struct generation *generation = user_generation_make(view, user, request->generation_id, at_ms);
    if (!generation->fingerprint[0])
        take_asked(view, generation, request);
    user_touch(view, user, at_ms);
    view_make_room(view, user);
    return generation;
}

/* ---- results */

static int64_t number_in(const struct json *object, const char *name)
{
    int64_t number;
    return json_integer(json_get(object, name), &number) ? number : EVENT_ABSENT;
}

static void take_error(struct view *view, struct generation *generation, const struct event_error *error)
{
    char why[JSON_ERROR_BYTES];
    struct json *context = error->context
        ? json_parse(error->context, strlen(error->context), JSON_BYTES_MAX, why) : NULL;
    generation_set(view, generation, &generation->error_code, error->code);
    generation_set(view, generation, &generation->error_message, error->message);
    generation_set(view, generation, &generation->failure_code,
                   json_string(json_get(context, "failureCode"), NULL));
    generation->current_balance = number_in(context, "currentBalance");
    generation->reserved_tokens = number_in(context, "reservedTokens");
    int64_t required = number_in(context, "requiredTokens");
    if (required != EVENT_ABSENT)
        generation->required_tokens = required;
    json_free(&context);
}

static void forget_error(struct view *view, struct generation *generation)
{
    generation_set(view, generation, &generation->error_code, NULL);
    generation_set(view, generation, &generation->error_message, NULL);
    generation_set(view, generation, &generation->failure_code, NULL);
    generation->current_balance = generation->reserved_tokens = EVENT_ABSENT;
}

static void take_outputs(struct view *view, struct generation *generation, const struct event *event)
{
    struct text list = { 0 };
    text_add_char(&list, '[');
    for (int i = 0; i < event->output_count; i++) {
        if (i > 0)
            text_add_char(&list, ',');
        text_add_json(&list, event->outputs[i], strlen(event->outputs[i]));
    }
    text_add_char(&list, ']');
    generation_set(view, generation, &generation->outputs, list.bytes);
    generation->output_expires_at_ms = event->output_expires_at;
    text_free(&list);
}

/* In the order of their partition, so each one's word is the newest. */
static void take_result(struct view *view, struct generation *generation, const struct place *place,
                        const struct event *event)
{
    static const struct { enum status status; enum usage_count count; } rows[EVENT_TYPE_COUNT] = {
        [EVENT_GENERATION_ACCEPTED] = { STATUS_ACCEPTED, USAGE_ACCEPTED },
        [EVENT_GENERATION_REJECTED] = { STATUS_REJECTED, USAGE_REJECTED },
        [EVENT_GENERATION_SUBMITTED] = { STATUS_SUBMITTED, USAGE_SUBMITTED },
        [EVENT_GENERATION_COMPLETED] = { STATUS_COMPLETED, USAGE_COMPLETED },
        [EVENT_GENERATION_FAILED] = { STATUS_FAILED, USAGE_FAILED },
        [EVENT_GENERATION_CANCELLED] = { STATUS_CANCELLED, USAGE_CANCELLED },
    };
    enum status status = rows[event->type].status;
    if (event->type == EVENT_GENERATION_PROGRESSED) {
        generation->progress = event->progress;
        generation->updated_at_ms = place->at_ms;
    }
    if (status == STATUS_PENDING)
        return;                          /* a newer release's event */
    generation_to_status(generation, status);
    generation->published = true;
    generation->updated_at_ms = place->at_ms;
    if (!generation->project_id)
        generation_set(view, generation, &generation->project_id, event->project_id);
    if (event->has_quote)
        generation_set(view, generation, &generation->model, event->quote.model);
    if (event->required_tokens != EVENT_ABSENT)
        generation->required_tokens = event->required_tokens;
    if (event->has_error)
        take_error(view, generation, &event->error);
    else if (generation->error_code)
        forget_error(view, generation);          /* rejected at first, then asked again */
    if (status == STATUS_COMPLETED) {
        take_outputs(view, generation, event);
        generation->charged_tokens = event->required_tokens;
    } else if (event->charge != EVENT_ABSENT) {
        generation->charged_tokens = event->charge;
    }

    if (status != STATUS_REJECTED)
        count(view, generation, place->at_ms, rows[event->type].count, 1);
    else if (generation->fingerprint[0])
        count_rejection(view, generation, place->at_ms);
    else
        generation->rejection_waits = true;
    if (event->has_error)
        usage_reason(&view->usage, place->at_ms, STATUS_NAMES[status], event->error.code,
                     generation->failure_code);
}

/* ---- journal */

/* A charge of a part is a commit and a release: the release tells the end. */
static enum status settled_as(const struct generation *generation, const struct event *entry)
{
    if (strcmp(entry->kind, "commit") == 0)
        return generation->settled ? generation->settled : STATUS_COMPLETED;
    return entry->description && strstr(entry->description, "(cancelled)") ? STATUS_CANCELLED : STATUS_FAILED;
}

static void take_entry(struct view *view, struct user *user, const struct place *place,
                       const struct event *entry)
{
    if (entry->has_balance) {
        user->balance = entry->balance;
        user->has_balance = true;
    }
    if (strcmp(entry->kind, "grant") == 0) {
        usage_add(&view->usage, entry->at, NULL, USAGE_GRANTED_TOKENS, entry->amount);
        return;
    }
    if (!entry->generation_id || entry->amount == EVENT_ABSENT)
        return;
    struct generation *generation = user_generation_make(view, user, entry->generation_id, place->at_ms);
    bool reserve = strcmp(entry->kind, "reserve") == 0;
    generation->held_tokens += reserve ? entry->amount : -entry->amount;
    if (reserve)
        generation->held_at_ms = entry->at;
    else
        generation->settled = settled_as(generation, entry);
    if (entry->has_quote && !generation->model)
        generation_set(view, generation, &generation->model, entry->quote.model);
    if (place->at_ms > generation->updated_at_ms)
        generation->updated_at_ms = place->at_ms;
    generation->last_number = view->numbers;
    usage_add(&view->usage, entry->at, entry->has_quote ? entry->quote.model : model_of(view, generation),
              reserve ? USAGE_RESERVED_TOKENS : strcmp(entry->kind, "commit") == 0 ? USAGE_COMMITTED_TOKENS
              : USAGE_RELEASED_TOKENS, entry->amount);
}

/* ---- all */

void view_take(struct view *view, const struct place *place, const struct event *event)
{
    if (!event->user_id)
        return;                          /* a recovery's open record */
    view_begin_partition(view, place);
    struct user *user = view_user_make(view, event->user_id);
    if (event->type != EVENT_TOKENS_GRANTED)         /* the journal has it when it is done */
        user_add_fact(view, user, place, event);
    if (event->type == EVENT_TOKENS_ENTRY) {
        take_entry(view, user, place, event);
    } else if (event->generation_id) {
        struct generation *generation = user_generation_make(view, user, event->generation_id, place->at_ms);
        generation->last_number = view->numbers;
        if (event->type == EVENT_GENERATION_REQUESTED)
            take_request(view, generation, place, event);
        else if (event->type == EVENT_GENERATION_CANCEL_REQUESTED)
            generation->cancel_requested = true;
        else
            take_result(view, generation, place, event);
    }
    user_touch(view, user, place->at_ms);
    view_make_room(view, user);
    pthread_cond_broadcast(&user->changed);
}

/* ---- dead letters */

struct letter *view_letter(struct view *view, int32_t partition, int64_t offset)
{
    size_t kept = view->letter_count < LETTERS_MAX ? view->letter_count : LETTERS_MAX;
    for (size_t i = 0; i < kept; i++)
        if (view->letters[i].partition == partition && view->letters[i].offset == offset)
            return &view->letters[i];
    return NULL;
}

/* A request that has become a dead letter will never be decided. */
void view_give_up(struct view *view, const struct letter *letter)
{
    const char *suffix = TOPICS[TOPIC_REQUESTS].name;
    size_t length = strlen(letter->original_topic), ending = strlen(suffix);
    struct user *user = letter->key[0] ? view_user(view, letter->key) : NULL;
    if (!user || length < ending || strcmp(letter->original_topic + length - ending, suffix) != 0)
        return;
    struct generation *at = user->last;
    while (at && (at->request_partition != letter->original_partition
                  || at->request_offset != letter->original_offset))
        at = at->older;
    if (at && at->status == STATUS_PENDING)
        user_drop_generation(view, at);
    pthread_cond_broadcast(&user->changed);
}

void view_take_letter(struct view *view, const struct letter *letter)
{
    view->letters[view->letter_count++ % LETTERS_MAX] = *letter;
    /* its request has been read: before that, view_is_caught_up does it */
    if (view->caught_up)
        view_give_up(view, letter);
}

const struct letter *view_letter_of(const struct view *view, const char *topic, int32_t partition,
                                    int64_t offset)
{
    size_t kept = view->letter_count < LETTERS_MAX ? view->letter_count : LETTERS_MAX;
    for (size_t i = 0; i < kept; i++)
        if (view->letters[i].original_offset == offset && view->letters[i].original_partition == partition
            && strcmp(view->letters[i].original_topic, topic) == 0)
            return &view->letters[i];
    return NULL;
}
