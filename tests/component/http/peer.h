/* A scripted HTTP peer on a raw socket of 127.0.0.1: each connection plays a script, what it read is kept.
 * Also a raw client. For tests of the HTTP client, the server and what stands on them: a real server would be
 * too well-behaved. */
#ifndef TESTS_COMPONENT_HTTP_PEER_H
#define TESTS_COMPONENT_HTTP_PEER_H

#include <stddef.h>

enum peer_step_kind {
    PEER_END,               /* orderly close */
    PEER_READ_REQUEST,      /* headers and as much body as Content-Length says */
    PEER_READ_BYTES,        /* number bytes */
    PEER_SEND,              /* text */
    PEER_SEND_ENDLESSLY,    /* text again and again until the other side is gone */
    PEER_DRIP,              /* text, a byte every number ms */
    PEER_WAIT,              /* number ms */
    PEER_RESET,             /* RST, also when bytes were not read */
};
struct peer_step { enum peer_step_kind kind; const char *text; int number; };
enum { PEER_STEPS_MAX = 8, PEER_SCRIPTS_MAX = 4 };
typedef struct peer_step peer_script[PEER_STEPS_MAX];

struct peer;
/* Connection k plays script k; further ones play the last. One connection after the other. */
struct peer *peer_open(const peer_script *scripts, size_t count);
int peer_port(const struct peer *peer);
void peer_close(struct peer **peer);                            /* stops whatever it does */
int peer_connections(struct peer *peer);
int peer_requests(struct peer *peer, const char *method);       /* request lines that begin with it, in all */
/* how often needle was among the bytes read */
int peer_received(struct peer *peer, const char *needle);

/* A port of 127.0.0.1 on which nothing listens. */
int closed_port(void);
/* Sends bytes to port, then reads to the end or for at most timeout_ms. Given: the caller frees it. */
char *raw_exchange(int port, const char *bytes, size_t length, int timeout_ms);

#endif
