/* Answers: struct redis_reply is hiredis's own reply under our name. */
#include <hiredis/hiredis.h>

#include "base/must.h"
#include "redis/redis.h"

static const redisReply *own(const struct redis_reply *reply)
{
    return (const redisReply *)(const void *)reply;
}

enum redis_kind redis_reply_kind(const struct redis_reply *reply)
{
    switch (own(reply)->type) {
    case REDIS_REPLY_STRING: return REDIS_TEXT;
    case REDIS_REPLY_STATUS: return REDIS_STATUS;
    case REDIS_REPLY_INTEGER: return REDIS_INTEGER;
    case REDIS_REPLY_ARRAY: return REDIS_LIST;
    case REDIS_REPLY_ERROR: return REDIS_ERROR;
    default: return REDIS_NIL;
    }
}

const char *redis_reply_text(const struct redis_reply *reply, size_t *length)
{
    const redisReply *answer = own(reply);
    bool has_text = answer->type == REDIS_REPLY_STRING || answer->type == REDIS_REPLY_STATUS
                    || answer->type == REDIS_REPLY_ERROR;
    if (length)
        *length = has_text ? answer->len : 0;
    return has_text ? answer->str : NULL;
}

int64_t redis_reply_integer(const struct redis_reply *reply)
{
    return own(reply)->type == REDIS_REPLY_INTEGER ? own(reply)->integer : 0;
}

size_t redis_reply_count(const struct redis_reply *reply)
{
    return own(reply)->type == REDIS_REPLY_ARRAY ? own(reply)->elements : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index)
{
    must(index < redis_reply_count(reply));
    return (const struct redis_reply *)(const void *)own(reply)->element[index];
}

void redis_reply_free(struct redis_reply **reply)
{
    if (*reply)
        freeReplyObject(*reply);
    *reply = NULL;
}
