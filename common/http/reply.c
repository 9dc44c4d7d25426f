#include "http/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/must.h"
#include "base/xalloc.h"

/* A body that goes out in pieces with waits between them, or not to its end. Owned by its response. */
struct drip {
    struct http_server *server;
    struct MHD_Connection *connection;
    char *bytes;
    size_t length, piece, cut_after;
    int every_ms;
};

static ssize_t drip_read(void *self, uint64_t position, char *into, size_t room)
{
    const struct drip *drip = self;
    if (position >= drip->cut_after) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (position > 0 && drip->every_ms > 0) exchange_wait(drip->server, drip->connection, drip->every_ms);
    size_t left = (drip->length < drip->cut_after ? drip->length : drip->cut_after) - (size_t)position;
    size_t now = left < drip->piece ? left : drip->piece;
    if (now > room) now = room;
    memcpy(into, drip->bytes + position, now);
    return (ssize_t)now;
}

static void drip_free(void *self)
{
    struct drip *drip = self;
    free(drip->bytes);
    free(drip);
}

static struct MHD_Response *dripping(const struct exchange *exchange, const struct http_reply *reply,
                                     const char *body, size_t length)
{
    struct drip *drip = xcalloc(1, sizeof *drip);
    *drip = (struct drip){ .server = exchange->server, .connection = exchange->connection, .length = length,
                           .bytes = xmalloc(length + 1), .every_ms = reply->drip_every_ms,
                           .piece = reply->drip_bytes > 0 ? (size_t)reply->drip_bytes : length,
                           .cut_after = reply->cut_after_bytes > 0 ? reply->cut_after_bytes : length };
    memcpy(drip->bytes, body, length);
    return MHD_create_response_from_callback(length, 16 * 1024, drip_read, drip, drip_free);
}

static struct MHD_Response *response_of(const struct exchange *exchange, struct http_reply *reply)
{
    if (reply->stream.next) return stream_response(exchange, &reply->stream);
    const char *body = reply->body ? reply->body : reply->text.bytes;
    size_t length = reply->body ? reply->body_length : reply->text.length;
    if (length > 0 && (reply->drip_bytes > 0 || reply->cut_after_bytes > 0))
        return dripping(exchange, reply, body, length);
    if (reply->body || length == 0)
        return MHD_create_response_from_buffer(length, (void *)(length ? body : ""), MHD_RESPMEM_MUST_COPY);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, reply->text.bytes, MHD_RESPMEM_MUST_FREE);
    reply->text = (struct text){ 0 };
    return response;
}

static void reply_free(struct http_reply *reply)
{
    text_free(&reply->text);
    for (size_t i = 0; i < HTTP_REPLY_HEADERS_MAX; i++) free(reply->owned[i]);
}

/* A reset, not an orderly end: what a crashed peer or a dying load balancer looks like. */
static enum MHD_Result reset(const struct exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return MHD_NO;
}

enum MHD_Result exchange_answer(const struct exchange *exchange, struct http_reply *reply)
{
    if (reply->delay_ms > 0) exchange_wait(exchange->server, exchange->connection, reply->delay_ms);
    if (reply->reset) {
        reply_free(reply);
        return reset(exchange);
    }
    must(reply->status >= 200 && reply->status <= 599);
    bool has_body = reply->body || reply->text.length > 0 || reply->stream.next;
    struct MHD_Response *response = response_of(exchange, reply);
    must(response);
    if (has_body)
        MHD_add_response_header(response, "Content-Type",
                                reply->content_type ? reply->content_type : "application/json");
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    reply_free(reply);
    return result;
}

enum MHD_Result exchange_refuse(const struct exchange *exchange, unsigned status, const char *reason)
{
    const struct http_server_config *config = exchange_config(exchange);
    struct http_reply reply = { .status = (int)status };
    if (config->refusal) {
        const struct http_call call = { .method = "", .path = exchange->path, .body = "",
                                        .handle = exchange->connection };
        config->refusal(config->self, &call, reason, &reply);
    } else {
        text_add_string(&reply.text, "{\"error\":");
        text_add_json(&reply.text, reason, strlen(reason));
        text_add_string(&reply.text, "}");
    }
    http_reply_header(&reply, "Connection", "close");
    return exchange_answer(exchange, &reply);
}

/* ---- what handlers call */

void http_reply_header(struct http_reply *reply, const char *name, const char *value)
{
    must(reply->header_count < HTTP_REPLY_HEADERS_MAX);
    size_t at = reply->header_count++;
    reply->owned[at] = xstrdup(value);
    reply->headers[at].name = name;
    reply->headers[at].value = reply->owned[at];
}

const char *http_call_header(const struct http_call *call, const char *name)
{
    return MHD_lookup_connection_value(call->handle, MHD_HEADER_KIND, name);
}

const char *http_call_query(const struct http_call *call, const char *name)
{
    return MHD_lookup_connection_value(call->handle, MHD_GET_ARGUMENT_KIND, name);
}
