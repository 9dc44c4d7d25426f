/* Is Redis fit for accounts? Asked at start, once a minute and after an outage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokens/internal.h"
#include "tokens/words.h"

/* ---- what a server says of itself */

static bool read_facts(const char *answer, struct server_facts *facts)
{
    struct words words = { .at = answer };
    *facts = (struct server_facts){ 0 };
    words_text(&words, facts->role, sizeof facts->role);
    words_text(&words, facts->policy, sizeof facts->policy);
    facts->replicas = words_number(&words);
    facts->good = words_number(&words);
    facts->promoted = words_number(&words) != 0;
    return words_end(&words);
}

/* [name, value, name, value...] */
static void read_limits(const struct redis_reply *reply, struct server_facts *facts)
{
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        const char *name = redis_reply_text(redis_reply_at(reply, i), NULL);
        const char *value = redis_reply_text(redis_reply_at(reply, i + 1), NULL);
        struct words words = { .at = value ? value : "0" };
        if (name && strcmp(name, "min-replicas-to-write") == 0)
            facts->to_write = words_number(&words);
        else if (name && strcmp(name, "min-replicas-max-lag") == 0)
            facts->lag_ms = 1000 * words_number(&words);
    }
}

enum trouble tokens_server_facts(struct tokens *tokens, struct redis *node, struct server_facts *facts)
{
    struct redis_reply *reply;
    redis_append_script(node, SCRIPT_CHECK, 0, 0, NULL, NULL);
    enum trouble trouble = tokens_side_receive(tokens, node, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *answer = redis_reply_text(reply, NULL);
    bool read = answer && read_facts(answer, facts);
    redis_reply_free(&reply);
    if (!read)
        return tokens_cannot(tokens, -1, "Redis's INFO can't be read");
    if (facts->good < 0)
        return TROUBLE_NONE;
    redis_append(node, 3, (const char *[]){ "CONFIG", "GET", "min-replicas-*" }, NULL);
    trouble = tokens_side_receive(tokens, node, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    read_limits(reply, facts);
    redis_reply_free(&reply);
    return TROUBLE_NONE;
}

/* ---- judging it */

struct judgement { struct tokens *tokens; char *reason; };      /* reason: room for 200 */

static enum trouble because(const struct judgement *judgement, enum trouble trouble, const char *words)
{
    snprintf(judgement->reason, 200, "%s", words);
    return trouble;
}

/* What was a primary when we began and is none now has lost a failover: its address, or another one of them, will lead
 * to the new one, so the connections to it are given up. */
static enum trouble judge_role(const struct judgement *judgement)
{
    struct tokens *tokens = judgement->tokens;
    if (!tokens->was_fit && !redis_cluster_sharded(tokens->side))
        return because(judgement, TROUBLE_RESTART, "the address is a replica's: give the primary's");
    redis_cluster_break(tokens->side);
    return because(judgement, TROUBLE_RETRY, "this Redis is a replica now: waiting for the address of the primary");
}

/* A Redis with replicas must not acknowledge what only it has (design, section 5). */
static enum trouble judge_replicas(const struct judgement *judgement, const struct server_facts *facts)
{
    bool sharded = redis_cluster_sharded(judgement->tokens->side);
    if ((sharded || facts->replicas > 0) && facts->good < 0)
        return because(judgement, TROUBLE_RESTART,
                       sharded ? "this is a Redis Cluster: set min-replicas-to-write to 1 or more, and "
                                 "min-replicas-max-lag, on every node"
                               : "Redis has replicas: set min-replicas-to-write to 1 or more, and "
                                 "min-replicas-max-lag");
    if (facts->good >= 0 && facts->good < facts->to_write) {
        snprintf(judgement->reason, 200, "Redis takes no writes: %d of %d replicas are in time (min-replicas-to-write)",
                 (int)facts->good, (int)facts->to_write);
        redis_cluster_break(judgement->tokens->side);        /* it may be the old one: another address has the new */
        return TROUBLE_RETRY;
    }
    return TROUBLE_NONE;
}

static enum trouble judge(const struct judgement *judgement, const struct server_facts *facts)
{
    if (strcmp(facts->role, "master") != 0)
        return judge_role(judgement);
    if (strcmp(facts->policy, "noeviction") != 0) {
        snprintf(judgement->reason, 200, "maxmemory-policy is %s, which may drop balances: set it to noeviction",
                 facts->policy);
        return TROUBLE_RESTART;
    }
    return judge_replicas(judgement, facts);
}

/* A Cluster in which some slots are not served serves none, as it is set up by default. */
static enum trouble judge_cluster(const struct judgement *judgement, struct redis *node)
{
    struct redis_reply *reply;
    if (!redis_cluster_sharded(judgement->tokens->side))
        return TROUBLE_NONE;
    redis_append(node, 2, (const char *[]){ "CLUSTER", "INFO" }, NULL);
    enum trouble trouble = tokens_side_receive(judgement->tokens, node, &reply);
    if (trouble != TROUBLE_NONE)
        return because(judgement, trouble, judgement->tokens->reason);
    const char *text = redis_reply_text(reply, NULL);
    bool well = text && strstr(text, "cluster_state:ok");
    redis_reply_free(&reply);
    if (well)
        return TROUBLE_NONE;
    redis_cluster_break(judgement->tokens->side);        /* the next connect takes its map anew */
    return because(judgement, TROUBLE_RETRY, "the Redis Cluster is down (cluster_state is not ok)");
}

enum trouble tokens_check(struct tokens *tokens, char reason[200])
{
    struct judgement judgement = { tokens, reason };
    bool replicated = false;
    reason[0] = '\0';
    if (tokens_side(tokens) != TROUBLE_NONE)
        return because(&judgement, TROUBLE_RETRY, tokens->reason);
    for (size_t i = 0; i < redis_cluster_count(tokens->side); i++) {
        struct redis *node = redis_cluster_at(tokens->side, i);
        struct server_facts facts;
        enum trouble trouble = tokens_server_facts(tokens, node, &facts);
        if (trouble != TROUBLE_NONE)
            return because(&judgement, trouble, tokens->reason);
        trouble = judge(&judgement, &facts);
        if (trouble == TROUBLE_NONE)
            trouble = judge_cluster(&judgement, node);
        if (trouble != TROUBLE_NONE)
            return trouble;
        replicated |= facts.good >= 0;
    }
    tokens->has_replicas = replicated;
    tokens->was_fit = true;
    return TROUBLE_NONE;
}
