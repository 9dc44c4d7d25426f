/* How many holds of a bucket are open, and for how long: what a leak would show in. */
#include "tokens/recovery.h"

#include <stdio.h>

#include "base/must.h"
#include "tokens/internal.h"
#include "tokens/words.h"

/* An integer, or the score of [generation, started at]. */
static int64_t number_in(const struct redis_reply *reply)
{
    if (redis_reply_kind(reply) == REDIS_INTEGER)
        return redis_reply_integer(reply);
    const char *text = redis_reply_count(reply) == 2 ? redis_reply_text(redis_reply_at(reply, 1), NULL) : NULL;
    struct words words = { .at = text ? text : "0" };
    return words_number(&words);
}

enum trouble tokens_open_holds(struct tokens *tokens, int32_t bucket, int64_t overdue_before_ms, struct open_holds *holds)
{
    char key[KEY_BYTES], before[24];
    int64_t *const numbers[] = { &holds->count, &holds->overdue, &holds->oldest_at_ms };
    *holds = (struct open_holds){ 0 };
    must(tokens->replays.count == 0);
    snprintf(key, sizeof key, "rg:{%d}:open", bucket);
    snprintf(before, sizeof before, "(%lld", (long long)overdue_before_ms);
    if (tokens_side(tokens) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    struct redis *node = tokens_side_node(tokens, bucket);
    redis_append(node, 2, (const char *[]){ "ZCARD", key }, NULL);
    redis_append(node, 4, (const char *[]){ "ZCOUNT", key, "-inf", before }, NULL);
    redis_append(node, 5, (const char *[]){ "ZRANGE", key, "0", "0", "WITHSCORES" }, NULL);
    for (int i = 0; i < 3; i++) {
        struct redis_reply *reply;
        enum trouble trouble = tokens_side_receive(tokens, node, &reply);
        if (trouble != TROUBLE_NONE)
            return trouble;
        *numbers[i] = number_in(reply);
        redis_reply_free(&reply);
    }
    return TROUBLE_NONE;
}
