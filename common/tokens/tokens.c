#include "tokens/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "base/text.h"
#include "tokens/internal.h"
#include "tokens/words.h"

struct tokens *tokens_open(const struct tokens_config *config, char error[200])
{
    must(config->timeout_ms > 0 && config->dedupe_window_ms > 0 && config->refusal_window_ms > 0);
    struct redis *scripts = redis_open(config->redis_url, config->timeout_ms, error);
    struct redis *side = scripts ? redis_open(config->redis_url, config->timeout_ms, error) : NULL;
    if (!side) {
        redis_close(&scripts);
        return NULL;
    }
    struct tokens *tokens = xcalloc(1, sizeof *tokens);
    tokens->config = *config;
    tokens->config.redis_url = NULL;     /* may hold a password, and is not needed again */
    tokens->scripts = scripts;
    tokens->side = side;
    tokens->bad_bucket = -1;
    redis_scripts(scripts, script_sources, SCRIPTS);
    redis_scripts(side, script_sources, SCRIPTS);
    return tokens;
}

void tokens_close(struct tokens **tokens)
{
    if (!*tokens)
        return;
    redis_close(&(*tokens)->scripts);
    redis_close(&(*tokens)->side);
    free((*tokens)->verified);
    free(*tokens);
    *tokens = NULL;
}

void tokens_partitions(struct tokens *tokens, int32_t journal_partitions)
{
    must(journal_partitions > 0);
    if (tokens->partitions == journal_partitions)
        return;
    tokens_drop(tokens);                 /* calls under way were made for other buckets */
    tokens->partitions = journal_partitions;
    free(tokens->verified);
    tokens->verified = xcalloc((size_t)journal_partitions, sizeof *tokens->verified);
}

int32_t tokens_bucket(const struct tokens *tokens, const char *user_id)
{
    must(tokens->partitions > 0);
    return bucket_of(user_id, strlen(user_id), tokens->partitions);
}

void tokens_drop(struct tokens *tokens)
{
    redis_break(tokens->scripts);
    tokens->epoch++;
    tokens->appended = 0;
    tokens->received = 0;
    tokens->last = NULL;
}

/* ---- saying why */

static bool said_lately(struct tokens *tokens, const char *reason)
{
    int64_t now_ms = clock_mono_ms();
    struct said *oldest = &tokens->said[0];
    for (int i = 0; i < REASONS; i++) {
        struct said *said = &tokens->said[i];
        if (strncmp(said->reason, reason, sizeof said->reason - 1) == 0) {
            if (now_ms - said->at_ms < QUIET_MS)
                return true;
            oldest = said;
            break;
        }
        if (said->at_ms < oldest->at_ms)
            oldest = said;
    }
    snprintf(oldest->reason, sizeof oldest->reason, "%.*s", (int)sizeof oldest->reason - 1, reason);
    oldest->at_ms = now_ms;
    return false;
}

enum trouble tokens_cannot(struct tokens *tokens, int32_t bucket, const char *reason)
{
    tokens->bad_bucket = bucket;
    if (reason != tokens->reason)
        snprintf(tokens->reason, sizeof tokens->reason, "%s", reason);
    if (said_lately(tokens, tokens->reason))
        return TROUBLE_RETRY;
    if (bucket >= 0)
        log_warn("Failed to check token balance", LOG_TEXT("reason", tokens->reason),
                 LOG_NUMBER("bucket", bucket));
    else
        log_warn("Failed to check token balance", LOG_TEXT("reason", tokens->reason));
    return TROUBLE_RETRY;
}

int32_t tokens_unverified(const struct tokens *tokens, const char **reason)
{
    if (reason)
        *reason = tokens->reason;
    return tokens->bad_bucket;
}

/* ---- one question over the side connection */

enum trouble tokens_side_receive(struct tokens *tokens, struct redis_reply **reply)
{
    if (redis_receive(tokens->side, reply) != TROUBLE_NONE)
        return tokens_cannot(tokens, -1, redis_reason(tokens->side));
    if (redis_reply_kind(*reply) != REDIS_ERROR)
        return TROUBLE_NONE;
    enum trouble trouble = tokens_cannot(tokens, -1, redis_reply_text(*reply, NULL));
    redis_reply_free(reply);
    redis_break(tokens->side);           /* NOSCRIPT and its like are cured by a fresh connection */
    return trouble;
}

enum trouble tokens_side_script(struct tokens *tokens, enum script script, const struct arguments *arguments,
                                struct redis_reply **reply)
{
    *reply = NULL;
    if (redis_connect(tokens->side) != TROUBLE_NONE)
        return tokens_cannot(tokens, -1, redis_reason(tokens->side));
    redis_append_script(tokens->side, script, arguments->keys, arguments->count, arguments->argv,
                        arguments->lengths);
    return tokens_side_receive(tokens, reply);
}

/* A managed Redis with replicas must not acknowledge what only it has (design, section 5). */
static enum trouble judge(struct tokens *tokens, const char *answer, char reason[200])
{
    struct words words = { .at = answer };
    char role[16], policy[32];
    words_text(&words, role, sizeof role);
    words_text(&words, policy, sizeof policy);
    int64_t replicas = words_number(&words);
    int64_t least_set = words_number(&words);
    tokens->has_replicas = replicas > 0;
    if (!words_end(&words)) {
        snprintf(reason, 200, "Redis's INFO can't be read");
        return TROUBLE_RETRY;
    }
    if (strcmp(role, "master") != 0)
        snprintf(reason, 200, "the address is a replica's: give the primary's");
    else if (strcmp(policy, "noeviction") != 0)
        snprintf(reason, 200, "maxmemory-policy is %s, which may drop balances: set it to noeviction",
                 policy);
    else if (replicas > 0 && !least_set)
        snprintf(reason, 200,
                 "Redis has replicas: set min-replicas-to-write to 1 or more, and min-replicas-max-lag");
    else
        return TROUBLE_NONE;
    return TROUBLE_RESTART;
}

enum trouble tokens_check(struct tokens *tokens, char reason[200])
{
    struct arguments arguments;
    struct redis_reply *reply;
    reason[0] = '\0';
    arguments_clear(&arguments);
    enum trouble trouble = tokens_side_script(tokens, SCRIPT_CHECK, &arguments, &reply);
    if (trouble != TROUBLE_NONE) {
        snprintf(reason, 200, "%s", tokens->reason);
        return trouble;
    }
    const char *answer = redis_reply_text(reply, NULL);
    trouble = judge(tokens, answer ? answer : "", reason);
    redis_reply_free(&reply);
    return trouble;
}

/* ---- what is verified */

/* "<run id>:<replication id>:<partitions>:<nonce>" */
bool tokens_adopt(struct tokens *tokens, int32_t bucket, const char *verified)
{
    const char *ids = strchr(verified, ':');
    const char *partitions = ids ? strchr(ids + 1, ':') : NULL;
    char *own = tokens->verified[bucket];
    own[0] = '\0';
    if (!partitions || strlen(verified) >= VERIFIED_BYTES)
        return false;
    if (strtol(partitions + 1, NULL, 10) != tokens->partitions)
        /* a recovery under another count of journal partitions says nothing to us */
        return false;
    text_copy(own, VERIFIED_BYTES, verified);
    return true;
}

void tokens_append_guard(struct tokens *tokens, int32_t bucket)
{
    struct arguments arguments;
    arguments_clear(&arguments);
    arguments_key(&arguments, bucket, "meta", NULL);
    arguments_text(&arguments, "");
    redis_append_script(tokens->side, SCRIPT_GUARD, arguments.keys, arguments.count, arguments.argv,
                        arguments.lengths);
}

enum trouble tokens_learn(struct tokens *tokens)
{
    if (redis_connect(tokens->side) != TROUBLE_NONE)
        return tokens_cannot(tokens, -1, redis_reason(tokens->side));
    for (int32_t bucket = 0; bucket < tokens->partitions; bucket++)
        if (!tokens->verified[bucket][0])
            tokens_append_guard(tokens, bucket);
    for (int32_t bucket = 0; bucket < tokens->partitions; bucket++) {
        struct redis_reply *reply;
        if (tokens->verified[bucket][0])
            continue;
        enum trouble trouble = tokens_side_receive(tokens, &reply);
        if (trouble != TROUBLE_NONE)
            return trouble;
        const char *verified = redis_reply_text(reply, NULL);
        tokens_adopt(tokens, bucket, verified ? verified : "");
        redis_reply_free(&reply);
    }
    return TROUBLE_NONE;
}
