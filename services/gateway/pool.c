#include "gateway/pool.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/must.h"

void pool_open(struct pool *pool)
{
    pthread_condattr_t monotonic;
    pool->count = 0;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->given, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void pool_close(struct pool *pool)
{
    pthread_cond_destroy(&pool->given);
    pthread_mutex_destroy(&pool->mutex);
}

void *pool_take(struct pool *pool, int wait_ms)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
    int waited = 0;
    must(pthread_mutex_lock(&pool->mutex) == 0);
    while (pool->count == 0 && waited == 0)
        waited = pthread_cond_timedwait(&pool->given, &pool->mutex, &until);
    void *handle = pool->count > 0 ? pool->free[--pool->count] : NULL;
    must(pthread_mutex_unlock(&pool->mutex) == 0);
    return handle;
}

static void give(struct pool *pool, void *handle, bool last)
{
    must(pthread_mutex_lock(&pool->mutex) == 0);
    must(pool->count < POOL_MAX);
    pool->free[pool->count++] = handle;
    if (last) {
        memmove(pool->free + 1, pool->free, (size_t)(pool->count - 1) * sizeof *pool->free);
        pool->free[0] = handle;
    }
    pthread_cond_signal(&pool->given);
    must(pthread_mutex_unlock(&pool->mutex) == 0);
}

void pool_give(struct pool *pool, void *handle)
{
    give(pool, handle, false);
}

void pool_give_last(struct pool *pool, void *handle)
{
    give(pool, handle, true);
}
