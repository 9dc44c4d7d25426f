/* Recovery of one bucket: each step is one script over the side connection. */
#include "tokens/recovery.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "tokens/internal.h"
#include "tokens/words.h"

/* Asks a script that answers 'ok...' or 'differs'. */
static enum trouble step(struct tokens *tokens, int32_t bucket, enum script script,
                         const struct arguments *arguments)
{
    struct redis_reply *reply;
    enum trouble trouble = tokens_side_script(tokens, bucket, script, arguments, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *answer = redis_reply_text(reply, NULL);
    struct words words = { .at = answer ? answer : "" };
    if (words_take(&words, "differs")) {
        snprintf(tokens->reason, sizeof tokens->reason, "another recovery or another server");
        tokens->bad_bucket = bucket;
        trouble = TROUBLE_ABORT_BATCH;
    } else if (!words_take(&words, "ok")) {
        trouble = tokens_cannot(tokens, bucket, "a script's answer can't be read");
    }
    redis_reply_free(&reply);
    return trouble;
}

static void start(struct arguments *arguments, int32_t bucket)
{
    arguments_clear(arguments);
    arguments_key(arguments, bucket, "meta", NULL);
}

static void add_standing(struct arguments *arguments, const struct recovery *recovery)
{
    arguments_text(arguments, recovery->nonce);
    arguments_text(arguments, recovery->server);
}

/* line and journaled of meta, as stored; what is missing or too long is "" and 0. */
static enum trouble read_line(struct tokens *tokens, int32_t bucket, char line[33], int64_t *journaled)
{
    struct arguments arguments;
    struct redis_reply *reply;
    struct redis *node = tokens_side_node(tokens, bucket);
    start(&arguments, bucket);
    redis_append(node, 4, (const char *[]){ "HMGET", arguments.argv[0], "line", "journaled" },
                 (const size_t[]){ 5, arguments.lengths[0], 4, 9 });
    enum trouble trouble = tokens_side_receive(tokens, node, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    line[0] = '\0';
    *journaled = 0;
    if (redis_reply_count(reply) == 2) {
        size_t length;
        const char *text = redis_reply_text(redis_reply_at(reply, 0), &length);
        const char *offset = redis_reply_text(redis_reply_at(reply, 1), NULL);
        struct words words = { .at = offset ? offset : "0" };
        if (text && length < 33)
            memcpy(line, text, length + 1);
        *journaled = words_number(&words);
    }
    redis_reply_free(&reply);
    return TROUBLE_NONE;
}

enum trouble recovery_guard(struct tokens *tokens, int32_t bucket, bool *verified, char line[33],
                            int64_t *journaled)
{
    enum trouble trouble = tokens_ask_verified(tokens, bucket, verified);
    if (trouble != TROUBLE_NONE)
        return trouble;
    return read_line(tokens, bucket, line, journaled);
}

/* Where there are replicas, this server may have been promoted in the place of one that is only cut off. That one
 * goes on taking writes, guards among them, until its replicas have been silent for min-replicas-max-lag, and notices
 * only once a second. */
static enum trouble read_pause(struct tokens *tokens, int32_t bucket, struct recovery *recovery)
{
    enum { NOTICED_MS = 2000, LAG_UNKNOWN_MS = 10000 };      /* 10 s: Redis's own default */
    struct server_facts facts;
    enum trouble trouble = tokens_server_facts(tokens, tokens_side_node(tokens, bucket), &facts);
    if (trouble != TROUBLE_NONE)
        return trouble;
    bool replicated = redis_cluster_sharded(tokens->side) || facts.replicas > 0 || facts.good >= 0
                      || facts.promoted;
    if (replicated)
        recovery->pause_ms = (facts.lag_ms > 0 ? facts.lag_ms : LAG_UNKNOWN_MS) + NOTICED_MS;
    return TROUBLE_NONE;
}

enum trouble recovery_begin(struct tokens *tokens, int32_t bucket, struct recovery *recovery)
{
    struct arguments arguments;
    struct redis_reply *reply;
    *recovery = (struct recovery){ .bucket = bucket };
    must(bucket >= 0 && bucket < tokens->partitions);
    nonce_make(recovery->nonce);
    start(&arguments, bucket);
    arguments_text(&arguments, recovery->nonce);
    arguments_number(&arguments, tokens->partitions);
    tokens->verified[bucket][0] = '\0';
    enum trouble trouble = tokens_side_script(tokens, bucket, SCRIPT_BEGIN, &arguments, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *answer = redis_reply_text(reply, NULL);
    struct words words = { .at = answer ? answer : "" };
    words_text(&words, recovery->server, sizeof recovery->server);
    recovery->journaled = words_number(&words);
    if (words_take(&words, "-"))
        recovery->journaled = 0;
    else
        words_text(&words, recovery->line, sizeof recovery->line);
    if (!words_end(&words))
        trouble = tokens_cannot(tokens, bucket, "a script's answer can't be read");
    redis_reply_free(&reply);
    return trouble == TROUBLE_NONE ? read_pause(tokens, bucket, recovery) : trouble;
}

enum trouble recovery_forget(struct tokens *tokens, int32_t bucket)
{
    struct recovery recovery;
    struct arguments arguments;
    enum trouble trouble = recovery_begin(tokens, bucket, &recovery);
    if (trouble != TROUBLE_NONE)
        return trouble;
    start(&arguments, bucket);
    add_standing(&arguments, &recovery);
    return step(tokens, bucket, SCRIPT_EMPTY, &arguments);
}

enum trouble recovery_progress(struct tokens *tokens, int32_t bucket, int64_t *replayed)
{
    struct arguments arguments;
    struct redis_reply *reply;
    start(&arguments, bucket);
    *replayed = 0;
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    struct redis *node = tokens_side_node(tokens, bucket);
    redis_append(node, 3, (const char *[]){ "HGET", arguments.argv[0], "replayed" },
                 (const size_t[]){ 4, arguments.lengths[0], 8 });
    enum trouble trouble = tokens_side_receive(tokens, node, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *text = redis_reply_text(reply, NULL);
    struct words words = { .at = text ? text : "0" };
    *replayed = words_number(&words);
    redis_reply_free(&reply);
    return TROUBLE_NONE;
}

enum trouble recovery_stands(struct tokens *tokens, const struct recovery *recovery)
{
    struct arguments arguments;
    start(&arguments, recovery->bucket);
    add_standing(&arguments, recovery);
    return step(tokens, recovery->bucket, SCRIPT_STANDS, &arguments);
}

enum trouble recovery_verify(struct tokens *tokens, const struct recovery *recovery, int64_t journaled)
{
    struct arguments arguments;
    must(journaled >= 0);
    start(&arguments, recovery->bucket);
    add_standing(&arguments, recovery);
    arguments_number(&arguments, tokens->partitions);
    arguments_number(&arguments, journaled);
    return step(tokens, recovery->bucket, SCRIPT_VERIFY, &arguments);
}

enum trouble recovery_journaled(struct tokens *tokens, int32_t bucket, const char *line, int64_t journaled)
{
    struct arguments arguments;
    must(journaled >= 0);
    start(&arguments, bucket);
    arguments_text(&arguments, line);
    arguments_number(&arguments, journaled);
    return step(tokens, bucket, SCRIPT_JOURNALED, &arguments);
}
