/* One request on its way through the server: private to common/http. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "http/guard.h"
#include "http/server.h"

#include "base/text.h"

struct exchange {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct guard guard;                  /* what was seen so far */
    char *path;                          /* as sent, without the query */
    struct text body;
    size_t body_received;                /* may be more than was kept */
    bool begun;                          /* headers were seen and passed the guard */
};

/* Waits for the connection's sake: ends early when the client hangs up or the server closes. */
void exchange_wait(const struct http_server *server, struct MHD_Connection *connection, int duration_ms);
/* Queues what the handler asked for. MHD_NO: the connection is to be closed at once. */
enum MHD_Result exchange_answer(const struct exchange *exchange, struct http_reply *reply);
/* A response whose body is the stream; ends it also when it can't be made. */
struct MHD_Response *stream_response(const struct exchange *exchange, const struct http_stream *stream);
const struct http_server_config *exchange_config(const struct exchange *exchange);
bool exchange_closing(const struct http_server *server);
/* The client has hung up. */
bool exchange_left(const struct MHD_Connection *connection);
/* An answer of the server's own, after which the connection is closed. */
enum MHD_Result exchange_refuse(const struct exchange *exchange, unsigned status, const char *reason);

#endif
