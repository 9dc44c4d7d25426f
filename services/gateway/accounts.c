#include "gateway/accounts.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/pool.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/service.h"

enum { DOWN_MS = 500, STALE_MS = 100, REFUSAL_WINDOW_MS = 60 * 60 * 1000 };

struct accounts {
    struct pool pool;
    struct tokens *handles[POOL_MAX]; int count;
    int timeout_ms;
    atomic_int_least32_t partitions;             /* 0: not known yet */
    atomic_int_least64_t down_until_ms;
};

struct accounts *accounts_open(const struct gateway_settings *settings)
{
    char error[200];
    struct accounts *accounts = xcalloc(1, sizeof *accounts);
    accounts->count = (int)settings->redis_connections;
    accounts->timeout_ms = (int)settings->redis.redis_timeout_ms;
    pool_open(&accounts->pool);
    for (int i = 0; i < accounts->count; i++) {
        accounts->handles[i] = tokens_open(&(struct tokens_config){
            .redis_url = settings->redis.redis_url, .timeout_ms = accounts->timeout_ms,
            .dedupe_window_ms = settings->redis.dedupe_window_ms, .refusal_window_ms = REFUSAL_WINDOW_MS },
                error);
        if (!accounts->handles[i])
            service_refuse("redis_url", NULL, error);        /* it may hold a password */
        pool_give(&accounts->pool, accounts->handles[i]);
    }
    return accounts;
}

void accounts_close(struct accounts **closing)
{
    struct accounts *accounts = *closing;
    if (!accounts)
        return;
    for (int i = 0; i < accounts->count; i++)
        tokens_close(&accounts->handles[i]);
    pool_close(&accounts->pool);
    free(accounts);
    *closing = NULL;
}

void accounts_partitions(struct accounts *accounts, int32_t journal_partitions)
{
    atomic_store(&accounts->partitions, journal_partitions);
}

static struct tokens *take(struct accounts *accounts)
{
    int32_t partitions = atomic_load(&accounts->partitions);
    if (partitions == 0 || clock_mono_ms() < atomic_load(&accounts->down_until_ms))
        return NULL;
    struct tokens *tokens = pool_take(&accounts->pool, accounts->timeout_ms);
    if (tokens)
        tokens_partitions(tokens, partitions);
    return tokens;
}

static enum trouble give(struct accounts *accounts, struct tokens *tokens, enum trouble trouble)
{
    if (trouble != TROUBLE_NONE)
        atomic_store(&accounts->down_until_ms, clock_mono_ms() + DOWN_MS);
    pool_give(&accounts->pool, tokens);
    return trouble;
}

/* A connection may be the one to a server that has been restarted: that shows at once, and the next is
 * fresh. A server that hangs is not asked twice. */
static bool try_again(enum trouble trouble, int64_t began_ms)
{
    return trouble != TROUBLE_NONE && clock_mono_ms() - began_ms < STALE_MS;
}

enum trouble accounts_balance(struct accounts *accounts, const char *user_id, struct balance *balance,
                              bool *verified)
{
    int64_t began_ms = clock_mono_ms();
    struct tokens *tokens = take(accounts);
    if (!tokens)
        return TROUBLE_RETRY;
    enum trouble trouble = tokens_balance(tokens, user_id, balance, verified);
    if (try_again(trouble, began_ms))
        trouble = tokens_balance(tokens, user_id, balance, verified);
    return give(accounts, tokens, trouble);
}

enum trouble accounts_generation(struct accounts *accounts, const char *user_id, const char *generation_id,
                                 struct tokens_generation *generation, bool *found)
{
    int64_t began_ms = clock_mono_ms();
    struct tokens *tokens = take(accounts);
    *found = false;
    if (!tokens)
        return TROUBLE_RETRY;
    enum trouble trouble = tokens_generation(tokens, user_id, generation_id, generation, found);
    if (try_again(trouble, began_ms))
        trouble = tokens_generation(tokens, user_id, generation_id, generation, found);
    return give(accounts, tokens, trouble);
}

bool accounts_well(struct accounts *accounts, char reason[200])
{
    int64_t began_ms = clock_mono_ms();
    snprintf(reason, 200, "does not answer");
    struct tokens *tokens = pool_take(&accounts->pool, accounts->timeout_ms);
    if (!tokens)
        return false;
    enum trouble trouble = tokens_check(tokens, reason);
    if (try_again(trouble, began_ms))
        trouble = tokens_check(tokens, reason);
    if (trouble == TROUBLE_NONE)
        atomic_store(&accounts->down_until_ms, 0);
    pool_give(&accounts->pool, tokens);
    return trouble == TROUBLE_NONE;
}
