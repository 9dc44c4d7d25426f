/* Emptying buckets. Redis can't list the keys of one bucket, so each step of SCAN goes over all keys of its server; one scan
 * serves every bucket there that is to be emptied, however many there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash_point.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "tokens/internal.h"
#include "tokens/recovery.h"
#include "tokens/words.h"

enum { SCAN_COUNT = 1000 };

static enum trouble scan(struct tokens *tokens, int32_t bucket, uint64_t cursor, struct redis_reply **reply)
{
    char at[24], count[16];
    snprintf(at, sizeof at, "%llu", (unsigned long long)cursor);
    snprintf(count, sizeof count, "%d", SCAN_COUNT);
    *reply = NULL;
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    struct redis *node = tokens_side_node(tokens, bucket);
    redis_append(node, 6, (const char *[]){ "SCAN", at, "MATCH", "rg:{*}:*", "COUNT", count }, NULL);
    enum trouble trouble = tokens_side_receive(tokens, node, reply);
    if (trouble == TROUBLE_NONE && redis_reply_count(*reply) != 2) {
        redis_reply_free(reply);
        trouble = tokens_cannot(tokens, -1, "SCAN's answer can't be read");
    }
    return trouble;
}

/* The bucket of each key that a step found; -1: none of ours, or a bucket's meta, which holds the nonce. */
static int32_t *buckets_of(const struct redis_reply *keys)
{
    int32_t *buckets = xcalloc(redis_reply_count(keys) + 1, sizeof *buckets);
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        const char *key = redis_reply_text(redis_reply_at(keys, i), NULL);
        char *close = NULL;
        long bucket = key && strncmp(key, "rg:{", 4) == 0 ? strtol(key + 4, &close, 10) : -1;
        bool ours = close && close > key + 4 && strncmp(close, "}:", 2) == 0 && strcmp(close, "}:meta") != 0;
        buckets[i] = ours && bucket >= 0 && bucket < INT32_MAX ? (int32_t)bucket : -1;
    }
    return buckets;
}

/* One call for one bucket: its keys of this step. false: there are none, and it need not be called. */
static bool send(struct tokens *tokens, const struct recovery *recovery, const struct redis_reply *keys,
                 const int32_t *buckets, bool first)
{
    struct arguments head;
    size_t room = redis_reply_count(keys) + 3, count = 0;
    const char **argv = xmalloc(room * sizeof *argv);
    size_t *lengths = xmalloc(room * sizeof *lengths);
    arguments_clear(&head);
    arguments_key(&head, recovery->bucket, "meta", NULL);
    argv[count] = head.argv[0];
    lengths[count++] = head.lengths[0];
    for (size_t i = 0; i < redis_reply_count(keys); i++)
        if (buckets[i] == recovery->bucket) {
            argv[count] = redis_reply_text(redis_reply_at(keys, i), &lengths[count]);
            count++;
        }
    const size_t found = count;
    argv[count] = recovery->nonce;
    lengths[count++] = strlen(recovery->nonce);
    argv[count] = recovery->server;
    lengths[count++] = strlen(recovery->server);
    if (first || found > 1)
        redis_append_script(tokens_side_node(tokens, recovery->bucket), SCRIPT_EMPTY, found, count, argv, lengths);
    free(argv);
    free(lengths);
    return first || found > 1;
}

static enum trouble receive(struct tokens *tokens, struct recovery *recovery)
{
    struct redis_reply *reply;
    enum trouble trouble = tokens_side_receive(tokens, tokens_side_node(tokens, recovery->bucket), &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *answer = redis_reply_text(reply, NULL);
    struct words words = { .at = answer ? answer : "" };
    if (words_take(&words, "differs"))
        recovery->over = true;
    else if (!words_take(&words, "ok"))
        trouble = tokens_cannot(tokens, recovery->bucket, "a script's answer can't be read");
    redis_reply_free(&reply);
    return trouble;
}

static enum trouble delete_keys(struct tokens *tokens, struct recovery *const *recoveries, size_t count,
                                const struct redis_reply *keys, bool first)
{
    int32_t *buckets = buckets_of(keys);
    bool *sent = xcalloc(count + 1, sizeof *sent);
    enum trouble trouble = TROUBLE_NONE;
    for (size_t i = 0; i < count; i++)
        if (!recoveries[i]->over)
            sent[i] = send(tokens, recoveries[i], keys, buckets, first);
    for (size_t i = 0; i < count && trouble == TROUBLE_NONE; i++)
        if (sent[i])
            trouble = receive(tokens, recoveries[i]);
    free(sent);
    free(buckets);
    return trouble;
}

enum trouble recovery_empty(struct tokens *tokens, struct recovery *const *recoveries, size_t count, uint64_t *cursor)
{
    struct redis_reply *reply;
    must(count > 0);
    enum trouble trouble = scan(tokens, recoveries[0]->bucket, *cursor, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *next = redis_reply_text(redis_reply_at(reply, 0), NULL);
    trouble = delete_keys(tokens, recoveries, count, redis_reply_at(reply, 1), *cursor == 0);
    crash_point(CRASH_RECOVERY_EMPTYING);
    if (trouble == TROUBLE_NONE)
        *cursor = next ? strtoull(next, NULL, 10) : 0;
    redis_reply_free(&reply);
    return trouble;
}
