/* The two steps of a recovery that carry many keys: replaying entries and emptying the bucket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "tokens/internal.h"
#include "tokens/recovery.h"
#include "tokens/words.h"

enum {
    CHUNK = 100,             /* entries a call: about a millisecond of Redis's time */
    KEYS_EACH = 3, ARGS_EACH = 9, HEAD_KEYS = 3, HEAD_ARGS = 4,
    VALUES = HEAD_KEYS + HEAD_ARGS + CHUNK * (KEYS_EACH + ARGS_EACH),
    SCAN_COUNT = 1000,
};

/* Keys and arguments of one call, gathered from one struct arguments per entry. */
struct chunk {
    const char *argv[VALUES];
    size_t lengths[VALUES];
    size_t keys, count;
    struct arguments head, each[CHUNK];
};

static void take(struct chunk *chunk, const struct arguments *from, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++, chunk->count++) {
        chunk->argv[chunk->count] = from->argv[i];
        chunk->lengths[chunk->count] = from->lengths[i];
    }
}

static const char *const kind_names[] = {
    [ENTRY_GRANT] = "grant",
    [ENTRY_RESERVE] = "reserve",
    [ENTRY_COMMIT] = "commit",
    [ENTRY_RELEASE] = "release",
};

static void put_entry(struct arguments *arguments, int32_t bucket, const struct recovery_entry *entry)
{
    arguments_clear(arguments);
    arguments_key(arguments, bucket, "user", entry->user_id);
    arguments_key(arguments, bucket, entry->kind == ENTRY_GRANT ? "grant" : "gen", entry->id);
    arguments_day_key(arguments, bucket, entry->at_ms);
    arguments_text(arguments, kind_names[entry->kind]);
    arguments_text(arguments, entry->user_id);
    arguments_text(arguments, entry->id);
    arguments_number(arguments, entry->amount_tokens);
    arguments_text(arguments, entry->origin);
    arguments_text(arguments, entry->kind == ENTRY_RESERVE ? entry->fingerprint : NULL);
    if (entry->kind == ENTRY_RESERVE)
        arguments_quote(arguments, &entry->quote);
    else
        arguments_text(arguments, NULL);
    arguments_balance(arguments, &entry->balance);
    arguments_number(arguments, entry->at_ms);
}

static void put_chunk(struct chunk *chunk, const struct tokens *tokens, const struct recovery *recovery,
                      const struct recovery_entry *entries, size_t count)
{
    arguments_clear(&chunk->head);
    arguments_key(&chunk->head, recovery->bucket, "meta", NULL);
    arguments_key(&chunk->head, recovery->bucket, "open", NULL);
    arguments_key(&chunk->head, recovery->bucket, "top", NULL);
    arguments_text(&chunk->head, recovery->nonce);
    arguments_text(&chunk->head, recovery->server);
    arguments_number(&chunk->head, clock_wall_ms());
    arguments_number(&chunk->head, tokens->config.dedupe_window_ms);
    chunk->count = 0;
    take(chunk, &chunk->head, 0, HEAD_KEYS);
    for (size_t i = 0; i < count; i++) {
        put_entry(&chunk->each[i], recovery->bucket, &entries[i]);
        take(chunk, &chunk->each[i], 0, KEYS_EACH);
    }
    chunk->keys = chunk->count;
    take(chunk, &chunk->head, HEAD_KEYS, HEAD_KEYS + HEAD_ARGS);
    for (size_t i = 0; i < count; i++)
        take(chunk, &chunk->each[i], KEYS_EACH, KEYS_EACH + ARGS_EACH);
}

/* Reads an answer that is 'ok...' or 'differs'. */
static enum trouble receive(struct tokens *tokens, int32_t bucket)
{
    struct redis_reply *reply;
    enum trouble trouble = tokens_side_receive(tokens, tokens_side_node(tokens, bucket), &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *answer = redis_reply_text(reply, NULL);
    struct words words = { .at = answer ? answer : "" };
    if (words_take(&words, "differs"))
        trouble = TROUBLE_ABORT_BATCH;
    else if (!words_take(&words, "ok"))
        trouble = tokens_cannot(tokens, bucket, "a script's answer can't be read");
    redis_reply_free(&reply);
    return trouble;
}

enum trouble recovery_replay(struct tokens *tokens, const struct recovery *recovery,
                             const struct recovery_entry *entries, size_t count)
{
    enum trouble trouble = TROUBLE_NONE;
    struct chunk *chunk = xmalloc(sizeof *chunk);
    for (size_t done = 0; done < count && trouble == TROUBLE_NONE; done += CHUNK) {
        size_t some = count - done < CHUNK ? count - done : CHUNK;
        put_chunk(chunk, tokens, recovery, entries + done, some);
        trouble = tokens_side(tokens);
        if (trouble != TROUBLE_NONE)
            break;
        redis_append_script(tokens_side_node(tokens, recovery->bucket), SCRIPT_REPLAY, chunk->keys,
                            chunk->count, chunk->argv, chunk->lengths);
        trouble = receive(tokens, recovery->bucket);
        crash_point(CRASH_RECOVERY_REPLAYING);
    }
    free(chunk);
    return trouble;
}

/* ---- emptying */

/* One step of SCAN over the bucket's keys: the next cursor, and the keys in reply. */
static enum trouble scan(struct tokens *tokens, const struct recovery *recovery, struct redis_reply **reply)
{
    char cursor[24], pattern[32], count[16];
    snprintf(cursor, sizeof cursor, "%llu", (unsigned long long)recovery->cursor);
    snprintf(pattern, sizeof pattern, "rg:{%d}:*", recovery->bucket);
    snprintf(count, sizeof count, "%d", SCAN_COUNT);
    *reply = NULL;
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    struct redis *node = tokens_side_node(tokens, recovery->bucket);
    redis_append(node, 6, (const char *[]){ "SCAN", cursor, "MATCH", pattern, "COUNT", count }, NULL);
    enum trouble trouble = tokens_side_receive(tokens, node, reply);
    if (trouble == TROUBLE_NONE && redis_reply_count(*reply) != 2) {
        redis_reply_free(reply);
        trouble = tokens_cannot(tokens, recovery->bucket, "SCAN's answer can't be read");
    }
    return trouble;
}

static enum trouble delete_keys(struct tokens *tokens, const struct recovery *recovery,
                                const struct redis_reply *found)
{
    struct arguments head;
    size_t room = redis_reply_count(found) + 3, count = 0;
    const char **argv = xmalloc(room * sizeof *argv);
    size_t *lengths = xmalloc(room * sizeof *lengths);
    arguments_clear(&head);
    arguments_key(&head, recovery->bucket, "meta", NULL);
    argv[count] = head.argv[0];
    lengths[count++] = head.lengths[0];
    for (size_t i = 0; i < redis_reply_count(found); i++) {
        size_t length;
        const char *key = redis_reply_text(redis_reply_at(found, i), &length);
        if (!key || (length == head.lengths[0] && memcmp(key, head.argv[0], length) == 0))
            continue;                    /* meta holds the nonce of this recovery */
        argv[count] = key;
        lengths[count++] = length;
    }
    size_t keys = count;
    argv[count] = recovery->nonce;
    lengths[count++] = strlen(recovery->nonce);
    argv[count] = recovery->server;
    lengths[count++] = strlen(recovery->server);
    redis_append_script(tokens_side_node(tokens, recovery->bucket), SCRIPT_EMPTY, keys, count, argv, lengths);
    free(argv);
    free(lengths);
    return receive(tokens, recovery->bucket);
}

enum trouble recovery_empty(struct tokens *tokens, struct recovery *recovery, bool *done)
{
    struct redis_reply *reply;
    *done = false;
    enum trouble trouble = scan(tokens, recovery, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *next = redis_reply_text(redis_reply_at(reply, 0), NULL);
    uint64_t cursor = next ? strtoull(next, NULL, 10) : 0;
    trouble = delete_keys(tokens, recovery, redis_reply_at(reply, 1));
    redis_reply_free(&reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    crash_point(CRASH_RECOVERY_EMPTYING);
    recovery->cursor = cursor;
    *done = cursor == 0;
    if (*done)
        recovery->line[0] = '\0';
    return TROUBLE_NONE;
}
