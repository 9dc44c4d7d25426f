/* One Redis connection, pipelined. Only this folder names hiredis. Any error, time-out or error reply that
 * means "not now" breaks the connection for good (a late reply must never be matched to another command,
 * hiredis#306): the caller opens a fresh one and runs its whole batch again. Not thread-safe. */
#ifndef REDIS_REDIS_H
#define REDIS_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/trouble.h"

struct redis;
struct redis_reply;      /* one answer; lent or given as said */

enum redis_kind { REDIS_NIL, REDIS_STATUS, REDIS_TEXT, REDIS_INTEGER, REDIS_LIST, REDIS_ERROR };

/* redis://[user:password@]host:port[/db] or unix:/path. A password alone is redis://:password@host; %XX is
 * understood in user and password; an IPv6 host stands in brackets; of several hosts, parted by commas, the
 * first is meant (cluster.h knows what to do with the others). rediss:// is refused with hiredis before 1.0
 * (no TLS there). NULL and a reason in error (one line, never with the password) when the URL is wrong.
 * Does not connect. */
struct redis *redis_open(const char *url, int timeout_ms, char error[200]);
void redis_close(struct redis **redis);

/* Connects when not connected, and then loads the scripts given by redis_scripts. Blocks up to timeout_ms a
 * step. TROUBLE_RETRY: away. After any trouble the connection is gone and the next call of redis_connect
 * makes a fresh one. */
enum trouble redis_connect(struct redis *redis);
bool redis_connected(const struct redis *redis);
/* drop the connection: nothing that is still on its way is read */
void redis_break(struct redis *redis);
/* the last trouble, in words for a log; "" before any */
const char *redis_reason(const struct redis *redis);

/* Lua scripts by index; sources must live on. Their SHA1 comes from SCRIPT LOAD at connect. */
void redis_scripts(struct redis *redis, const char *const *sources, size_t count);

/* Appends a command to the pipeline; nothing is sent until redis_send or redis_receive. The connection must
 * stand. The script's is EVALSHA sha keys argv...; lengths may be NULL in both. */
void redis_append(struct redis *redis, size_t argc, const char *const *argv, const size_t *lengths);
void redis_append_script(struct redis *redis, size_t script, size_t keys, size_t argc,
                         const char *const *argv, const size_t *lengths);
/* Hands all appended bytes to the kernel. Replies that pile up meanwhile are read into memory, so that
 * neither side can block the other. TROUBLE_RETRY: no byte moved for timeout_ms, or the connection is
 * gone. */
enum trouble redis_send(struct redis *redis);
/* The next reply in order. Given: redis_reply_free. Blocks up to timeout_ms; TROUBLE_RETRY broke the
 * connection. An error reply (NOSCRIPT, OOM, LOADING, READONLY, ...) is returned as REDIS_ERROR: the caller
 * decides. */
enum trouble redis_receive(struct redis *redis, struct redis_reply **reply);
/* connect, append, send, receive of one command. Only with nothing pending. */
enum trouble redis_ask(struct redis *redis, size_t argc, const char *const *argv, struct redis_reply **reply);
size_t redis_pending(const struct redis *redis);   /* replies still to come */

enum redis_kind redis_reply_kind(const struct redis_reply *reply);
/* TEXT, STATUS, ERROR; else NULL */
const char *redis_reply_text(const struct redis_reply *reply, size_t *length);
int64_t redis_reply_integer(const struct redis_reply *reply);
size_t redis_reply_count(const struct redis_reply *reply);
const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index);      /* lent */
void redis_reply_free(struct redis_reply **reply);

#endif
