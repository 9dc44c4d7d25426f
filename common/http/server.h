/* A small HTTP server (libmicrohttpd; only this folder names it) for health endpoints, the sandbox and the gateway.
 * libmicrohttpd 0.9.75 parses loosely: requests with two Content-Length or Host headers, or Content-Length beside
 * Transfer-Encoding, are answered 400 and the connection is closed here, before any handler sees them. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;

struct http_call {                      /* lent: valid during the handler */
    const char *method, *path;          /* path without the query, as sent */
    const char *body; size_t body_length;
    void *handle;
};
const char *http_call_header(const struct http_call *call, const char *name);        /* NULL when absent */
const char *http_call_query(const struct http_call *call, const char *name);

struct http_reply {                     /* zeroed; what is set here is copied */
    int status;
    const char *content_type;           /* NULL: application/json */
    const char *body; size_t body_length;
    struct { const char *name, *value; } headers[16]; size_t header_count;
    int delay_ms;                       /* wait before answering (a handler thread of its own waits) */
    bool reset;                         /* close the connection without an answer */
    int drip_bytes, drip_every_ms;      /* when set: the body goes out in such pieces */
};
typedef void http_handler(void *self, const struct http_call *call, struct http_reply *reply);

struct http_server_config {
    const char *address;                /* "127.0.0.1:8080", "[::1]:0", ":8080" (all interfaces); port 0: a free one */
    bool thread_per_connection;         /* handlers may block; otherwise one thread serves all */
    size_t body_cap_bytes;              /* larger: 413 */
    int connection_limit, idle_timeout_seconds;
    http_handler *handler; void *self;
};

/* NULL and a reason when the address can't be had. The handler runs in the server's thread(s). */
struct http_server *http_server_open(const struct http_server_config *config, char error[200]);
void http_server_close(struct http_server **server);       /* waits for handlers that run */
int http_server_port(const struct http_server *server);

#endif
