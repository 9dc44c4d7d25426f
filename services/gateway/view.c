/* Users, their facts and generations: found, made, bounded. What a record does to them is in view_take.c. */
#include "gateway/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/view_private.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"

enum { SLOTS = 1 << 15 };

const char *const STATUS_NAMES[STATUS_COUNT] = {
    [STATUS_PENDING] = "pending", [STATUS_ACCEPTED] = "accepted", [STATUS_SUBMITTED] = "submitted",
    [STATUS_COMPLETED] = "completed", [STATUS_FAILED] = "failed", [STATUS_CANCELLED] = "cancelled",
    [STATUS_REJECTED] = "rejected",
};

bool status_parse(const char *name, enum status *status)
{
    for (int s = 0; s < STATUS_COUNT; s++)
        if (strcmp(STATUS_NAMES[s], name) == 0) {
            *status = (enum status)s;
            return true;
        }
    return false;
}

bool status_is_end(enum status status)
{
    return status >= STATUS_COMPLETED;
}

struct view *view_open(int64_t bytes_max, const char *default_model)
{
    struct view *view = xcalloc(1, sizeof *view);
    pthread_mutex_init(&view->mutex, NULL);
    view->slot_count = SLOTS;
    view->slots = xcalloc(SLOTS, sizeof *view->slots);
    view->letters = xcalloc(LETTERS_MAX, sizeof *view->letters);
    view->bytes_max = bytes_max;
    view->default_model = xstrdup(default_model);
    return view;
}

void view_close(struct view **closing)
{
    struct view *view = *closing;
    if (!view)
        return;
    while (view->idlest)
        user_drop(view, view->idlest);
    for (int t = 0; t < TOPIC_COUNT; t++) {
        free(view->floors[t].offsets);
        free(view->floors[t].begun);
    }
    usage_free(&view->usage);
    free(view->letters);
    free(view->slots);
    free(view->default_model);
    pthread_mutex_destroy(&view->mutex);
    free(view);
    *closing = NULL;
}

void view_lock(struct view *view) { must(pthread_mutex_lock(&view->mutex) == 0); }
void view_unlock(struct view *view) { must(pthread_mutex_unlock(&view->mutex) == 0); }

/* ---- users */

static struct user **slot_of(struct view *view, const char *user_id)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = user_id; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    return &view->slots[(hash ^ hash >> 29) % view->slot_count];
}

struct user *view_user(struct view *view, const char *user_id)
{
    struct user *user = *slot_of(view, user_id);
    while (user && strcmp(user->id, user_id) != 0)
        user = user->chain;
    return user;
}

static void unlist(struct view *view, struct user *user)
{
    *(user->idler ? &user->idler->fresher : &view->idlest) = user->fresher;
    *(user->fresher ? &user->fresher->idler : &view->freshest) = user->idler;
}

static void enlist(struct view *view, struct user *user)
{
    user->fresher = NULL;
    user->idler = view->freshest;
    *(view->freshest ? &view->freshest->fresher : &view->idlest) = user;
    view->freshest = user;
}

void user_touch(struct view *view, struct user *user, int64_t at_ms)
{
    if (at_ms > user->active_at_ms)
        user->active_at_ms = at_ms;
    unlist(view, user);
    enlist(view, user);
}

struct user *view_user_make(struct view *view, const char *user_id)
{
    struct user *user = view_user(view, user_id);
    if (user)
        return user;
    pthread_condattr_t monotonic;
    user = xcalloc(1, sizeof *user);
    snprintf(user->id, sizeof user->id, "%s", user_id);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&user->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (int t = 0; t < TOPIC_COUNT; t++)
        user->dropped[t] = -1;
    struct user **slot = slot_of(view, user_id);
    user->chain = *slot;
    *slot = user;
    enlist(view, user);
    view->users++;
    view_weigh(view, user, (int64_t)sizeof *user);
    return user;
}

void view_weigh(struct view *view, struct user *user, int64_t bytes)
{
    user->bytes += bytes;
    view->bytes += bytes;
}

void user_drop(struct view *view, struct user *user)
{
    while (user->oldest)
        user_drop_fact(view, user);
    while (user->first)
        user_drop_generation(view, user->first);
    struct user **at = slot_of(view, user->id);
    while (*at != user)
        at = &(*at)->chain;
    *at = user->chain;
    unlist(view, user);
    view->users--;
    view->bytes -= user->bytes;
    pthread_cond_destroy(&user->changed);
    free(user);
}

/* ---- facts */

static int64_t fact_bytes(const struct fact *fact)
{
    return (int64_t)(sizeof *fact + fact->length + ID_LENGTH_MAX);
}

void user_drop_fact(struct view *view, struct user *user)
{
    struct fact *fact = user->oldest;
    user->oldest = fact->next;
    if (!user->oldest)
        user->newest = NULL;
    user->facts--;
    if (fact->offset > user->dropped[fact->topic]) {
        user->dropped[fact->topic] = fact->offset;
        user->dropped_partition[fact->topic] = fact->partition;
    }
    if (fact->at_ms > user->since_ms)
        user->since_ms = fact->at_ms;
    view_weigh(view, user, -fact_bytes(fact));
    fact_free(fact);
}

struct fact *fact_make(const struct place *place, const struct event *event)
{
    struct text value = { 0 };
    event_encode(event, &value);
    struct fact *fact = xmalloc(sizeof *fact + value.length + 1);
    const char *id = event->generation_id ? event->generation_id : event->grant_id;
    *fact = (struct fact){ .type = event->type, .topic = place->topic, .partition = place->partition,
                           .offset = place->offset, .at_ms = place->at_ms, .id = xstrdup(id ? id : ""),
                           .length = value.length };
    memcpy(fact->value, value.bytes, value.length + 1);
    text_free(&value);
    return fact;
}

void fact_free(struct fact *fact)
{
    free(fact->id);
    free(fact);
}

void user_add_fact(struct view *view, struct user *user, const struct place *place, const struct event *event)
{
    struct fact *fact = fact_make(place, event);
    fact->number = ++view->numbers;
    *(user->newest ? &user->newest->next : &user->oldest) = fact;
    user->newest = fact;
    user->facts++;
    view_weigh(view, user, fact_bytes(fact));
    if (user->facts > FACTS_PER_USER_MAX)
        user_drop_fact(view, user);
}

void fact_decode(const struct fact *fact, struct event *event)
{
    struct decode_error error;
    const struct event_source source = {
        .value = fact->value, .length = fact->length, .topic = EVENTS[fact->type].topic,
        .content_type = "application/json", .content_type_length = sizeof "application/json" - 1,
        .ce_type = EVENTS[fact->type].ce_type, .ce_type_length = strlen(EVENTS[fact->type].ce_type) };
    must(event_decode(&source, event, &error) == DECODE_OK);
}

int64_t user_asked_for(const struct user *user)
{
    int64_t sum = 0;
    for (int status = 0; status < STATUS_COUNT; status++)
        sum += user->ends[status];
    return sum;
}

bool user_is_known(const struct user *user)
{
    return user->oldest || user->has_balance || user_asked_for(user) > 0;
}

/* ---- generations */

struct generation *user_generation(const struct user *user, const char *generation_id)
{
    struct generation *generation = user->last;
    while (generation && strcmp(generation->id, generation_id) != 0)
        generation = generation->older;
    return generation;
}

struct generation *view_generation(const struct view *view, const char *generation_id)
{
    struct generation *best = NULL;
    for (const struct user *user = view->freshest; user; user = user->idler) {
        struct generation *found = user_generation(user, generation_id);
        if (found && (!best || best->status == STATUS_PENDING))
            best = found;
    }
    return best;
}

void user_drop_generation(struct view *view, struct generation *generation)
{
    struct user *user = generation->user;
    *(generation->older ? &generation->older->newer : &user->first) = generation->newer;
    *(generation->newer ? &generation->newer->older : &user->last) = generation->older;
    user->generations--;
    if (!status_is_end(generation->status))
        user->ends[generation->status]--;
    char *owned[] = { generation->prompt, generation->project_id, generation->model, generation->ratio,
                      generation->image, generation->outputs, generation->error_code,
                      generation->error_message, generation->failure_code };
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        if (owned[i])
            view_weigh(view, user, -(int64_t)strlen(owned[i]));
        free(owned[i]);
    }
    view_weigh(view, user, -(int64_t)sizeof *generation);
    free(generation);
}

/* By its time: reading topics one after the other must not shuffle the list. */
static void place_generation(struct user *user, struct generation *generation)
{
    struct generation *older = user->last;
    while (older && older->created_at_ms > generation->created_at_ms)
        older = older->older;
    generation->older = older;
    generation->newer = older ? older->newer : user->first;
    *(generation->older ? &generation->older->newer : &user->first) = generation;
    *(generation->newer ? &generation->newer->older : &user->last) = generation;
}

/* The oldest that has ended, so that what is under way stays. */
static void drop_oldest(struct view *view, struct user *user, const struct generation *but)
{
    struct generation *oldest = user->first;
    while (oldest && (oldest == but || !status_is_end(oldest->status) || oldest->held_tokens > 0))
        oldest = oldest->newer;
    if (!oldest)
        oldest = user->first != but ? user->first : user->first->newer;
    if (oldest->updated_at_ms > user->since_ms)
        user->since_ms = oldest->updated_at_ms;
    user_drop_generation(view, oldest);
}

struct generation *user_generation_make(struct view *view, struct user *user, const char *generation_id,
                                        int64_t at_ms)
{
    struct generation *generation = user_generation(user, generation_id);
    if (generation)
        return generation;
    generation = xcalloc(1, sizeof *generation);
    snprintf(generation->id, sizeof generation->id, "%s", generation_id);
    generation->user = user;
    generation->created_at_ms = generation->updated_at_ms = at_ms;
    generation->request_partition = -1;
    generation->duration_seconds = generation->seed = EVENT_ABSENT;
    generation->progress = -1;
    generation->required_tokens = generation->charged_tokens = EVENT_ABSENT;
    generation->current_balance = generation->reserved_tokens = EVENT_ABSENT;
    generation->output_expires_at_ms = EVENT_ABSENT;
    place_generation(user, generation);
    user->generations++;
    user->ends[STATUS_PENDING]++;
    view_weigh(view, user, (int64_t)sizeof *generation);
    if (user->generations > GENERATIONS_PER_USER_MAX)
        drop_oldest(view, user, generation);
    return generation;
}

void generation_set(struct view *view, struct generation *generation, char **member, const char *text)
{
    view_weigh(view, generation->user, (text ? (int64_t)strlen(text) : 0)
               - (*member ? (int64_t)strlen(*member) : 0));
    free(*member);
    *member = text ? xstrdup(text) : NULL;
}

/* ---- waiting */

void user_watch(struct user *user)
{
    user->watchers++;
}

void user_unwatch(struct view *view, struct user *user)
{
    must(user->watchers > 0);
    user->watchers--;
    if (user->watchers == 0)
        view_make_room(view, NULL);
}

bool user_wait(struct view *view, struct user *user, int64_t until_ms)
{
    const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
    return pthread_cond_timedwait(&user->changed, &view->mutex, &until) == 0;
}
