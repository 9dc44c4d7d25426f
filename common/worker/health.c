#include "worker/health.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "http/server.h"

enum { PARTS_MAX = 16, CONNECTIONS_MAX = 32, IDLE_SECONDS = 30, BODY_CAP_BYTES = 1024 };

struct part { char *name, *reason; };        /* reason NULL: fine */

struct health {
    struct http_server *server;
    struct metrics *metrics;
    int stall_ms;
    _Atomic int64_t beat_ms;
    struct metric *ready;
    pthread_mutex_t lock;                    /* parts: written by the loop, read by the server's thread */
    struct part parts[PARTS_MAX];
    int part_count;
    struct text page;                        /* the server's thread alone uses them; it is one thread */
};

static bool add_reasons(struct health *health, struct text *out)
{
    bool ready = true;
    pthread_mutex_lock(&health->lock);
    for (int i = 0; i < health->part_count; i++) {
        const struct part *part = &health->parts[i];
        if (!part->reason)
            continue;
        struct text line = { 0 };
        text_printf(&line, "%s: %s", part->name, part->reason);
        text_add_string(out, ready ? "" : ",");
        text_add_json(out, line.bytes, line.length);
        text_free(&line);
        ready = false;
    }
    pthread_mutex_unlock(&health->lock);
    return ready;
}

static void answer_ready(struct health *health, struct http_reply *reply)
{
    struct text reasons = { 0 };
    bool ready = add_reasons(health, &reasons);
    text_printf(&health->page, "{\"ready\":%s,\"reasons\":[%s]}\n", ready ? "true" : "false",
                reasons.bytes ? reasons.bytes : "");
    text_free(&reasons);
    reply->status = ready ? 200 : 503;
}

static void answer_alive(struct health *health, struct http_reply *reply)
{
    int64_t silent_ms = clock_mono_ms() - atomic_load(&health->beat_ms);
    bool alive = silent_ms <= health->stall_ms;
    text_printf(&health->page, "{\"alive\":%s,\"lastTurnMs\":%lld}\n", alive ? "true" : "false",
                (long long)silent_ms);
    reply->status = alive ? 200 : 503;
}

static void on_call(void *self, const struct http_call *call, struct http_reply *reply)
{
    struct health *health = self;
    text_clear(&health->page);
    if (strcmp(call->method, "GET") != 0 && strcmp(call->method, "HEAD") != 0) {
        reply->status = 405;
    } else if (strcmp(call->path, "/metrics") == 0) {
        metrics_render(health->metrics, &health->page);
        reply->status = 200;
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    } else if (strcmp(call->path, "/healthz") == 0 || strcmp(call->path, "/livez") == 0) {
        answer_alive(health, reply);
    } else if (strcmp(call->path, "/readyz") == 0) {
        answer_ready(health, reply);
    } else {
        reply->status = 404;
    }
    reply->body = health->page.bytes;
    reply->body_length = health->page.length;
}

struct health *health_open(const char *address, struct metrics *metrics, int stall_ms, char error[200])
{
    struct health *health = xcalloc(1, sizeof *health);
    health->metrics = metrics;
    health->stall_ms = stall_ms;
    health->ready = metrics_gauge(metrics, "reelgate_ready", NULL, "1 while /readyz answers 200.");
    atomic_store(&health->beat_ms, clock_mono_ms());
    must(pthread_mutex_init(&health->lock, NULL) == 0);
    health->server = http_server_open(&(struct http_server_config){
        .address = address, .body_cap_bytes = BODY_CAP_BYTES, .connection_limit = CONNECTIONS_MAX,
        .idle_timeout_seconds = IDLE_SECONDS, .handler = on_call, .self = health }, error);
    if (!health->server)
        health_close(&health);
    else
        log_info("health_listening", LOG_TEXT("address", address), LOG_NUMBER("port", health_port(health)));
    return health;
}

void health_close(struct health **health)
{
    struct health *self = *health;
    if (!self)
        return;
    if (self->server)
        http_server_close(&self->server);
    for (int i = 0; i < self->part_count; i++) {
        free(self->parts[i].name);
        free(self->parts[i].reason);
    }
    text_free(&self->page);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *health = NULL;
}

void health_beat(struct health *health)
{
    atomic_store_explicit(&health->beat_ms, clock_mono_ms(), memory_order_relaxed);
}

/* *fresh: it was not there before. */
static struct part *part_of(struct health *health, const char *name, bool *fresh)
{
    *fresh = false;
    for (int i = 0; i < health->part_count; i++)
        if (strcmp(health->parts[i].name, name) == 0)
            return &health->parts[i];
    must(health->part_count < PARTS_MAX);
    struct part *part = &health->parts[health->part_count++];
    part->name = xstrdup(name);
    *fresh = true;
    return part;
}

static bool all_fine(const struct health *health)
{
    for (int i = 0; i < health->part_count; i++)
        if (health->parts[i].reason)
            return false;
    return true;
}

void health_part(struct health *health, const char *part, const char *reason)
{
    pthread_mutex_lock(&health->lock);
    bool fresh;
    struct part *found = part_of(health, part, &fresh);
    bool changed = found->reason && reason ? strcmp(found->reason, reason) != 0 : found->reason != reason;
    if (changed) {
        free(found->reason);
        found->reason = reason ? xstrdup(reason) : NULL;
    }
    metric_set(health->ready, all_fine(health) ? 1 : 0);
    pthread_mutex_unlock(&health->lock);
    if (changed && fresh)        /* it is only just starting */
        log_debug("not_ready", LOG_TEXT("part", part), LOG_TEXT("reason", reason));
    else if (changed && reason)
        log_warn("not_ready", LOG_TEXT("part", part), LOG_TEXT("reason", reason));
    else if (changed)
        log_info("part_ready", LOG_TEXT("part", part));
}

int health_port(const struct health *health)
{
    return http_server_port(health->server);
}
