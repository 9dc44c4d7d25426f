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

struct asked { const char *command, *kind, *id; const char *const *fields; };      /* fields end with NULL */

/* One reading command about one key of this user's bucket. */
static void append_asked(struct tokens *tokens, const char *user_id, const struct asked *asked)
{
    struct arguments key;
    const char *argv[8] = { asked->command };
    size_t lengths[8] = { strlen(asked->command) }, argc = 2;
    arguments_clear(&key);
    arguments_key(&key, tokens_bucket(tokens, user_id), asked->kind, asked->id);
    argv[1] = key.argv[0];
    lengths[1] = key.lengths[0];
    for (const char *const *name = asked->fields; name && *name; name++, argc++) {
        must(argc < sizeof argv / sizeof argv[0]);
        argv[argc] = *name;
        lengths[argc] = strlen(*name);
    }
    redis_append(tokens_side_node(tokens, tokens_bucket(tokens, user_id)), argc, argv, lengths);
}

/* The guard and the account in one round trip: a console asks for this all the time. */
enum trouble tokens_balance(struct tokens *tokens, const char *user_id, struct balance *balance,
                            bool *verified)
{
    static const char *const fields[] = { "granted", "available", "reserved", "spent", NULL };
    struct redis_reply *guard, *row;
    int32_t bucket = tokens_bucket(tokens, user_id);
    *verified = false;
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    struct redis *node = tokens_side_node(tokens, bucket);
    tokens_append_guard(tokens, bucket);
    append_asked(tokens, user_id, &(struct asked){ "HMGET", "user", user_id, fields });
    enum trouble trouble = tokens_side_receive(tokens, node, &guard);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *answer = redis_reply_text(guard, NULL);
    *verified = answer && tokens_adopt(tokens, bucket, answer);
    redis_reply_free(&guard);
    trouble = tokens_side_receive(tokens, node, &row);
    if (trouble != TROUBLE_NONE)
        return trouble;
    *balance = (struct balance){ .granted = number(row, 0), .available = number(row, 1),
                                 .reserved = number(row, 2), .spent = number(row, 3) };
    redis_reply_free(&row);
    return TROUBLE_NONE;
}

/* "insufficient" is one way of being refused; only the scripts tell them apart. */
static const char *state_name(const char *state)
{
    return state && strcmp(state, "insufficient") == 0 ? "refused" : state;
}

static void take_money(const struct redis_reply *row, struct tokens_generation *generation)
{
    struct words answer = { .at = field(row, 3) };
    struct balance after;
    generation->held_tokens = words_number(&answer);
    words_balance(&answer, &after);
    generation->at_ms = words_number(&answer);
    generation->state = copy(state_name(field(row, 1)));
    generation->origin = copy(field(row, 2));
    generation->committed_tokens = number(row, 4);
    generation->released_tokens = number(row, 5);
}

/* "<user id> <status> <at> <JSON>"; outlives a refusal's hash. false: none, or another user's. */
static bool take_view(const struct redis_reply *view, const char *user_id,
                      struct tokens_generation *generation)
{
    const char *text = redis_reply_text(view, NULL);
    struct words words = { .at = text ? text : "" };
    char status[32];
    if (!text || !words_take(&words, user_id))
        return false;
    words_text(&words, status, sizeof status);
    int64_t at_ms = words_number(&words);
    if (words.bad)
        return false;
    generation->status = copy(status);
    generation->view = copy(words.at);
    if (!generation->at_ms)
        generation->at_ms = at_ms;
    return true;
}

enum trouble tokens_generation(struct tokens *tokens, const char *user_id, const char *generation_id,
                               struct tokens_generation *generation, bool *found)
{
    static const char *const money[] = { "user", "state", "origin", "answer", "committed", "released", NULL };
    struct redis_reply *row = NULL, *view = NULL;
    *found = false;
    *generation = (struct tokens_generation){ 0 };
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    struct redis *node = tokens_side_node(tokens, tokens_bucket(tokens, user_id));
    append_asked(tokens, user_id, &(struct asked){ "HMGET", "gen", generation_id, money });
    append_asked(tokens, user_id, &(struct asked){ "GET", "view", generation_id, NULL });
    enum trouble trouble = tokens_side_receive(tokens, node, &row);
    if (trouble == TROUBLE_NONE)
        trouble = tokens_side_receive(tokens, node, &view);
    if (trouble == TROUBLE_NONE) {
        if (field(row, 0) && strcmp(field(row, 0), user_id) == 0 && field(row, 3)) {
            *found = true;
            take_money(row, generation);
        }
        *found |= take_view(view, user_id, generation);
    }
    redis_reply_free(&row);
    redis_reply_free(&view);
    return trouble;
}

void tokens_generation_free(struct tokens_generation *generation)
{
    free(generation->state);
    free(generation->status);
    free(generation->origin);
    free(generation->view);
    *generation = (struct tokens_generation){ 0 };
}
