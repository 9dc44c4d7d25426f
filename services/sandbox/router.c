/* Which call goes where, and who may come in. */
#include "sandbox/sandbox.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define VERSION "2024-11-06"
enum { KEY_HEX_DIGITS = 128 };

static void health(struct visit *visit)
{
    visit->reply->status = 200;
    text_add_string(&visit->reply->text, "{\"ok\":true}");
}

/* path ends in "/" when more follows. Everything under /v1/ needs the two headers, nothing else does. */
static const struct route { const char *method, *path; void (*handle)(struct visit *visit); } routes[] = {
    { "GET", "/v1/tasks/", api_look },
    { "DELETE", "/v1/tasks/", api_delete },
    { "GET", "/v1/organization", api_organization },
    { "POST", "/v1/organization/usage", api_usage },
    { "POST", "/v1/uploads", api_upload_begin },
    { "GET", "/output/", api_output },
    { "HEAD", "/output/", api_output },
    { "POST", "/upload/", api_upload_store },
    { "GET", "/admin/state", admin_state },
    { "GET", "/admin/tasks", admin_tasks },
    { "GET", "/admin/faults", admin_faults },
    { "POST", "/admin/faults", admin_faults },
    { "POST", "/admin/settings", admin_settings },
    { "POST", "/admin/reset", admin_reset },
    { "GET", "/healthz", health },
};

/* ---- who may come in */

static bool key_well_formed(const char *key)
{
    if (strncmp(key, "key_", 4) != 0 || strlen(key) != 4 + KEY_HEX_DIGITS) return false;
    return key[4 + strspn(key + 4, "0123456789abcdef")] == '\0';
}

static bool key_good(struct sandbox *sandbox, const char *key)
{
    pthread_mutex_lock(&sandbox->lock);
    bool good = sandbox->key[0] ? strcmp(key, sandbox->key) == 0 : key_well_formed(key);
    pthread_mutex_unlock(&sandbox->lock);
    return good;
}

static void count_unauthorized(struct sandbox *sandbox)
{
    pthread_mutex_lock(&sandbox->lock);
    sandbox->counts.unauthorized++;
    pthread_mutex_unlock(&sandbox->lock);
}

/* false: answered already. */
static bool admitted(struct visit *visit)
{
    const char *authorization = http_call_header(visit->call, "Authorization");
    const char *version = http_call_header(visit->call, "X-Runway-Version");
    if (!authorization || !authorization[0]) {
        count_unauthorized(visit->sandbox);
        answer_error(visit->reply, 401, "No API key was provided. Send Authorization: Bearer and your key.");
    } else if (strncmp(authorization, "Bearer ", 7) != 0 || !key_good(visit->sandbox, authorization + 7)) {
        count_unauthorized(visit->sandbox);
        answer_error(visit->reply, 401, "The API key that was provided is invalid.");
    } else if (!version || strcmp(version, VERSION) != 0) {
        answer_error(visit->reply, 400, "The X-Runway-Version header must be " VERSION ".");
    } else {
        return true;
    }
    return false;
}

/* ---- where to */

static bool path_matches(const char *route, const char *path, const char **rest)
{
    size_t length = strlen(route);
    if (strncmp(route, path, length) != 0) return false;
    *rest = path + length;
    return route[length - 1] == '/' ? **rest != '\0' : **rest == '\0';
}

static void dispatch(struct visit *visit)
{
    bool path_known = endpoint_known(visit->call->path);
    if (path_known && strcmp(visit->call->method, "POST") == 0) {
        api_create(visit);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (!path_matches(routes[i].path, visit->call->path, &visit->rest)) continue;
        path_known = true;
        if (strcmp(routes[i].method, visit->call->method) != 0) continue;
        routes[i].handle(visit);
        return;
    }
    answer_error(visit->reply, path_known ? 405 : 404, path_known ? "Method not allowed" : "Not found");
}

void sandbox_handle(void *self, const struct http_call *call, struct http_reply *reply)
{
    struct visit visit = { .sandbox = self, .call = call, .reply = reply, .rest = "" };
    if (strncmp(call->path, "/v1/", 4) != 0 || admitted(&visit)) dispatch(&visit);
    log_debug("call", LOG_TEXT("method", call->method), LOG_TEXT("path", call->path),
              LOG_NUMBER("status", reply->reset ? 0 : reply->status));
}

void visit_base(const struct visit *visit, char base[BASE_BYTES])
{
    const char *host = http_call_header(visit->call, "Host");
    bool plain = host && strlen(host) < 256;
    for (const char *c = host; plain && *c; c++) plain = isalnum((unsigned char)*c) || strchr(".:-[]", *c);
    if (visit->sandbox->config->public_url)
        snprintf(base, BASE_BYTES, "%s", visit->sandbox->config->public_url);
    else snprintf(base, BASE_BYTES, "http://%s", plain ? host : "127.0.0.1");
}
