/* A batch is one stretch of the pipeline, or with a Redis Cluster of each node's: for each bucket its guard, and
 * behind it, on the same connection, its scripts. It lives and dies with the connections on which it began. */
#include "tokens/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "base/text.h"

struct tokens_batch *tokens_batch_open(struct tokens *tokens)
{
    struct tokens_batch *batch = xcalloc(1, sizeof *batch);
    batch->tokens = tokens;
    return batch;
}

static bool outstanding(const struct tokens_batch *batch)
{
    return batch->begun && !batch->received && batch->epoch == batch->tokens->epoch
           && batch->expected_count > 0;
}

void tokens_batch_clear(struct tokens_batch *batch)
{
    if (outstanding(batch))
        tokens_drop(batch->tokens);      /* its answers are still to come, and nobody will read them */
    if (batch->tokens->last == batch)
        batch->tokens->last = NULL;
    batch->call_count = 0;
    batch->expected_count = 0;
    batch->bucket_count = 0;
    text_clear(&batch->errors);
    batch->begun = batch->asked = batch->failed = batch->received = batch->sealed = false;
}

void tokens_batch_close(struct tokens_batch **batch)
{
    if (!*batch)
        return;
    tokens_batch_clear(*batch);
    free((*batch)->calls);
    free((*batch)->expected);
    free((*batch)->buckets);
    text_free(&(*batch)->errors);
    free(*batch);
    *batch = NULL;
}

size_t tokens_batch_count(const struct tokens_batch *batch) { return batch->call_count; }

/* Room for one more element of size bytes in a growing array. */
static void *grown(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    return xrealloc(array, *room * size);
}

static void expect(struct tokens_batch *batch, enum expected_kind kind, size_t index, struct redis *node)
{
    batch->expected = grown(batch->expected, batch->expected_count, &batch->expected_room,
                            sizeof *batch->expected);
    batch->expected[batch->expected_count++] = (struct expected){ kind, index, node };
    batch->tokens->appended++;
}

/* ---- appending */

static bool fail(struct tokens_batch *batch, int32_t bucket, const char *reason)
{
    tokens_cannot(batch->tokens, bucket, reason);
    batch->failed = true;
    return false;
}

static struct redis *node_of(struct tokens *tokens, int32_t bucket)
{
    return redis_cluster_node(tokens->scripts, tokens->slots[bucket]);
}

static bool uses(const struct tokens_batch *batch, const struct redis *node)
{
    for (size_t i = 0; i < batch->bucket_count; i++)
        if (node_of(batch->tokens, batch->buckets[i].bucket) == node)
            return true;
    return false;
}

/* With replicas one WAIT closes each batch: what its scripts did is then on more than one machine. */
static void seal(struct tokens_batch *batch)
{
    struct tokens *tokens = batch->tokens;
    if (batch->sealed || batch->failed || !tokens->has_replicas || !outstanding(batch)
        || !redis_cluster_connected(tokens->scripts))
        return;
    char limit[16];
    snprintf(limit, sizeof limit, "%d", tokens->config.timeout_ms / 2 + 1);
    for (size_t i = 0; i < redis_cluster_count(tokens->scripts); i++) {
        struct redis *node = redis_cluster_at(tokens->scripts, i);
        if (!uses(batch, node))
            continue;
        redis_append(node, 3, (const char *[]){ "WAIT", "1", limit }, NULL);
        expect(batch, EXPECT_WAIT, 0, node);
    }
    batch->sealed = true;
}

static bool begin(struct tokens_batch *batch)
{
    struct tokens *tokens = batch->tokens;
    if (!redis_cluster_connected(tokens->scripts)) {
        tokens_drop(tokens);             /* a batch of the connections before these can't go on */
        if (redis_cluster_connect(tokens->scripts) != TROUBLE_NONE)
            return fail(batch, -1, redis_cluster_reason(tokens->scripts));
    }
    if (tokens->last)
        seal(tokens->last);
    tokens->last = batch;
    batch->begun = true;
    batch->epoch = tokens->epoch;
    batch->first = tokens->appended;
    return true;
}

static bool stands(struct tokens_batch *batch)
{
    struct tokens *tokens = batch->tokens;
    if (!batch->begun)
        return begin(batch);
    if (batch->epoch != tokens->epoch || !redis_cluster_connected(tokens->scripts))
        return fail(batch, -1, tokens->reason[0] ? tokens->reason : "the connection to Redis was lost");
    must(tokens->last == batch && !batch->received && !batch->sealed);      /* batches don't interleave */
    return true;
}

static const struct batch_bucket *find(const struct tokens_batch *batch, int32_t bucket)
{
    for (size_t i = 0; i < batch->bucket_count; i++)
        if (batch->buckets[i].bucket == bucket)
            return &batch->buckets[i];
    return NULL;
}

static bool guarded(struct tokens_batch *batch, int32_t bucket)
{
    struct tokens *tokens = batch->tokens;
    const char *verified = tokens->verified[bucket];
    if (find(batch, bucket))
        return true;
    if (!verified[0] && !batch->asked) {
        batch->asked = true;
        if (tokens_learn(tokens) != TROUBLE_NONE) {
            batch->failed = true;        /* said already */
            return false;
        }
    }
    if (!verified[0])
        return fail(batch, bucket, "the bucket is not verified");
    batch->buckets = grown(batch->buckets, batch->bucket_count, &batch->bucket_room, sizeof *batch->buckets);
    struct batch_bucket *row = &batch->buckets[batch->bucket_count];
    row->bucket = bucket;
    text_copy(row->verified, sizeof row->verified, verified);

    struct arguments arguments;
    arguments_clear(&arguments);
    arguments_key(&arguments, bucket, "meta", NULL);
    arguments_text(&arguments, row->verified);
    struct redis *node = node_of(tokens, bucket);
    redis_append_script(node, SCRIPT_GUARD, arguments.keys, arguments.count, arguments.argv,
                        arguments.lengths);
    expect(batch, EXPECT_GUARD, batch->bucket_count++, node);
    return true;
}

struct call *batch_call(struct tokens_batch *batch, enum call_kind kind, const char *user_id, bool *ready)
{
    int32_t bucket = tokens_bucket(batch->tokens, user_id);
    *ready = !batch->failed && stands(batch) && guarded(batch, bucket);
    batch->calls = grown(batch->calls, batch->call_count, &batch->call_room, sizeof *batch->calls);
    struct call *call = &batch->calls[batch->call_count++];
    call->kind = kind;
    call->bucket = bucket;
    call->error = 0;
    return call;
}

void batch_arguments(const struct tokens_batch *batch, const struct call *call, struct arguments *arguments)
{
    (void)batch;
    arguments_clear(arguments);
    arguments_key(arguments, call->bucket, "meta", NULL);
}

void batch_arguments_verified(const struct tokens_batch *batch, const struct call *call,
                              struct arguments *arguments)
{
    arguments_text(arguments, find(batch, call->bucket)->verified);
    arguments_text(arguments, batch->tokens->has_replicas ? "ids" : "");
}

void batch_append(struct tokens_batch *batch, enum script script, const struct arguments *arguments)
{
    struct redis *node = node_of(batch->tokens, batch->calls[batch->call_count - 1].bucket);
    redis_append_script(node, script, arguments->keys, arguments->count, arguments->argv, arguments->lengths);
    expect(batch, EXPECT_CALL, batch->call_count - 1, node);
}

enum trouble tokens_batch_send(struct tokens_batch *batch)
{
    if (batch->failed)
        return TROUBLE_RETRY;
    if (!outstanding(batch))
        return TROUBLE_NONE;
    if (redis_cluster_send(batch->tokens->scripts) == TROUBLE_NONE)
        return TROUBLE_NONE;
    fail(batch, -1, redis_cluster_reason(batch->tokens->scripts));
    return TROUBLE_RETRY;
}

/* ---- receiving */

static bool read_guard(struct tokens_batch *batch, size_t index, const char *answer)
{
    struct tokens *tokens = batch->tokens;
    int32_t bucket = batch->buckets[index].bucket;
    if (strcmp(answer, "ok") == 0)
        return true;
    tokens_unlearn(tokens);
    if (tokens_adopt(tokens, bucket, answer))
        return fail(batch, bucket, "the bucket was recovered meanwhile");
    return fail(batch, bucket, "the bucket is not verified");
}

static bool read_call(struct tokens_batch *batch, size_t index, const char *answer)
{
    struct call *call = &batch->calls[index];
    switch (call_read(batch, call, answer)) {
    case READ_OK:
        return true;
    case READ_UNVERIFIED:
        tokens_unlearn(batch->tokens);
        return fail(batch, call->bucket, "the bucket is not verified");
    case READ_WAITING:
        return fail(batch, call->bucket,
                    "a user of the bucket is below zero until a lost grant has come again");
    case READ_BAD:
        return fail(batch, call->bucket, "a script's answer can't be read");
    }
    unreachable();
}

static bool read_reply(struct tokens_batch *batch, const struct expected *expected,
                       const struct redis_reply *reply)
{
    const char *answer = redis_reply_text(reply, NULL);
    if (redis_reply_kind(reply) == REDIS_ERROR)
        return fail(batch, -1, answer);
    if (expected->kind == EXPECT_WAIT)
        return redis_reply_integer(reply) >= 1
               || fail(batch, -1, "no replica has confirmed the batch in time");
    if (!answer)
        return fail(batch, -1, "a script's answer can't be read");
    return expected->kind == EXPECT_GUARD ? read_guard(batch, expected->index, answer)
                                          : read_call(batch, expected->index, answer);
}

static bool read_all(struct tokens_batch *batch)
{
    struct tokens *tokens = batch->tokens;
    if (batch->epoch != tokens->epoch || !redis_cluster_connected(tokens->scripts))
        return fail(batch, -1, tokens->reason[0] ? tokens->reason : "the connection to Redis was lost");
    must(batch->first == tokens->received);          /* in the order of their first call */
    if (redis_cluster_send(tokens->scripts) != TROUBLE_NONE)         /* all nodes work before one is waited for */
        return fail(batch, -1, redis_cluster_reason(tokens->scripts));
    for (size_t i = 0; i < batch->expected_count; i++) {
        struct redis_reply *reply;
        if (redis_receive(batch->expected[i].node, &reply) != TROUBLE_NONE)
            return fail(batch, -1, redis_reason(batch->expected[i].node));
        tokens->received++;
        bool good = read_reply(batch, &batch->expected[i], reply);
        redis_reply_free(&reply);
        if (!good)
            return false;
    }
    return true;
}

enum trouble tokens_batch_receive(struct tokens_batch *batch)
{
    struct tokens *tokens = batch->tokens;
    if (!batch->failed && batch->expected_count == 0)
        return TROUBLE_NONE;
    if (!batch->failed)
        seal(batch);
    bool good = !batch->failed && !batch->received && read_all(batch);
    batch->received = true;
    if (good) {
        tokens->bad_bucket = -1;         /* tokens_unverified tells of the last RETRY, not of one long over */
        return TROUBLE_NONE;
    }
    batch->failed = true;
    if (batch->begun && batch->epoch == tokens->epoch)
        tokens_drop(tokens);             /* and with it every batch behind this one */
    return TROUBLE_RETRY;
}

/* ---- the second guard */

/* With replicas it writes: a primary that is cut off from them takes no writes, and must not let anything pass
 * while another one is promoted in its place (design, section 9). */
static void append_guard(struct tokens *tokens, const struct batch_bucket *row)
{
    struct arguments arguments;
    arguments_clear(&arguments);
    arguments_key(&arguments, row->bucket, "meta", NULL);
    arguments_text(&arguments, row->verified);
    if (tokens->has_replicas)
        arguments_text(&arguments, "write");
    redis_append_script(tokens_side_node(tokens, row->bucket), SCRIPT_GUARD, arguments.keys, arguments.count,
                        arguments.argv, arguments.lengths);
}

enum trouble tokens_batch_guard(struct tokens_batch *batch)
{
    struct tokens *tokens = batch->tokens;
    enum trouble trouble = TROUBLE_NONE;
    must(!batch->failed);
    if (batch->bucket_count == 0)
        return TROUBLE_NONE;
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    for (size_t i = 0; i < batch->bucket_count; i++)
        append_guard(tokens, &batch->buckets[i]);
    redis_cluster_send(tokens->side);    /* its trouble, if any, is told by the first reply */
    for (size_t i = 0; i < batch->bucket_count; i++) {
        struct redis_reply *reply;
        int32_t bucket = batch->buckets[i].bucket;
        if (tokens_side_receive(tokens, tokens_side_node(tokens, bucket), &reply) != TROUBLE_NONE)
            return TROUBLE_RETRY;
        const char *answer = redis_reply_text(reply, NULL);
        if (!answer || strcmp(answer, "ok") != 0) {
            tokens_cannot(tokens, bucket, "the bucket is no longer verified as it was");
            tokens_unlearn(tokens);
            trouble = TROUBLE_ABORT_BATCH;
        }
        redis_reply_free(&reply);
    }
    return trouble;
}
