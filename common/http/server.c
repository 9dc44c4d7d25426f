#include "http/server.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http/exchange.h"
#include "http/guard.h"
#include "http/listen.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"

enum {
    SWALLOWED_MAX = 1024 * 1024,         /* of a body over the cap, so that the client gets to read its 413 */
    THREAD_STACK_BYTES = 1024 * 1024,    /* not 8 MiB of address space for each connection */
    CONNECTION_MEMORY_BYTES = 32 * 1024, /* a request's line and headers, and the read buffer */
};

struct http_server {
    struct http_server_config config;
    struct MHD_Daemon *daemon;
    int port;
    int closing_fd;                      /* readable from http_server_close on: whoever waits stops waiting */
};

/* ---- waiting */

void exchange_wait(const struct http_server *server, struct MHD_Connection *connection, int duration_ms)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd watched[] = { { .fd = server->closing_fd, .events = POLLIN },
                                { .fd = info->connect_fd, .events = POLLRDHUP } };
    int64_t until_ms = clock_mono_ms() + duration_ms;
    for (int64_t left_ms = duration_ms; left_ms > 0; left_ms = until_ms - clock_mono_ms())
        if (poll(watched, 2, (int)left_ms) > 0) return;
}

static bool readable(int fd, short events)
{
    struct pollfd watched = { .fd = fd, .events = events };
    return poll(&watched, 1, 0) > 0;
}

bool exchange_closing(const struct http_server *server)
{
    return readable(server->closing_fd, POLLIN);
}

bool exchange_left(const struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info((struct MHD_Connection *)connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return readable(info->connect_fd, POLLRDHUP);
}

/* ---- a request's way: its line, its headers (guarded), its body (capped), the handler, the end */

static void *on_target(void *self, const char *target, struct MHD_Connection *connection)
{
    struct exchange *exchange = xcalloc(1, sizeof *exchange);
    exchange->server = self;
    exchange->connection = connection;
    exchange->path = xstrndup(target, strcspn(target, "?"));
    guard_target(&exchange->guard, target);
    return exchange;
}

static enum MHD_Result on_header(void *self, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    if (value && MHD_get_version()[0] == '0') guard_place(self, name, value);
    guard_header(self, name, value);
    return MHD_YES;
}

static enum MHD_Result begin(struct exchange *exchange, const char *method, const char *version)
{
    struct guard guard = exchange->guard;
    exchange->begun = true;
    guard_method(&guard, method);
    if (MHD_get_version()[0] == '0') guard_version(&guard, version);
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, on_header, &guard);
    const char *refusal = guard_refusal(&guard, version);
    if (!refusal && guard.transfer_encodings > 0 && exchange->server->config.length_required)
        return exchange_refuse(exchange, MHD_HTTP_LENGTH_REQUIRED, "a body needs a Content-Length");
    return refusal ? exchange_refuse(exchange, MHD_HTTP_BAD_REQUEST, refusal) : MHD_YES;
}

static enum MHD_Result take_body(struct exchange *exchange, const char *bytes, size_t *length)
{
    size_t cap = exchange->server->config.body_cap_bytes;
    exchange->body_received += *length;
    if (exchange->body_received > cap + SWALLOWED_MAX) return MHD_NO;
    if (exchange->body_received <= cap) text_add(&exchange->body, bytes, *length);
    *length = 0;
    return MHD_YES;
}

static enum MHD_Result serve(struct exchange *exchange, const char *method)
{
    const struct http_server_config *config = &exchange->server->config;
    if (exchange->body_received > config->body_cap_bytes)
        return exchange_refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "request body too large");
    const struct http_call call = { .method = method, .path = exchange->path,
                                    .body = exchange->body.bytes ? exchange->body.bytes : "",
                                    .body_length = exchange->body.length, .handle = exchange->connection };
    struct http_reply reply = { 0 };
    config->handler(config->self, &call, &reply);
    return exchange_answer(exchange, &reply);
}

static enum MHD_Result on_access(void *self, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_length, void **state)
{
    (void)self, (void)connection, (void)url;
    struct exchange *exchange = *state;
    if (!exchange->begun) return begin(exchange, method, version);
    if (*upload_length > 0) return take_body(exchange, upload, upload_length);
    return serve(exchange, method);
}

static void on_completed(void *self, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)self, (void)connection, (void)code;
    struct exchange *exchange = *state;
    if (!exchange) return;
    text_free(&exchange->body);
    free(exchange->path);
    free(exchange);
    *state = NULL;
}

/* libmicrohttpd's own words go nowhere: they are about clients that hang up or send rubbish. */
static void on_message(void *self, const char *format, va_list arguments)
{
    (void)self, (void)format, (void)arguments;
}

/* ---- the server */

static struct MHD_Daemon *start_daemon(struct http_server *server, int listen_fd)
{
    const struct http_server_config *config = &server->config;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    flags |= config->thread_per_connection ? MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL : MHD_USE_EPOLL;
    struct MHD_OptionItem limit[] = { { MHD_OPTION_CONNECTION_LIMIT, config->connection_limit, NULL },
                                      { MHD_OPTION_END, 0, NULL } };
    if (config->connection_limit <= 0) limit[0].option = MHD_OPTION_END;

    /* The threads inherit this mask: a signal is for the program's main thread, which looks for it. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct MHD_Daemon *daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, server,
        MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,
        MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)config->idle_timeout_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, limit,
        MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

struct http_server *http_server_open(const struct http_server_config *config, char error[200])
{
    int port = 0, listen_fd = listen_on(config->address, &port, error);
    if (listen_fd < 0) return NULL;
    struct http_server *server = xcalloc(1, sizeof *server);
    server->config = *config;
    server->port = port;
    server->closing_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(server->closing_fd >= 0);
    server->daemon = start_daemon(server, listen_fd);
    if (server->daemon) return server;
    snprintf(error, 200, "can't start the HTTP server on %.100s", config->address);
    close(listen_fd);
    close(server->closing_fd);
    free(server);
    return NULL;
}

void http_server_close(struct http_server **server)
{
    if (!*server) return;
    must(eventfd_write((*server)->closing_fd, 1) == 0);
    MHD_stop_daemon((*server)->daemon);
    close((*server)->closing_fd);
    free(*server);
    *server = NULL;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

const struct http_server_config *exchange_config(const struct exchange *exchange)
{
    return &exchange->server->config;
}

const char *http_server_version(void)
{
    return MHD_get_version();
}
