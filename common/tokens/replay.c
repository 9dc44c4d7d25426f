/* Replaying entries: scripts that carry many keys, several of them under way. */
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
    /* Entries a call: some 5 ms of Redis's time, and each call costs it an fsync. */
    CHUNK = 200,
    KEYS_EACH = 3, ARGS_EACH = 9, HEAD_KEYS = 3, HEAD_ARGS = 5,
    VALUES = HEAD_KEYS + HEAD_ARGS + CHUNK * (KEYS_EACH + ARGS_EACH),
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
    arguments_number(&chunk->head, recovery->replayed);
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

/* ---- several scripts of a replay under way */

static void note_differs(struct replays *replays, int32_t bucket)
{
    for (size_t i = 0; i < replays->differ_count; i++)
        if (replays->differ[i] == bucket)
            return;
    if (replays->differ_count == REPLAYS_MAX)
        replays->lost = true;                /* more buckets at once than we remember: then all of them */
    else
        replays->differ[replays->differ_count++] = bucket;
}

static void lose(struct tokens *tokens)
{
    redis_cluster_break(tokens->side);       /* what is still to come is never read for something else */
    tokens->replays.count = 0;
    tokens->replays.lost = true;
}

static void receive_oldest(struct tokens *tokens)
{
    struct replays *replays = &tokens->replays;
    int32_t bucket = replays->sent[0];
    memmove(replays->sent, replays->sent + 1, --replays->count * sizeof replays->sent[0]);
    switch (receive(tokens, bucket)) {
    case TROUBLE_NONE:        break;
    case TROUBLE_ABORT_BATCH: note_differs(replays, bucket); break;
    default:                  lose(tokens); break;
    }
    crash_point(CRASH_RECOVERY_REPLAYING);
}

enum trouble recovery_replayed(struct tokens *tokens, int32_t *bucket)
{
    struct replays *replays = &tokens->replays;
    while (replays->count > 0)
        receive_oldest(tokens);
    if (replays->lost) {
        *replays = (struct replays){ 0 };
        return TROUBLE_RETRY;
    }
    if (replays->differ_count == 0)
        return TROUBLE_NONE;
    *bucket = replays->differ[--replays->differ_count];
    return TROUBLE_ABORT_BATCH;
}

static enum trouble send_chunk(struct tokens *tokens, int32_t bucket, const struct chunk *chunk)
{
    struct replays *replays = &tokens->replays;
    if (replays->count == REPLAYS_MAX)
        receive_oldest(tokens);
    if (replays->lost)
        return TROUBLE_RETRY;
    if (replays->count > 0 && !redis_cluster_connected(tokens->side)) {
        lose(tokens);                        /* a fresh connection to one node would lose the answers of the others */
        return tokens_cannot(tokens, bucket, redis_cluster_reason(tokens->side));
    }
    if (tokens_side(tokens) != TROUBLE_NONE) {
        replays->lost = true;
        return TROUBLE_RETRY;
    }
    struct redis *node = tokens_side_node(tokens, bucket);
    redis_append_script(node, SCRIPT_REPLAY, chunk->keys, chunk->count, chunk->argv, chunk->lengths);
    replays->sent[replays->count++] = bucket;
    if (redis_send(node) == TROUBLE_NONE)
        return TROUBLE_NONE;
    lose(tokens);
    return tokens_cannot(tokens, bucket, redis_reason(node));
}

enum trouble recovery_replay(struct tokens *tokens, const struct recovery *recovery,
                             const struct recovery_entry *entries, size_t count)
{
    enum trouble trouble = TROUBLE_NONE;
    struct chunk *chunk = xmalloc(sizeof *chunk);
    for (size_t done = 0; done < count && trouble == TROUBLE_NONE; done += CHUNK) {
        size_t some = count - done < CHUNK ? count - done : CHUNK;
        put_chunk(chunk, tokens, recovery, entries + done, some);
        trouble = send_chunk(tokens, recovery->bucket, chunk);
    }
    free(chunk);
    return trouble;
}
