#include "tokens/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "tokens/internal.h"
#include "tokens/words.h"

enum { SCAN_COUNT = 500, FIELDS_MAX = 9 };

struct walk {
    struct tokens *tokens;
    int32_t bucket;
    const char *kind;                    /* of key: user, gen, grant */
    const char *fields[FIELDS_MAX];
    size_t field_count;
    void (*row)(const struct walk *walk, int32_t bucket, const char *id, const struct redis_reply *fields);
    void *self;
    void (*callback)(void);              /* the caller's own row function, cast back by row */
};

static const char *field_text(const struct redis_reply *fields, size_t index)
{
    const char *text = redis_reply_text(redis_reply_at(fields, index), NULL);
    return text ? text : "";
}

static int64_t field_number(const struct redis_reply *fields, size_t index)
{
    struct words words = { .at = field_text(fields, index) };
    /* missing or malformed is 0: the books then don't match, as they should */
    return words_number(&words);
}

static enum trouble scan(const struct walk *walk, struct redis *node, uint64_t cursor,
                         struct redis_reply **reply)
{
    char at[24], pattern[48], count[16];
    snprintf(at, sizeof at, "%llu", (unsigned long long)cursor);
    if (walk->bucket == TOKENS_EVERY_BUCKET)
        snprintf(pattern, sizeof pattern, "rg:{*}:%s:*", walk->kind);
    else
        snprintf(pattern, sizeof pattern, "rg:{%d}:%s:*", walk->bucket, walk->kind);
    snprintf(count, sizeof count, "%d", SCAN_COUNT);
    redis_append(node, 6, (const char *[]){ "SCAN", at, "MATCH", pattern, "COUNT", count }, NULL);
    enum trouble trouble = tokens_side_receive(walk->tokens, node, reply);
    if (trouble == TROUBLE_NONE && redis_reply_count(*reply) != 2) {
        redis_reply_free(reply);
        trouble = tokens_cannot(walk->tokens, -1, "SCAN's answer can't be read");
    }
    return trouble;
}

/* "rg:{7}:user:u1" is bucket 7, id u1. */
static const char *key_id(const struct walk *walk, const char *key, int32_t *bucket)
{
    const char *close = strstr(key, "}:");
    *bucket = (int32_t)strtol(key + 4, NULL, 10);
    return close ? close + 2 + strlen(walk->kind) + 1 : key;
}

/* The hashes of the keys that one step of SCAN found, in one pipeline. */
static enum trouble read_rows(const struct walk *walk, struct redis *node, const struct redis_reply *keys)
{
    const char *argv[FIELDS_MAX + 2] = { "HMGET" };
    for (size_t i = 0; i < walk->field_count; i++)
        argv[i + 2] = walk->fields[i];
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        argv[1] = field_text(keys, i);
        redis_append(node, walk->field_count + 2, argv, NULL);
    }
    for (size_t i = 0; i < redis_reply_count(keys); i++) {
        struct redis_reply *fields;
        int32_t bucket;
        enum trouble trouble = tokens_side_receive(walk->tokens, node, &fields);
        if (trouble != TROUBLE_NONE)
            return trouble;
        const char *id = key_id(walk, field_text(keys, i), &bucket);
        /* The first field is one that each of them has: without it the key went away since. */
        if (redis_reply_count(fields) == walk->field_count && *field_text(fields, 0))
            walk->row(walk, bucket, id, fields);
        redis_reply_free(&fields);
    }
    return TROUBLE_NONE;
}

static enum trouble walk_node(const struct walk *walk, struct redis *node)
{
    uint64_t cursor = 0;
    do {
        struct redis_reply *reply;
        enum trouble trouble = scan(walk, node, cursor, &reply);
        if (trouble != TROUBLE_NONE)
            return trouble;
        cursor = strtoull(field_text(reply, 0), NULL, 10);
        trouble = read_rows(walk, node, redis_reply_at(reply, 1));
        redis_reply_free(&reply);
        if (trouble != TROUBLE_NONE)
            return trouble;
    } while (cursor != 0);
    return TROUBLE_NONE;
}

/* Every node, or the bucket's. A key that moved from a node that was still to come to one that was through has not been
 * seen: while slots move, a walk can't be whole. (In the middle of a move its keys answer ASK or MOVED.) */
static enum trouble walk_all(const struct walk *walk)
{
    struct tokens *tokens = walk->tokens;
    bool same = true;
    enum trouble trouble = tokens_side(tokens);
    if (trouble == TROUBLE_NONE && walk->bucket != TOKENS_EVERY_BUCKET)
        trouble = walk_node(walk, tokens_side_node(tokens, walk->bucket));
    else
        for (size_t i = 0; trouble == TROUBLE_NONE && i < redis_cluster_count(tokens->side); i++)
            trouble = walk_node(walk, redis_cluster_at(tokens->side, i));
    if (trouble != TROUBLE_NONE)
        return trouble;
    trouble = redis_cluster_unmoved(tokens->side, &same);
    if (trouble == TROUBLE_NONE && same)
        return TROUBLE_NONE;
    trouble = tokens_cannot(tokens, -1, same ? redis_cluster_reason(tokens->side)
                                             : "slots of the Redis Cluster have moved meanwhile");
    redis_cluster_break(tokens->side);
    return trouble;
}

static void user_row(const struct walk *walk, int32_t bucket, const char *id,
                     const struct redis_reply *fields)
{
    const struct audit_user user = {
        .bucket = bucket, .user_id = id,
        .balance = { .granted = field_number(fields, 0), .available = field_number(fields, 1),
                     .reserved = field_number(fields, 2), .spent = field_number(fields, 3) },
    };
    ((void (*)(void *, const struct audit_user *))walk->callback)(walk->self, &user);
}

enum trouble tokens_audit_users(struct tokens *tokens, int32_t bucket,
                                void (*row)(void *self, const struct audit_user *user), void *self)
{
    return walk_all(&(struct walk){
        .tokens = tokens, .bucket = bucket, .kind = "user", .row = user_row, .self = self,
        .callback = (void (*)(void))row, .field_count = 4,
        .fields = { "granted", "available", "reserved", "spent" } });
}

static void generation_row(const struct walk *walk, int32_t bucket, const char *id,
                           const struct redis_reply *fields)
{
    struct words answer = { .at = field_text(fields, 8) };
    struct balance after;
    int64_t tokens = words_number(&answer);
    words_balance(&answer, &after);
    const char *state = field_text(fields, 0);
    bool hold = strcmp(state, "reserved") == 0 || strcmp(state, "settled") == 0;
    const struct audit_generation generation = {
        .bucket = bucket, .generation_id = id, .state = state, .user_id = field_text(fields, 1),
        .origin = field_text(fields, 2), .settle_origin = field_text(fields, 3),
        .held_tokens = hold ? field_number(fields, 4) : tokens, .committed_tokens = field_number(fields, 5),
        .released_tokens = field_number(fields, 6), .moved_on = field_text(fields, 7)[0] != '\0',
        .at_ms = words_number(&answer),
    };
    ((void (*)(void *, const struct audit_generation *))walk->callback)(walk->self, &generation);
}

enum trouble tokens_audit_generations(struct tokens *tokens, int32_t bucket,
                                      void (*row)(void *self, const struct audit_generation *generation),
                                      void *self)
{
    return walk_all(&(struct walk){
        .tokens = tokens, .bucket = bucket, .kind = "gen", .row = generation_row, .self = self,
        .callback = (void (*)(void))row, .field_count = 9,
        .fields = { "state", "user", "origin", "settle_origin", "tokens", "committed", "released", "moved",
                    "answer" } });
}

static void grant_row(const struct walk *walk, int32_t bucket, const char *id,
                      const struct redis_reply *fields)
{
    const struct audit_grant grant = {
        .bucket = bucket, .grant_id = id, .state = field_text(fields, 0), .user_id = field_text(fields, 1),
        .origin = field_text(fields, 2), .amount_tokens = field_number(fields, 3),
    };
    ((void (*)(void *, const struct audit_grant *))walk->callback)(walk->self, &grant);
}

enum trouble tokens_audit_grants(struct tokens *tokens, int32_t bucket,
                                 void (*row)(void *self, const struct audit_grant *grant), void *self)
{
    return walk_all(&(struct walk){
        .tokens = tokens, .bucket = bucket, .kind = "grant", .row = grant_row, .self = self,
        .callback = (void (*)(void))row, .field_count = 4,
        .fields = { "state", "user", "origin", "amount" } });
}
