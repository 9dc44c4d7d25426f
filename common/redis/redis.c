#include "redis/redis.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "redis/node.h"

enum { READ_BYTES = 64 * 1024, READER_KEEPS = 1024 * 1024, SHA_HEX = 40 };

/* hiredis connects and parses; reading and writing are ours, because its blocking calls write everything
 * before they read anything, each under a time-out of its own per system call. */
struct redis {
    struct redis_url url;
    int timeout_ms;
    redisContext *context;               /* NULL: not connected */
    struct text out;                     /* appended, and from sent on not yet handed to the kernel */
    size_t sent;
    size_t pending;
    const char *const *sources;
    size_t script_count;
    char (*shas)[SHA_HEX + 1];
    char reason[200];
    /* what one read brings; not on the stack, which would be zeroed each time */
    char bytes[READ_BYTES];
};

struct redis *redis_open_node(const struct redis_url *url, const struct redis_address *address, int timeout_ms)
{
    struct redis *redis = xcalloc(1, sizeof *redis);
    redis->url = *url;
    if (address)
        redis->url.seeds[0] = *address;
    redis->timeout_ms = timeout_ms;
    return redis;
}

struct redis *redis_open(const char *url, int timeout_ms, char error[200])
{
    struct redis_url parsed;
    if (!redis_url_parse(url, &parsed, error))
        return NULL;
    struct redis *redis = redis_open_node(&parsed, NULL, timeout_ms);
    explicit_bzero(&parsed, sizeof parsed);
    return redis;
}

void redis_close(struct redis **redis)
{
    if (!*redis)
        return;
    redis_break(*redis);
    text_free(&(*redis)->out);
    free((*redis)->shas);
    explicit_bzero(&(*redis)->url, sizeof (*redis)->url);
    free(*redis);
    *redis = NULL;
}

bool redis_connected(const struct redis *redis) { return redis->context != NULL; }

const char *redis_reason(const struct redis *redis) { return redis->reason; }

size_t redis_pending(const struct redis *redis) { return redis->pending; }

void redis_break(struct redis *redis)
{
    if (redis->context)
        redisFree(redis->context);
    redis->context = NULL;
    redis->pending = 0;
    redis->sent = 0;
    text_clear(&redis->out);
}

/* The only way out for a trouble: it is said once, and the connection is gone. */
__attribute__((format(printf, 2, 3)))
static enum trouble broken(struct redis *redis, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(redis->reason, sizeof redis->reason, format, arguments);
    va_end(arguments);
    redis_break(redis);
    return TROUBLE_RETRY;
}

/* ---- scripts and commands */

void redis_scripts(struct redis *redis, const char *const *sources, size_t count)
{
    redis->sources = sources;
    redis->script_count = count;
    redis->shas = xrealloc(redis->shas, count * sizeof *redis->shas);
    redis_break(redis);                  /* the next connection loads them */
}

static void add_head(struct text *out, char kind, size_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\n';
    digits[--at] = '\r';
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    digits[--at] = kind;
    text_add(out, digits + at, sizeof digits - at);
}

static void add_argument(struct text *out, const char *bytes, size_t length)
{
    add_head(out, '$', length);
    text_add(out, bytes, length);
    text_add(out, "\r\n", 2);
}

static void add_arguments(struct text *out, size_t argc, const char *const *argv, const size_t *lengths)
{
    for (size_t i = 0; i < argc; i++)
        add_argument(out, argv[i], lengths ? lengths[i] : strlen(argv[i]));
}

void redis_append(struct redis *redis, size_t argc, const char *const *argv, const size_t *lengths)
{
    must(redis->context);
    add_head(&redis->out, '*', argc);
    add_arguments(&redis->out, argc, argv, lengths);
    redis->pending++;
}

void redis_append_script(struct redis *redis, size_t script, size_t keys, size_t argc,
                         const char *const *argv, const size_t *lengths)
{
    char count[24];
    must(redis->context && script < redis->script_count && keys <= argc);
    add_head(&redis->out, '*', argc + 3);
    add_argument(&redis->out, "EVALSHA", 7);
    add_argument(&redis->out, redis->shas[script], SHA_HEX);
    add_argument(&redis->out, count, (size_t)snprintf(count, sizeof count, "%zu", keys));
    add_arguments(&redis->out, argc, argv, lengths);
    redis->pending++;
}

/* ---- bytes */

/* Feeds what the socket holds to the parser. One read per call: poll says when there is more. */
static enum trouble read_some(struct redis *redis)
{
    ssize_t count = read(redis->context->fd, redis->bytes, sizeof redis->bytes);
    if (count == 0)
        return broken(redis, "Redis closed the connection");
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return TROUBLE_NONE;
    if (count < 0)
        return broken(redis, "read from Redis: %s", strerror(errno));
    if (redisReaderFeed(redis->context->reader, redis->bytes, (size_t)count) != REDIS_OK)
        return broken(redis, "reply of Redis: %s", redis->context->reader->errstr);
    return TROUBLE_NONE;
}

/* Hands over as much as the kernel takes now. */
static enum trouble write_some(struct redis *redis, bool *moved)
{
    ssize_t count = send(redis->context->fd, redis->out.bytes + redis->sent, redis->out.length - redis->sent,
                         MSG_NOSIGNAL);
    *moved = count > 0;
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        return broken(redis, "write to Redis: %s", strerror(errno));
    if (count > 0)
        redis->sent += (size_t)count;
    if (redis->sent == redis->out.length) {
        text_clear(&redis->out);
        redis->sent = 0;
    }
    return TROUBLE_NONE;
}

/* Waits until the socket can be read (or written, when bytes are left), at most until deadline_ms, and does
 * it. */
static enum trouble move_bytes(struct redis *redis, int64_t deadline_ms, bool *moved)
{
    bool left = redis->out.length > redis->sent;
    struct pollfd wait = { .fd = redis->context->fd, .events = (short)(POLLIN | (left ? POLLOUT : 0)) };
    int64_t patience_ms = deadline_ms - clock_mono_ms();
    *moved = false;
    int ready = poll(&wait, 1, patience_ms > 0 ? (int)patience_ms : 0);
    if (ready < 0 && errno != EINTR)
        return broken(redis, "poll: %s", strerror(errno));
    if (ready == 0 && clock_mono_ms() >= deadline_ms)
        return broken(redis, "no answer from Redis within %d ms", redis->timeout_ms);
    if (ready <= 0)
        return TROUBLE_NONE;

    enum trouble trouble = TROUBLE_NONE;
    if (wait.revents & (POLLIN | POLLERR | POLLHUP)) {
        *moved = true;
        trouble = read_some(redis);
    }
    bool written = false;
    if (trouble == TROUBLE_NONE && (wait.revents & POLLOUT))
        trouble = write_some(redis, &written);
    *moved |= written;
    return trouble;
}

enum trouble redis_send(struct redis *redis)
{
    bool moved;
    if (!redis->context)
        return TROUBLE_RETRY;
    if (redis->out.length == redis->sent)
        return TROUBLE_NONE;
    enum trouble trouble = write_some(redis, &moved);
    int64_t deadline_ms = clock_mono_ms() + redis->timeout_ms;
    while (trouble == TROUBLE_NONE && redis->out.length > redis->sent) {
        trouble = move_bytes(redis, deadline_ms, &moved);
        if (moved)
            deadline_ms = clock_mono_ms() + redis->timeout_ms;
    }
    return trouble;
}

enum trouble redis_receive(struct redis *redis, struct redis_reply **reply)
{
    void *parsed = NULL;
    int64_t deadline_ms = 0;             /* the clock is asked only when there is something to wait for */
    *reply = NULL;
    if (!redis->context)
        return TROUBLE_RETRY;
    must(redis->pending > 0);
    for (;;) {
        bool moved;
        if (redisReaderGetReply(redis->context->reader, &parsed) != REDIS_OK)
            return broken(redis, "reply of Redis: %s", redis->context->reader->errstr);
        if (parsed)
            break;
        if (deadline_ms == 0) {
            if (redis_send(redis) != TROUBLE_NONE)
                return TROUBLE_RETRY;
            deadline_ms = clock_mono_ms() + redis->timeout_ms;
            continue;                    /* sending may have read */
        }
        if (move_bytes(redis, deadline_ms, &moved) != TROUBLE_NONE)
            return TROUBLE_RETRY;
    }
    redis->pending--;
    *reply = parsed;
    return TROUBLE_NONE;
}

enum trouble redis_ask(struct redis *redis, size_t argc, const char *const *argv, struct redis_reply **reply)
{
    *reply = NULL;
    enum trouble trouble = redis_connect(redis);
    if (trouble != TROUBLE_NONE)
        return trouble;
    must(redis->pending == 0);
    redis_append(redis, argc, argv, NULL);
    return redis_receive(redis, reply);
}

/* ---- connecting */

static enum trouble open_socket(struct redis *redis)
{
    struct timeval limit = { .tv_sec = redis->timeout_ms / 1000, .tv_usec = redis->timeout_ms % 1000 * 1000 };
    redisContext *context = redis->url.path[0]
                                ? redisConnectUnixWithTimeout(redis->url.path, limit)
                                : redisConnectWithTimeout(redis->url.seeds[0].host, redis->url.seeds[0].port,
                                                          limit);
    if (!context)
        return broken(redis, "connect to Redis: out of memory");
    redis->context = context;
    if (context->err)
        return broken(redis, "connect to Redis: %s", context->errstr);
    if (!redis->url.path[0]) {
        int on = 1;
        if (setsockopt(context->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
            || redisEnableKeepAlive(context) != REDIS_OK)
            return broken(redis, "connect to Redis: %s", strerror(errno));
    }
    int flags = fcntl(context->fd, F_GETFL);
    if (flags < 0 || fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return broken(redis, "connect to Redis: %s", strerror(errno));
    context->reader->maxbuf = READER_KEEPS;
    return TROUBLE_NONE;
}

/* The greeting's next reply must not be an error. Redis's own words go to the reason: never a password. */
static enum trouble expect(struct redis *redis, const char *step, char sha[SHA_HEX + 1])
{
    struct redis_reply *reply;
    size_t length;
    enum trouble trouble = redis_receive(redis, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *text = redis_reply_text(reply, &length);
    if (redis_reply_kind(reply) == REDIS_ERROR)
        trouble = broken(redis, "%s: %s", step, text);
    else if (sha && (!text || length != SHA_HEX))
        trouble = broken(redis, "%s: an unexpected reply", step);
    else if (sha)
        memcpy(sha, text, SHA_HEX + 1);
    redis_reply_free(&reply);
    return trouble;
}

static void append_greeting(struct redis *redis)
{
    const struct redis_url *url = &redis->url;
    char database[16];
    if (url->password[0] && url->user[0])
        redis_append(redis, 3, (const char *[]){ "AUTH", url->user, url->password }, NULL);
    else if (url->password[0])
        redis_append(redis, 2, (const char *[]){ "AUTH", url->password }, NULL);
    snprintf(database, sizeof database, "%d", url->database);
    if (url->database)
        redis_append(redis, 2, (const char *[]){ "SELECT", database }, NULL);
    for (size_t i = 0; i < redis->script_count; i++)
        redis_append(redis, 3, (const char *[]){ "SCRIPT", "LOAD", redis->sources[i] }, NULL);
}

enum trouble redis_connect(struct redis *redis)
{
    if (redis->context)
        return TROUBLE_NONE;
    enum trouble trouble = open_socket(redis);
    if (trouble != TROUBLE_NONE)
        return trouble;
    append_greeting(redis);
    if (redis->url.password[0])
        trouble = expect(redis, "log in to Redis", NULL);
    if (trouble == TROUBLE_NONE && redis->url.database)
        trouble = expect(redis, "select the database", NULL);
    for (size_t i = 0; i < redis->script_count && trouble == TROUBLE_NONE; i++)
        trouble = expect(redis, "load a script", redis->shas[i]);
    return trouble;
}
