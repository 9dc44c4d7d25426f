/* What is not in the view, and since when: how far back the topics were read, and who had to make room. */
#include <stdlib.h>
#include <string.h>

#include "gateway/view_private.h"

#include "base/clock.h"
#include "base/xalloc.h"

enum { ROOM_PERCENT = 90 };              /* made at once, so that it is not looked for at every record */

/* ---- room */

static bool is_under_way(const struct generation *generation)
{
    return !status_is_end(generation->status) || generation->held_tokens > 0;
}

static bool has_work(const struct user *user)
{
    for (const struct generation *at = user->last; at; at = at->older)
        if (is_under_way(at))
            return true;
    return false;
}

/* What happened to this user goes; who it is, the balance and the counts stay. */
static void forget_facts(struct view *view, struct user *user)
{
    while (user->oldest)
        user_drop_fact(view, user);
    while (user->first)
        user_drop_generation(view, user->first);
    if (user->active_at_ms > user->since_ms)
        user->since_ms = user->active_at_ms;
}

/* The stream of somebody who is not known any more must not go on over the hole. */
static void raise_floors(struct view *view, const struct user *user)
{
    for (int t = 0; t < TOPIC_COUNT; t++) {
        struct floors *floors = &view->floors[t];
        int32_t partition = user->dropped_partition[t];
        if (partition < floors->count && floors->offsets[partition] <= user->dropped[t])
            floors->offsets[partition] = user->dropped[t] + 1;
    }
}

static void drop_whole(struct view *view, struct user *user)
{
    forget_facts(view, user);
    if (user->active_at_ms > view->dropped_ms)
        view->dropped_ms = user->active_at_ms;
    raise_floors(view, user);
    user_drop(view, user);
}

/* What of the users, idlest first, until it is enough. */
enum sacrifice { WHAT_HAPPENED, WHO_IS_IDLE, WHOEVER, SACRIFICES };

static void sacrifice(struct view *view, enum sacrifice which, const struct user *but)
{
    int64_t aim = view->bytes_max / 100 * ROOM_PERCENT;
    for (struct user *user = view->idlest, *next; user && view->bytes > aim; user = next) {
        next = user->fresher;
        if (user == but || user->watchers > 0 || (which != WHOEVER && has_work(user)))
            continue;
        if (which == WHAT_HAPPENED)
            forget_facts(view, user);
        else
            drop_whole(view, user);
    }
}

void view_make_room(struct view *view, const struct user *but)
{
    if (view->bytes > view->bytes_max)
        for (int which = WHAT_HAPPENED; which < SACRIFICES; which++)
            sacrifice(view, (enum sacrifice)which, but);
}

/* ---- how far back */

void view_floor(struct view *view, enum topic topic, int32_t partition, int32_t partitions, int64_t offset)
{
    struct floors *floors = &view->floors[topic];
    if (partitions > floors->count) {
        size_t more = (size_t)(partitions - floors->count);
        floors->offsets = xrealloc(floors->offsets, (size_t)partitions * sizeof *floors->offsets);
        floors->begun = xrealloc(floors->begun, (size_t)partitions * sizeof *floors->begun);
        memset(floors->offsets + floors->count, 0, more * sizeof *floors->offsets);
        memset(floors->begun + floors->count, 0, more * sizeof *floors->begun);
        floors->count = partitions;
    }
    floors->offsets[partition] = offset;
    floors->begun[partition] = false;
}

int64_t view_floor_of(const struct view *view, enum topic topic, int32_t partition)
{
    const struct floors *floors = &view->floors[topic];
    return partition >= 0 && partition < floors->count ? floors->offsets[partition] : 0;
}

void view_begin_partition(struct view *view, const struct place *place)
{
    struct floors *floors = &view->floors[place->topic];
    if (place->partition >= floors->count || floors->begun[place->partition])
        return;
    floors->begun[place->partition] = true;
    if (floors->offsets[place->partition] > 0 && place->at_ms > floors->since_ms)
        floors->since_ms = place->at_ms;
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t or_absent(int64_t since_ms) { return since_ms > 0 ? since_ms : EVENT_ABSENT; }

static int64_t read_since(const struct view *view)
{
    return later(view->floors[TOPIC_JOURNAL].since_ms,
                 later(view->floors[TOPIC_REQUESTS].since_ms, view->floors[TOPIC_RESULTS].since_ms));
}

int64_t view_since(const struct view *view)
{
    return or_absent(later(read_since(view), view->dropped_ms));
}

int64_t user_since(const struct view *view, const struct user *user)
{
    return or_absent(later(read_since(view), user ? user->since_ms : view->dropped_ms));
}

/* ---- the edge of the window */

/* true: its results are not here, but its journal entries tell enough. */
static bool settle_by_journal(struct generation *generation)
{
    if (!generation->held_at_ms && !generation->settled)
        return false;
    if (generation->held_tokens > 0 || !generation->settled) {
        if (generation->status == STATUS_PENDING)
            generation_to_status(generation, STATUS_ACCEPTED);
        return true;
    }
    generation_to_status(generation, generation->settled);
    return true;
}

/* A partition of which all has expired: that was as long ago as its topic is kept. */
static void begin_expired(struct view *view, int64_t now_ms)
{
    for (int t = 0; t < TOPIC_COUNT; t++)
        for (int32_t p = 0; p < view->floors[t].count; p++)
            view_begin_partition(view, &(struct place){ .topic = (enum topic)t, .partition = p,
                .at_ms = TOPICS[t].retention_ms > 0 ? now_ms - TOPICS[t].retention_ms : 0 });
}

void view_is_caught_up(struct view *view, int64_t now_ms)
{
    begin_expired(view, now_ms);
    int64_t since_ms = read_since(view);
    view->caught_up = true;
    for (struct user *user = view->freshest; user; user = user->idler)
        for (struct generation *at = user->last, *older; at; at = older) {
            older = at->older;
            if (!status_is_end(at->status) && !settle_by_journal(at) && at->updated_at_ms < since_ms)
                user_drop_generation(view, at);
        }
    size_t kept = view->letter_count < LETTERS_MAX ? view->letter_count : LETTERS_MAX;
    for (size_t i = 0; i < kept; i++)
        view_give_up(view, &view->letters[i]);
}
