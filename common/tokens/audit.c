#include "tokens/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "tokens/internal.h"
#include "tokens/words.h"

enum { SCAN_COUNT = 1000, FIELDS_MAX = 13 };

/* One row: a hash of which some fields are read. Its first field is one that each has: without it the key is gone. */
struct found { int32_t bucket; const char *id; const struct redis_reply *fields; };

static const char *text(const struct found *found, size_t index)
{
    const char *field = redis_reply_text(redis_reply_at(found->fields, index), NULL);
    return field ? field : "";
}

static int64_t number(const struct found *found, size_t index)
{
    struct words words = { .at = text(found, index) };
    /* missing or malformed is 0: the books then don't match, as they should */
    return words_number(&words);
}

static struct balance balance_in(const struct found *found, size_t index)
{
    struct words words = { .at = text(found, index) };
    struct balance balance;
    words_balance(&words, &balance);
    return balance;
}

static void user_row(const struct audit_visitor *visitor, const struct found *found)
{
    visitor->user(visitor->self, &(struct audit_user){
        .bucket = found->bucket, .user_id = found->id,
        .balance = { .granted = number(found, 0), .available = number(found, 1), .reserved = number(found, 2),
                     .spent = number(found, 3) } });
}

static void generation_row(const struct audit_visitor *visitor, const struct found *found)
{
    struct words answer = { .at = text(found, 8) };
    const char *state = text(found, 0);
    bool hold = strcmp(state, "reserved") == 0 || strcmp(state, "settled") == 0;
    struct audit_generation row = {
        .bucket = found->bucket, .generation_id = found->id, .state = state, .user_id = text(found, 1),
        .origin = text(found, 2), .settle_origin = text(found, 3), .committed_tokens = number(found, 5),
        .released_tokens = number(found, 6), .moved_on = text(found, 7)[0] != '\0',
        .fingerprint = text(found, 9), .after_commit = balance_in(found, 10),
        .after_release = balance_in(found, 11), .settled_at_ms = number(found, 12),
    };
    row.quote.tokens = words_number(&answer);
    row.held_tokens = hold ? number(found, 4) : row.quote.tokens;
    words_balance(&answer, &row.balance);
    row.at_ms = words_number(&answer);
    words_quote(&answer, &row.quote);
    visitor->generation(visitor->self, &row);
}

static void grant_row(const struct audit_visitor *visitor, const struct found *found)
{
    struct words answer = { .at = text(found, 4) };
    struct audit_grant row = { .bucket = found->bucket, .grant_id = found->id, .state = text(found, 0),
                               .user_id = text(found, 1), .origin = text(found, 2), .amount_tokens = number(found, 3) };
    words_number(&answer);
    words_balance(&answer, &row.balance);
    row.at_ms = words_number(&answer);
    visitor->grant(visitor->self, &row);
}

enum kind { KIND_USER, KIND_GENERATION, KIND_GRANT, KIND_OTHER };

static const struct row_kind {
    const char *name;
    const char *fields[FIELDS_MAX + 1];
    void (*row)(const struct audit_visitor *visitor, const struct found *found);
} KINDS[] = {
    [KIND_USER] = { "user", { "granted", "available", "reserved", "spent" }, user_row },
    [KIND_GENERATION] = { "gen", { "state", "user", "origin", "settle_origin", "tokens", "committed", "released", "moved",
                                   "answer", "fingerprint", "commit_balance", "release_balance", "settled_at" },
                          generation_row },
    [KIND_GRANT] = { "grant", { "state", "user", "origin", "amount", "answer" }, grant_row },
};

/* "rg:{7}:user:u1" is a user's row in bucket 7, with id u1. */
static enum kind read_key(const char *key, struct found *found)
{
    char *close = NULL;
    if (strncmp(key, "rg:{", 4) != 0)
        return KIND_OTHER;
    found->bucket = (int32_t)strtol(key + 4, &close, 10);
    if (close == key + 4 || strncmp(close, "}:", 2) != 0)
        return KIND_OTHER;
    for (int kind = 0; kind < KIND_OTHER; kind++) {
        size_t length = strlen(KINDS[kind].name);
        if (strncmp(close + 2, KINDS[kind].name, length) == 0 && close[2 + length] == ':') {
            found->id = close + 2 + length + 1;
            return (enum kind)kind;
        }
    }
    return KIND_OTHER;
}

static void append(struct redis *node, const char *key, enum kind kind)
{
    const char *argv[FIELDS_MAX + 2] = { "HMGET", key };
    size_t count = 0;
    for (; KINDS[kind].fields[count]; count++)
        argv[count + 2] = KINDS[kind].fields[count];
    redis_append(node, count + 2, argv, NULL);
}

struct walk { struct tokens *tokens; struct redis *node; const struct audit_visitor *visitor; };

static enum trouble receive(const struct walk *walk, enum kind kind, struct found *found)
{
    struct redis_reply *fields;
    enum trouble trouble = tokens_side_receive(walk->tokens, walk->node, &fields);
    if (trouble != TROUBLE_NONE)
        return trouble;
    found->fields = fields;
    if (redis_reply_count(fields) > 0 && *text(found, 0))
        KINDS[kind].row(walk->visitor, found);
    redis_reply_free(&fields);
    return TROUBLE_NONE;
}

/* ---- all of it */

static enum trouble scan(const struct walk *walk, uint64_t cursor, struct redis_reply **reply)
{
    char at[24], count[16];
    snprintf(at, sizeof at, "%llu", (unsigned long long)cursor);
    snprintf(count, sizeof count, "%d", SCAN_COUNT);
    redis_append(walk->node, 6, (const char *[]){ "SCAN", at, "MATCH", "rg:{*}:*", "COUNT", count }, NULL);
    enum trouble trouble = tokens_side_receive(walk->tokens, walk->node, reply);
    if (trouble == TROUBLE_NONE && redis_reply_count(*reply) != 2) {
        redis_reply_free(reply);
        trouble = tokens_cannot(walk->tokens, -1, "SCAN's answer can't be read");
    }
    return trouble;
}

/* The hashes of the keys that one step of SCAN found, in one pipeline. */
static enum trouble read_rows(const struct walk *walk, const struct redis_reply *keys)
{
    const size_t count = redis_reply_count(keys);
    struct found found;
    enum trouble trouble = TROUBLE_NONE;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count && trouble == TROUBLE_NONE; i++) {
            const char *key = redis_reply_text(redis_reply_at(keys, i), NULL);
            enum kind kind = key ? read_key(key, &found) : KIND_OTHER;
            if (kind == KIND_OTHER)
                continue;
            if (pass == 0)
                append(walk->node, key, kind);
            else
                trouble = receive(walk, kind, &found);
        }
    return trouble;
}

static enum trouble walk_node(const struct walk *walk)
{
    uint64_t cursor = 0;
    do {
        struct redis_reply *reply;
        enum trouble trouble = scan(walk, cursor, &reply);
        if (trouble != TROUBLE_NONE)
            return trouble;
        const char *next = redis_reply_text(redis_reply_at(reply, 0), NULL);
        cursor = next ? strtoull(next, NULL, 10) : 0;
        trouble = read_rows(walk, redis_reply_at(reply, 1));
        redis_reply_free(&reply);
        if (trouble != TROUBLE_NONE)
            return trouble;
    } while (cursor != 0);
    return TROUBLE_NONE;
}

/* A key that moved from a node that was still to come to one that was through has not been seen: while slots move, a walk
 * can't be whole. (In the middle of a move its keys answer ASK or MOVED.) */
enum trouble tokens_audit(struct tokens *tokens, const struct audit_visitor *visitor)
{
    bool same = true;
    enum trouble trouble = tokens_side(tokens);
    for (size_t i = 0; trouble == TROUBLE_NONE && i < redis_cluster_count(tokens->side); i++)
        trouble = walk_node(&(struct walk){ tokens, redis_cluster_at(tokens->side, i), visitor });
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

/* ---- one row */

static enum trouble one(struct tokens *tokens, int32_t bucket, enum kind kind, const char *id,
                        const struct audit_visitor *visitor)
{
    char key[KEY_BYTES];
    struct found found = { .bucket = bucket, .id = id };
    must(bucket >= 0 && bucket < tokens->partitions);
    snprintf(key, sizeof key, "rg:{%d}:%s:%s", bucket, KINDS[kind].name, id);
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    const struct walk walk = { tokens, tokens_side_node(tokens, bucket), visitor };
    append(walk.node, key, kind);
    return receive(&walk, kind, &found);
}

enum trouble tokens_audit_generation(struct tokens *tokens, int32_t bucket, const char *generation_id,
                                     const struct audit_visitor *visitor)
{
    return one(tokens, bucket, KIND_GENERATION, generation_id, visitor);
}

enum trouble tokens_audit_grant(struct tokens *tokens, int32_t bucket, const char *grant_id,
                                const struct audit_visitor *visitor)
{
    return one(tokens, bucket, KIND_GRANT, grant_id, visitor);
}
