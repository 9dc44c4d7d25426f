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

struct tokens *tokens_open(const struct tokens_config *config, char error[200])
{
    must(config->timeout_ms > 0 && config->dedupe_window_ms > 0 && config->refusal_window_ms > 0);
    struct redis_cluster *scripts = redis_cluster_open(config->redis_url, config->timeout_ms, error);
    if (!scripts)
        return NULL;
    struct redis_cluster *side = redis_cluster_open(config->redis_url, config->timeout_ms, error);
    struct tokens *tokens = xcalloc(1, sizeof *tokens);
    tokens->config = *config;
    tokens->config.redis_url = NULL;     /* may hold a password, and is not needed again */
    tokens->scripts = scripts;
    tokens->side = side;
    tokens->bad_bucket = -1;
    redis_cluster_scripts(scripts, tokens_script_sources(), SCRIPTS);
    redis_cluster_scripts(side, tokens_script_sources(), SCRIPTS);
    return tokens;
}

void tokens_close(struct tokens **tokens)
{
    if (!*tokens)
        return;
    redis_cluster_close(&(*tokens)->scripts);
    redis_cluster_close(&(*tokens)->side);
    free((*tokens)->slots);
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
    tokens->slots = xrealloc(tokens->slots, (size_t)journal_partitions * sizeof *tokens->slots);
    for (int32_t bucket = 0; bucket < journal_partitions; bucket++) {
        char tag[12];
        int length = snprintf(tag, sizeof tag, "%d", (int)bucket);
        tokens->slots[bucket] = (uint16_t)redis_slot(tag, (size_t)length);
    }
}

int32_t tokens_count(const struct tokens *tokens)
{
    return tokens->partitions;
}

int32_t tokens_bucket(const struct tokens *tokens, const char *user_id)
{
    must(tokens->partitions > 0);
    return bucket_of(user_id, strlen(user_id), tokens->partitions);
}

void tokens_drop(struct tokens *tokens)
{
    redis_cluster_break(tokens->scripts);
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

/* ---- one question over a side connection */

enum trouble tokens_side(struct tokens *tokens)
{
    if (redis_cluster_connect(tokens->side) == TROUBLE_NONE)
        return TROUBLE_NONE;
    return tokens_cannot(tokens, -1, redis_cluster_reason(tokens->side));
}

struct redis *tokens_side_node(struct tokens *tokens, int32_t bucket)
{
    return redis_cluster_node(tokens->side, tokens->slots[bucket]);
}

enum trouble tokens_side_receive(struct tokens *tokens, struct redis *node, struct redis_reply **reply)
{
    enum trouble trouble;
    if (redis_receive(node, reply) != TROUBLE_NONE) {
        trouble = tokens_cannot(tokens, -1, redis_reason(node));
    } else {
        if (redis_reply_kind(*reply) != REDIS_ERROR)
            return TROUBLE_NONE;
        trouble = tokens_cannot(tokens, -1, redis_reply_text(*reply, NULL));
        redis_reply_free(reply);
    }
    redis_cluster_break(tokens->side);   /* NOSCRIPT, MOVED and their like are cured by fresh connections */
    return trouble;
}

enum trouble tokens_side_script(struct tokens *tokens, int32_t bucket, enum script script,
                                const struct arguments *arguments, struct redis_reply **reply)
{
    *reply = NULL;
    must(tokens->replays.count == 0);    /* its answers would be taken for ours */
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    struct redis *node = tokens_side_node(tokens, bucket);
    redis_append_script(node, script, arguments->keys, arguments->count, arguments->argv, arguments->lengths);
    return tokens_side_receive(tokens, node, reply);
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

enum trouble tokens_ask_verified(struct tokens *tokens, int32_t bucket, bool *verified)
{
    struct arguments arguments;
    struct redis_reply *reply;
    *verified = false;
    must(bucket >= 0 && bucket < tokens->partitions);
    arguments_clear(&arguments);
    arguments_key(&arguments, bucket, "meta", NULL);
    arguments_text(&arguments, "");
    enum trouble trouble = tokens_side_script(tokens, bucket, SCRIPT_GUARD, &arguments, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *answer = redis_reply_text(reply, NULL);
    *verified = answer && tokens_adopt(tokens, bucket, answer);
    redis_reply_free(&reply);
    return TROUBLE_NONE;
}

void tokens_append_guard(struct tokens *tokens, int32_t bucket)
{
    struct arguments arguments;
    arguments_clear(&arguments);
    arguments_key(&arguments, bucket, "meta", NULL);
    arguments_text(&arguments, "");
    redis_append_script(tokens_side_node(tokens, bucket), SCRIPT_GUARD, arguments.keys, arguments.count,
                        arguments.argv, arguments.lengths);
}

void tokens_unlearn(struct tokens *tokens)
{
    for (int32_t bucket = 0; bucket < tokens->partitions; bucket++)
        tokens->verified[bucket][0] = '\0';
}

enum trouble tokens_learn(struct tokens *tokens)
{
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    for (int32_t bucket = 0; bucket < tokens->partitions; bucket++)
        if (!tokens->verified[bucket][0])
            tokens_append_guard(tokens, bucket);
    redis_cluster_send(tokens->side);    /* its trouble, if any, is told by the first reply */
    for (int32_t bucket = 0; bucket < tokens->partitions; bucket++) {
        struct redis_reply *reply;
        if (tokens->verified[bucket][0])
            continue;
        enum trouble trouble = tokens_side_receive(tokens, tokens_side_node(tokens, bucket), &reply);
        if (trouble != TROUBLE_NONE)
            return trouble;
        const char *verified = redis_reply_text(reply, NULL);
        tokens_adopt(tokens, bucket, verified ? verified : "");
        redis_reply_free(&reply);
    }
    return TROUBLE_NONE;
}
