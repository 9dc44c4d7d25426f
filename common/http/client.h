/* HTTP requests that run beside each other in one thread (libcurl multi). HTTP/1.1 by http and https only, no
 * redirects, no proxy from the environment, no signals, caps on body and time. Only this folder names
 * libcurl. Not thread-safe. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;

enum http_end {
    HTTP_ANSWERED,       /* status, headers and body are there, whole */
    HTTP_NOT_SENT,       /* no connection, or certainly not handed over whole: nothing happened there */
    HTTP_UNKNOWN,        /* perhaps handed over whole, and no whole answer: cut, late, too large, not HTTP */
};

struct http_request {
    const char *method;                 /* "GET", "POST", "DELETE" */
    const char *url;
    const char *const *headers;         /* "Name: value", NULL-ended */
    const char *body; size_t body_length;
    int connect_timeout_ms, timeout_ms; /* timeout: the whole request */
    size_t answer_cap_bytes;
    /* Over a new connection that is never reused: libcurl sends a POST again by itself when a reused one dies
     * (measured: two tasks, one answer). */
    bool fresh;
};

struct http_answer {                    /* lent: valid during the call */
    enum http_end end;
    int status;
    const char *body; size_t body_length;
    int64_t retry_after_ms;             /* -1: none. Seconds and HTTP dates are understood */
    int64_t duration_ms;
    const char *reason;                 /* words for the log when not HTTP_ANSWERED */
};

typedef void http_done(void *self, void *tag, const struct http_answer *answer);

struct http_client *http_client_open(void);                   /* SIGPIPE is ignored from here on */
void http_client_close(struct http_client **client);          /* open requests are dropped without a call */
/* Starts it; everything is copied. done is called from http_client_step, exactly once; it may start
 * further calls, but not close the client. A header with a line break, or an empty URL, is a mistake of
 * the caller's. */
void http_client_start(struct http_client *client, const struct http_request *request, http_done *done,
                       void *self, void *tag);
size_t http_client_open_count(const struct http_client *client);
/* Waits up to timeout_ms for sockets or for one of fds to become readable, moves everything on, calls done
 * for what ended. */
void http_client_step(struct http_client *client, const int *fds, size_t fd_count, int timeout_ms);
const char *http_client_version(void);

#endif
