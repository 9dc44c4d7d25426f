/* From an HTTP call to its handler: request id, token, role, limits; and the pages, which need none of
 * them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/pages.h"
#include "gateway/routes.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/sha256.h"

#define DENY_ALL "default-src 'none'; frame-ancestors 'none'"

/* ---- what every answer carries */

static void add_constant(struct http_reply *reply, const char *name, const char *value)
{
    reply->headers[reply->header_count].name = name;
    reply->headers[reply->header_count++].value = value;
}

static void harden(struct http_reply *reply, const char *content_policy, const char *caching)
{
    add_constant(reply, "Cache-Control", caching);
    add_constant(reply, "Content-Security-Policy", content_policy);
    add_constant(reply, "X-Content-Type-Options", "nosniff");
    add_constant(reply, "Referrer-Policy", "no-referrer");
    add_constant(reply, "Cross-Origin-Opener-Policy", "same-origin");
}

/* Off unless configured: then exactly one other origin, without cookies (there are none). */
static void allow_origin(const struct request *request)
{
    const char *allowed = request->gateway->settings->cors_origin;
    const char *origin = http_call_header(request->call, "Origin");
    if (!allowed)
        return;
    add_constant(request->reply, "Vary", "Origin");
    if (!origin || strcmp(origin, allowed) != 0)
        return;
    add_constant(request->reply, "Access-Control-Allow-Origin", allowed);
    add_constant(request->reply, "Access-Control-Allow-Methods", "GET, POST, DELETE");
    add_constant(request->reply, "Access-Control-Allow-Headers",
                 "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, If-None-Match");
    add_constant(request->reply, "Access-Control-Expose-Headers",
                 "Location, Retry-After, Idempotent-Replayed, X-Request-Id, ETag");
}

/* ---- pages */

static void page_tag(const struct page *page, char out[20])
{
    uint8_t hash[SHA256_BYTES];
    sha256(page->bytes, *page->length, hash);
    snprintf(out, 20, "\"%02x%02x%02x%02x%02x%02x%02x%02x\"", hash[0], hash[1], hash[2], hash[3], hash[4],
             hash[5], hash[6], hash[7]);
}

static void serve_page(struct request *request, const struct page *page)
{
    char tag[20];
    const char *known = http_call_header(request->call, "If-None-Match");
    page_tag(page, tag);
    harden(request->reply, request->gateway->page_policy.bytes, "no-cache");
    http_reply_header(request->reply, "ETag", tag);
    request->reply->status = known && strcmp(known, tag) == 0 ? 304 : 200;
    if (request->reply->status == 304)
        return;
    request->reply->content_type = page_type(page->address);
    request->reply->body = (const char *)page->bytes;
    request->reply->body_length = *page->length;
}

/* What a problem's type leads to. */
static bool serve_problem_words(struct request *request)
{
    static const char prefix[] = "/problems/";
    if (strncmp(request->call->path, prefix, sizeof prefix - 1) != 0)
        return false;
    for (int i = 0; i < PROBLEM_COUNT; i++)
        if (strcmp(request->call->path + sizeof prefix - 1, PROBLEMS[i].code) == 0) {
            harden(request->reply, DENY_ALL, "no-cache");
            request->reply->status = 200;
            request->reply->content_type = "text/plain; charset=utf-8";
            text_printf(&request->reply->text, "%s (%s, usually %d)\n\n%s\n", PROBLEMS[i].title,
                        PROBLEMS[i].code,
                        PROBLEMS[i].status, PROBLEMS[i].help);
            return true;
        }
    return false;
}

static bool serve_public(struct request *request)
{
    bool reads = strcmp(request->call->method, "GET") == 0 || strcmp(request->call->method, "HEAD") == 0;
    const struct page *page = reads ? page_find(request->call->path) : NULL;
    if (page)
        serve_page(request, page);
    return page || (reads && serve_problem_words(request));
}

/* ---- the API */

static enum bearer_verdict check_bearer(struct request *request, const char *token)
{
    struct gateway *gateway = request->gateway;
    pthread_rwlock_rdlock(&gateway->reload_lock);
    enum bearer_verdict verdict = bearer_check(&(struct bearer_rules){ .keys = gateway->keys,
        .issuer = gateway->settings->jwt_issuer, .audience = gateway->settings->jwt_audience }, token,
        clock_wall_ms() / 1000, &request->claims);
    pthread_rwlock_unlock(&gateway->reload_lock);
    return verdict;
}

static bool authenticate(struct request *request)
{
    static const char *const words[] = {
        [BEARER_MALFORMED] = "The bearer token is not one of ours.",
        [BEARER_EXPIRED] = "The bearer token has expired: sign in again.",
        [BEARER_EARLY] = "The bearer token is not valid yet.",
        [BEARER_FOREIGN] = "The bearer token was made for another service.",
        [BEARER_NAMELESS] = "The bearer token does not say who you are.",
    };
    static const char scheme[] = "Bearer ";
    const char *given = http_call_header(request->call, "Authorization");
    enum bearer_verdict verdict = BEARER_MALFORMED;
    if (given && strncasecmp(given, scheme, sizeof scheme - 1) == 0)
        verdict = check_bearer(request, given + sizeof scheme - 1);
    request->role = verdict == BEARER_GOOD ? role_of(request->claims.role) : ROLE_NONE;
    if (verdict == BEARER_GOOD)
        return true;
    add_constant(request->reply, "WWW-Authenticate", given ? "Bearer error=\"invalid_token\"" : "Bearer");
    request_refuse(request, PROBLEM_UNAUTHORIZED, 0, given ? words[verdict] : "A bearer token is needed.");
    return false;
}

static bool within_limits(struct request *request, const struct route *route)
{
    int64_t now_ms = clock_mono_ms();
    int64_t wait_ms = limits_take(request->gateway->calls, request->claims.subject, now_ms);
    if (wait_ms == 0 && route->asks)
        wait_ms = limits_take(request->gateway->generations, request->claims.subject, now_ms);
    if (wait_ms == 0)
        return true;
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)(wait_ms + 999) / 1000);
    http_reply_header(request->reply, "Retry-After", seconds);
    request_refuse(request, PROBLEM_BAD_REQUEST, 429,
                   "Too many calls. Come again after Retry-After seconds.");
    return false;
}

static bool view_ready(struct request *request)
{
    view_lock(request->gateway->view);
    bool ready = request->gateway->view->caught_up;
    view_unlock(request->gateway->view);
    if (!ready)
        request_retry(request, "This gateway has just started and is still reading. Try again.");
    return ready;
}

/* Pages are there, but only to be read. */
static bool is_page(const char *path, char allow[ROUTE_METHODS_BYTES])
{
    bool page = page_find(path) != NULL;
    if (page)
        snprintf(allow, ROUTE_METHODS_BYTES, "GET, HEAD");
    return page;
}

static void refuse_path(struct request *request, bool known, const char *allow)
{
    if (!known) {
        request_refuse(request, PROBLEM_NOT_FOUND, 0, "There is nothing at this address.");
        return;
    }
    http_reply_header(request->reply, "Allow", allow);
    if (strcmp(request->call->method, "OPTIONS") == 0 && request->gateway->settings->cors_origin)
        request->reply->status = 204;
    else
        request_refuse(request, PROBLEM_BAD_REQUEST, 405, "This address does not take this method.");
}

static const struct route *serve_api(struct request *request)
{
    bool known;
    char allow[ROUTE_METHODS_BYTES];
    const struct route *route = route_find(request->call->method, request->call->path, request->parts, &known,
                                           allow);
    http_reply_header(request->reply, "X-Request-Id", request->id);
    harden(request->reply, DENY_ALL, "no-store");
    allow_origin(request);
    if (!route)
        refuse_path(request, known || is_page(request->call->path, allow), allow);
    else if (!authenticate(request))
        return route;
    else if (!route_takes(route, request->role))
        request_refuse(request, PROBLEM_FORBIDDEN, 0, "Your role may not do this.");
    else if (within_limits(request, route) && (!route->view || view_ready(request)))
        route->handle(request);
    return route;
}

/* ---- the two ways in */

static const char CALLS[] = "reelgate_http_requests_total";
static const char CALLS_HELP[] = "Calls of the HTTP API, by route and status.";
static const char SECONDS[] = "reelgate_http_request_duration_seconds";
static const char SECONDS_HELP[] = "How long calls of the HTTP API took, by route; streams until they began.";

static void measure(struct gateway *gateway, const struct route *route, int status, int64_t took_us)
{
    char labels[160];
    snprintf(labels, sizeof labels, "route=\"%s %s\",code=\"%d\"", route ? route->method : "GET",
             route ? route->pattern : "page or none", status);
    metric_add(metrics_counter(gateway->metrics, CALLS, labels, CALLS_HELP), 1);
    snprintf(labels, sizeof labels, "route=\"%s %s\"", route ? route->method : "GET",
             route ? route->pattern : "page or none");
    metric_observe(metrics_histogram(gateway->metrics, SECONDS, labels, SECONDS_HELP, METRICS_FAST),
                   (double)took_us / 1e6);
}

void routes_open(struct metrics *metrics)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        char labels[160];
        snprintf(labels, sizeof labels, "route=\"%s %s\"", ROUTES[i].method, ROUTES[i].pattern);
        metrics_histogram(metrics, SECONDS, labels, SECONDS_HELP, METRICS_FAST);
    }
}

void routes_handle(void *self, const struct http_call *call, struct http_reply *reply)
{
    struct request request = { .gateway = self, .call = call, .reply = reply, .role = ROLE_NONE };
    int64_t began_us = clock_mono_us();
    uuid7_make(request.id);
    const struct route *route = serve_public(&request) ? NULL : serve_api(&request);
    int64_t took_us = clock_mono_us() - began_us;
    measure(request.gateway, route, reply->status, took_us);
    /* Never a header, a query or a body: a token must not get into a log. */
    log_debug("http_call", LOG_TEXT("method", call->method), LOG_TEXT("route", route ? route->pattern : NULL),
              LOG_NUMBER("status", reply->status), LOG_NUMBER("took_us", took_us),
              LOG_TEXT("request_id", request.id),
              LOG_TEXT("user_id", request.claims.subject[0] ? request.claims.subject : NULL));
}

void routes_refuse(void *self, const struct http_call *call, const char *reason, struct http_reply *reply)
{
    struct request request = { .gateway = self, .call = call, .reply = reply, .role = ROLE_NONE };
    int status = reply->status;
    uuid7_make(request.id);
    http_reply_header(reply, "X-Request-Id", request.id);
    harden(reply, DENY_ALL, "no-store");
    request_refuse(&request, PROBLEM_BAD_REQUEST, status, reason);
}
