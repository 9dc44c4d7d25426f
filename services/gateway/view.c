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
    for (int t = 0; t < TOPIC_COUNT; t++)
        free(view->floors[t].offsets);
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

/* Whoever was not heard of for the longest time goes, but not who has somebody waiting. */
void view_make_room(struct view *view, const struct user *but)
{
    struct user *user = view->idlest;
    while (user && view->bytes > view->bytes_max) {
        struct user *next = user->fresher;
        if (user != but && user->watchers == 0) {
            for (const struct fact *fact = user->oldest; fact; fact = fact->next) {
                struct floors *floors = &view->floors[fact->topic];
                if (fact->partition < floors->count && floors->offsets[fact->partition] <= fact->offset)
                    floors->offsets[fact->partition] = fact->offset + 1;
            }
            user_drop(view, user);
        }
        user = next;
    }
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
    if (fact->offset > user->dropped[fact->topic])
        user->dropped[fact->topic] = fact->offset;
    view_weigh(view, user, -fact_bytes(fact));
    free(fact->id);
    free(fact);
}

void user_add_fact(struct view *view, struct user *user, const struct place *place, const struct event *event)
{
    struct text value = { 0 };
    event_encode(event, &value);
    struct fact *fact = xmalloc(sizeof *fact + value.length + 1);
    const char *id = event->generation_id ? event->generation_id : event->grant_id;
    *fact = (struct fact){ .number = ++view->numbers, .type = event->type, .topic = place->topic,
                           .partition = place->partition, .offset = place->offset, .at_ms = place->at_ms,
                           .id = xstrdup(id ? id : ""), .length = value.length };
    memcpy(fact->value, value.bytes, value.length + 1);
    text_free(&value);
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
    generation->current_balance = generation->reserved_tokens = generation->output_expires_at_ms = EVENT_ABSENT;
    place_generation(user, generation);
    user->generations++;
    user->ends[STATUS_PENDING]++;
    view_weigh(view, user, (int64_t)sizeof *generation);
    if (user->generations > GENERATIONS_PER_USER_MAX && user->first != generation)
        user_drop_generation(view, user->first);
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

/* ---- what is not in here */

void view_floor(struct view *view, enum topic topic, int32_t partition, int32_t partitions, int64_t offset)
{
    struct floors *floors = &view->floors[topic];
    if (partitions > floors->count) {
        floors->offsets = xrealloc(floors->offsets, (size_t)partitions * sizeof *floors->offsets);
        memset(floors->offsets + floors->count, 0,
               (size_t)(partitions - floors->count) * sizeof *floors->offsets);
        floors->count = partitions;
    }
    floors->offsets[partition] = offset;
}

int64_t view_floor_of(const struct view *view, enum topic topic, int32_t partition)
{
    const struct floors *floors = &view->floors[topic];
    return partition >= 0 && partition < floors->count ? floors->offsets[partition] : 0;
}
