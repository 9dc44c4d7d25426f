/* Single reads for the command line and the console. They show what is there, verified or not. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "tokens/internal.h"
#include "tokens/words.h"

static const char *field(const struct redis_reply *row, size_t index)
{
    return index < redis_reply_count(row) ? redis_reply_text(redis_reply_at(row, index), NULL) : NULL;
}

static int64_t number(const struct redis_reply *row, size_t index)
{
    const char *text = field(row, index);
    struct words words = { .at = text ? text : "0" };
    return words_number(&words);
}

static char *copy(const char *text) { return text && *text ? xstrdup(text) : NULL; }

/* HMGET of one key of this user's bucket: fields end with NULL. */
static enum trouble read_hash(struct tokens *tokens, const char *user_id, const char *kind, const char *id,
                              const char *const *fields, struct redis_reply **reply)
{
    struct arguments key;
    const char *argv[16] = { "HMGET" };
    size_t argc = 2;
    *reply = NULL;
    arguments_clear(&key);
    arguments_key(&key, tokens_bucket(tokens, user_id), kind, id);
    char name[KEY_BYTES + 1];
    must(key.lengths[0] < sizeof name);
    memcpy(name, key.argv[0], key.lengths[0]);
    name[key.lengths[0]] = '\0';
    argv[1] = name;
    for (; *fields; fields++) {
        must(argc < sizeof argv / sizeof argv[0]);
        argv[argc++] = *fields;
    }
    if (redis_connect(tokens->side) != TROUBLE_NONE)
        return tokens_cannot(tokens, -1, redis_reason(tokens->side));
    redis_append(tokens->side, argc, argv, NULL);
    return tokens_side_receive(tokens, reply);
}

enum trouble tokens_balance(struct tokens *tokens, const char *user_id, struct balance *balance, bool *verified)
{
    static const char *const fields[] = { "granted", "available", "reserved", "spent", NULL };
    struct redis_reply *row;
    char line[33];
    int64_t journaled;
    enum trouble trouble = recovery_guard(tokens, tokens_bucket(tokens, user_id), verified, line, &journaled);
    if (trouble != TROUBLE_NONE)
        return trouble;
    trouble = read_hash(tokens, user_id, "user", user_id, fields, &row);
    if (trouble != TROUBLE_NONE)
        return trouble;
    *balance = (struct balance){ .granted = number(row, 0), .available = number(row, 1), .reserved = number(row, 2),
                                 .spent = number(row, 3) };
    redis_reply_free(&row);
    return TROUBLE_NONE;
}

/* "insufficient" is one way of being refused; only the scripts tell them apart. */
static const char *state_name(const char *state)
{
    return state && strcmp(state, "insufficient") == 0 ? "refused" : state;
}

enum trouble tokens_generation(struct tokens *tokens, const char *user_id, const char *generation_id,
                               struct tokens_generation *generation, bool *found)
{
    static const char *const money[] = { "user", "state", "origin", "answer", "committed", "released", NULL };
    static const char *const seen[] = { "user", "status", "json", "at", NULL };
    struct redis_reply *row, *view;
    *found = false;
    *generation = (struct tokens_generation){ 0 };
    enum trouble trouble = read_hash(tokens, user_id, "gen", generation_id, money, &row);
    if (trouble != TROUBLE_NONE)
        return trouble;
    trouble = read_hash(tokens, user_id, "view", generation_id, seen, &view);
    if (trouble != TROUBLE_NONE) {
        redis_reply_free(&row);
        return trouble;
    }
    if (field(row, 0) && strcmp(field(row, 0), user_id) == 0 && field(row, 3)) {
        struct words answer = { .at = field(row, 3) };
        struct balance after;
        *found = true;
        generation->held_tokens = words_number(&answer);
        words_balance(&answer, &after);
        generation->at_ms = words_number(&answer);
        generation->state = copy(state_name(field(row, 1)));
        generation->origin = copy(field(row, 2));
        generation->committed_tokens = number(row, 4);
        generation->released_tokens = number(row, 5);
    }
    if (field(view, 0) && strcmp(field(view, 0), user_id) == 0) {    /* outlives a refusal's hash */
        *found = true;
        generation->status = copy(field(view, 1));
        generation->view = copy(field(view, 2));
        if (!generation->at_ms)
            generation->at_ms = number(view, 3);
    }
    redis_reply_free(&row);
    redis_reply_free(&view);
    return TROUBLE_NONE;
}

void tokens_generation_free(struct tokens_generation *generation)
{
    free(generation->state);
    free(generation->status);
    free(generation->origin);
    free(generation->view);
    *generation = (struct tokens_generation){ 0 };
}
