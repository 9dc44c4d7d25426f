#include "tokens/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "redis/redis.h"

enum { SCAN_COUNT = 500, KEY_PARTS_MAX = 300 };

struct audit { struct redis *redis; };

struct audit *audit_open(const char *redis_url, int timeout_ms, char error[200])
{
    struct redis *redis = redis_open(redis_url, timeout_ms, error);
    if (!redis)
        return NULL;
    struct audit *audit = xcalloc(1, sizeof *audit);
    audit->redis = redis;
    return audit;
}

void audit_close(struct audit **audit)
{
    if (!*audit)
        return;
    redis_close(&(*audit)->redis);
    free(*audit);
    *audit = NULL;
}

const char *audit_reason(const struct audit *audit)
{
    return redis_reason(audit->redis);
}

/* ---- rows */

enum row_kind { ROW_OTHER, ROW_ACCOUNT, ROW_HOLD };
struct row { enum row_kind kind; int32_t bucket; const char *id; };

/* "rg:{7}:user:u-1". An id may hold ':' itself, so it is all that follows. */
static struct row row_of(const char *key)
{
    struct row row = { .kind = ROW_OTHER };
    int read = 0;
    if (sscanf(key, "rg:{%" SCNd32 "}:%n", &row.bucket, &read) != 1 || read == 0 || row.bucket < 0)
        return row;
    const char *rest = key + read;
    if (strncmp(rest, "user:", 5) == 0)
        return (struct row){ ROW_ACCOUNT, row.bucket, rest + 5 };
    if (strncmp(rest, "gen:", 4) == 0)
        return (struct row){ ROW_HOLD, row.bucket, rest + 4 };
    return row;
}

static void ask_row(struct audit *audit, const char *key, enum row_kind kind)
{
    const char *account[] = { "HMGET", key, "granted", "available", "reserved", "spent" };
    const char *hold[] = { "HMGET", key, "user", "state", "tokens", "committed", "released" };
    if (kind == ROW_ACCOUNT)
        redis_append(audit->redis, sizeof account / sizeof account[0], account, NULL);
    else
        redis_append(audit->redis, sizeof hold / sizeof hold[0], hold, NULL);
}

static const char *field(const struct redis_reply *reply, size_t index)
{
    const struct redis_reply *value = redis_reply_at(reply, index);
    return redis_reply_kind(value) == REDIS_TEXT ? redis_reply_text(value, NULL) : NULL;
}

/* absent: what a field that is not there means; below 0: it must be there. */
static bool number(const struct redis_reply *reply, size_t index, int64_t absent, int64_t *value)
{
    const char *text = field(reply, index);
    *value = absent;
    if (!text)
        return absent >= 0;
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static bool tell_account(const struct redis_reply *reply, const struct row *row, const struct audit_visitor *visitor)
{
    struct audit_account account = { .bucket = row->bucket, .user_id = row->id };
    struct balance *balance = &account.balance;
    if (!number(reply, 0, 0, &balance->granted) || !number(reply, 1, 0, &balance->available)
        || !number(reply, 2, 0, &balance->reserved) || !number(reply, 3, 0, &balance->spent))
        return false;
    visitor->account(visitor->self, &account);
    return true;
}

static bool tell_hold(const struct redis_reply *reply, const struct row *row, const struct audit_visitor *visitor)
{
    const char *state = field(reply, 1);
    struct audit_hold hold = { .bucket = row->bucket, .generation_id = row->id, .user_id = field(reply, 0) };
    if (!state || (strcmp(state, "reserved") != 0 && strcmp(state, "settled") != 0))
        return true;
    if (!hold.user_id || !number(reply, 2, -1, &hold.held) || !number(reply, 3, 0, &hold.committed)
        || !number(reply, 4, 0, &hold.released))
        return false;
    visitor->hold(visitor->self, &hold);
    return true;
}

static enum trouble hear_row(struct audit *audit, const char *key, const struct audit_visitor *visitor)
{
    struct redis_reply *reply;
    if (redis_receive(audit->redis, &reply) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    struct row row = row_of(key);
    bool read = redis_reply_kind(reply) == REDIS_LIST
        && (row.kind == ROW_ACCOUNT ? tell_account : tell_hold)(reply, &row, visitor);
    if (!read)
        visitor->illegible(visitor->self, key);
    redis_reply_free(&reply);
    return TROUBLE_NONE;
}

/* ---- all of them */

static enum trouble scan_page(struct audit *audit, const struct redis_reply *keys, const struct audit_visitor *visitor)
{
    size_t count = redis_reply_count(keys);
    for (size_t i = 0; i < count; i++) {
        const char *key = field(keys, i);
        enum row_kind kind = key ? row_of(key).kind : ROW_OTHER;
        if (kind != ROW_OTHER)
            ask_row(audit, key, kind);
    }
    if (redis_send(audit->redis) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    for (size_t i = 0; i < count; i++) {
        const char *key = field(keys, i);
        if (key && row_of(key).kind != ROW_OTHER && hear_row(audit, key, visitor) != TROUBLE_NONE)
            return TROUBLE_RETRY;
    }
    return TROUBLE_NONE;
}

enum trouble audit_scan(struct audit *audit, const struct audit_visitor *visitor)
{
    char cursor[24] = "0", count[16];
    snprintf(count, sizeof count, "%d", SCAN_COUNT);
    do {
        const char *scan[] = { "SCAN", cursor, "MATCH", "rg:{*}:*", "COUNT", count };
        struct redis_reply *page;
        if (redis_ask(audit->redis, sizeof scan / sizeof scan[0], scan, &page) != TROUBLE_NONE)
            return TROUBLE_RETRY;
        const char *next = redis_reply_kind(page) == REDIS_LIST ? field(page, 0) : NULL;
        enum trouble trouble = next ? scan_page(audit, redis_reply_at(page, 1), visitor) : TROUBLE_RETRY;
        snprintf(cursor, sizeof cursor, "%s", next ? next : "0");
        redis_reply_free(&page);
        if (trouble != TROUBLE_NONE)
            return trouble;
    } while (strcmp(cursor, "0") != 0);
    return TROUBLE_NONE;
}

/* ---- one of them */

static enum trouble look(struct audit *audit, const char *key, const struct audit_visitor *visitor)
{
    if (redis_connect(audit->redis) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    ask_row(audit, key, row_of(key).kind);
    if (redis_send(audit->redis) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    return hear_row(audit, key, visitor);
}

enum trouble audit_look_account(struct audit *audit, int32_t bucket, const char *user_id,
                                const struct audit_visitor *visitor)
{
    char key[KEY_PARTS_MAX];
    snprintf(key, sizeof key, "rg:{%" PRId32 "}:user:%s", bucket, user_id);
    return look(audit, key, visitor);
}

enum trouble audit_look_hold(struct audit *audit, int32_t bucket, const char *generation_id,
                             const struct audit_visitor *visitor)
{
    char key[KEY_PARTS_MAX];
    snprintf(key, sizeof key, "rg:{%" PRId32 "}:gen:%s", bucket, generation_id);
    return look(audit, key, visitor);
}

enum trouble audit_verified(struct audit *audit, int32_t bucket, bool *verified)
{
    char key[KEY_PARTS_MAX];
    snprintf(key, sizeof key, "rg:{%" PRId32 "}:meta", bucket);
    const char *get[] = { "HGET", key, "verified" };
    struct redis_reply *reply;
    if (redis_ask(audit->redis, sizeof get / sizeof get[0], get, &reply) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    *verified = redis_reply_kind(reply) == REDIS_TEXT;
    redis_reply_free(&reply);
    return TROUBLE_NONE;
}
