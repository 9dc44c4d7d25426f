#include "gateway/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/must.h"
#include "base/xalloc.h"

/* A user's place is one of WAYS after a hash. When all are taken by others, the one that was used longest
 * ago goes: whoever comes back after that finds a full bucket, which costs nothing but patience with very
 * many users. */
enum { PLACES = 1 << 14, WAYS = 8 };

struct place { char user_id[ID_LENGTH_MAX + 1]; int64_t micro_permits, filled_at_ms; };
struct limits {
    pthread_mutex_t mutex;
    int64_t per_minute, at_once;
    struct place places[PLACES + WAYS];
};

enum { MICRO = 1000000, MINUTE_MS = 60000 };

struct limits *limits_open(int64_t per_minute, int64_t at_once)
{
    struct limits *limits = xcalloc(1, sizeof *limits);
    pthread_mutex_init(&limits->mutex, NULL);
    limits->per_minute = per_minute;
    limits->at_once = at_once > 0 ? at_once : 1;
    return limits;
}

void limits_close(struct limits **limits)
{
    if (!*limits)
        return;
    pthread_mutex_destroy(&(*limits)->mutex);
    free(*limits);
    *limits = NULL;
}

static struct place *place_of(struct limits *limits, const char *user_id, int64_t now_ms)
{
    uint32_t hash = 2166136261U;
    for (const char *c = user_id; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619U;
    struct place *first = &limits->places[hash % PLACES], *oldest = first;
    for (struct place *place = first; place < first + WAYS; place++) {
        if (strcmp(place->user_id, user_id) == 0)
            return place;
        if (place->filled_at_ms < oldest->filled_at_ms)
            oldest = place;
    }
    *oldest = (struct place){ .micro_permits = limits->at_once * MICRO, .filled_at_ms = now_ms };
    snprintf(oldest->user_id, sizeof oldest->user_id, "%s", user_id);
    return oldest;
}

int64_t limits_take(struct limits *limits, const char *user_id, int64_t now_ms)
{
    must(pthread_mutex_lock(&limits->mutex) == 0);
    struct place *place = place_of(limits, user_id, now_ms);
    int64_t passed_ms = now_ms - place->filled_at_ms;
    if (passed_ms > MINUTE_MS)
        passed_ms = MINUTE_MS;
    place->micro_permits += passed_ms * limits->per_minute * MICRO / MINUTE_MS;
    place->filled_at_ms = now_ms;
    if (place->micro_permits > limits->at_once * MICRO)
        place->micro_permits = limits->at_once * MICRO;
    int64_t wait_ms = 0;
    if (place->micro_permits >= MICRO)
        place->micro_permits -= MICRO;
    else
        wait_ms = (MICRO - place->micro_permits) * MINUTE_MS / (limits->per_minute * MICRO) + 1;
    must(pthread_mutex_unlock(&limits->mutex) == 0);
    return wait_ms;
}
