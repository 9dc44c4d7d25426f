/* A small HTTP server (libmicrohttpd; only this folder names it) for health endpoints, the sandbox and the
 * gateway. libmicrohttpd 0.9.75 parses loosely: requests with two Content-Length or Host headers,
 * Content-Length beside Transfer-Encoding, folded headers and the like (guard.h) are answered 400 and the
 * connection is closed here, before any handler sees them. What is no HTTP at all it answers by itself, with
 * a line of HTML that nobody can replace, and closes. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct http_server;

struct http_call {                      /* lent: valid during the handler */
    const char *method, *path;          /* path without the query, as sent: %41 is not decoded */
    const char *body; size_t body_length;      /* never NULL, and a NUL follows the last byte */
    void *handle;
};
const char *http_call_header(const struct http_call *call, const char *name);        /* NULL when absent */
const char *http_call_query(const struct http_call *call, const char *name);         /* decoded, or NULL */

/* A body without an end (server-sent events). next waits up to wait_ms for something to send and appends it;
 * nothing appended is fine, it is called again. false: the stream ends after what was appended. end is called
 * once, when the stream is over for whatever reason. Each stream holds its connection's thread, so it starves
 * nobody else: only with thread_per_connection. */
struct http_stream {
    bool (*next)(void *self, int wait_ms, struct text *out);
    void (*end)(void *self);
    void *self;
};

enum { HTTP_REPLY_HEADERS_MAX = 16 };
struct http_reply {                     /* zeroed; copied or sent after the handler has returned */
    int status;
    const char *content_type;           /* NULL: application/json */
    const char *body; size_t body_length;      /* must live on after the handler: a constant; else use text */
    struct text text;                   /* the body when body is NULL; the server ends it */
    struct { const char *name, *value; } headers[HTTP_REPLY_HEADERS_MAX];      /* these too must live on; */
    size_t header_count;                                                       /* else http_reply_header */
    char *owned[HTTP_REPLY_HEADERS_MAX];       /* private: what http_reply_header copied */
    int delay_ms;                       /* wait before answering: only with thread_per_connection */
    bool reset;                         /* close the connection without an answer (after delay_ms) */
    int drip_bytes, drip_every_ms;      /* when set: the body goes out in such pieces; as delay_ms */
    size_t cut_after_bytes;             /* when set: the connection closes after so much of the body */
    struct http_stream stream;          /* when next is set: the body; body and text are ignored */
};
/* Adds a header whose value is copied; name must be a constant. Repeats are sent as they are. */
void http_reply_header(struct http_reply *reply, const char *name, const char *value);

typedef void http_handler(void *self, const struct http_call *call, struct http_reply *reply);

struct http_server_config {
    const char *address;                /* "127.0.0.1:8080", "[::1]:0", ":8080" (all IPv4); 0: a free port */
    bool thread_per_connection;         /* handlers may block; otherwise one thread serves all */
    size_t body_cap_bytes;              /* larger: 413 */
    /* no chunked bodies: 411. What can't be sent can't be read in two ways */
    bool length_required;
    int connection_limit, idle_timeout_seconds;      /* 0: libmicrohttpd's limit (about 1,000); no time-out */
    http_handler *handler; void *self;
    /* What the server refuses by itself (400, 413), in the program's own words; NULL: {"error":reason}. The
     * call's body is empty then. The connection is closed after it. */
    void (*refusal)(void *self, const struct http_call *call, const char *reason, struct http_reply *reply);
};

/* NULL and a reason when the address can't be had. The handler runs in the server's thread(s), which take no
 * signals. */
struct http_server *http_server_open(const struct http_server_config *config, char error[200]);
void http_server_close(struct http_server **server);    /* waits for handlers that run; cuts delays short */
int http_server_port(const struct http_server *server);
const char *http_server_version(void);

#endif
