/* Bodies without an end. The connection has a thread of its own, which waits in here. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "http/exchange.h"

enum {
    WAIT_MS = 1000,                      /* how late a stream sees that its client or the server has gone */
    BLOCK_BYTES = 4096,
};

struct stream {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_stream source;
    struct text waiting;                 /* of which sent bytes are out */
    size_t sent;
    bool over;
};

static ssize_t stream_read(void *self, uint64_t position, char *into, size_t room)
{
    struct stream *stream = self;
    (void)position;
    while (stream->sent == stream->waiting.length) {
        if (stream->over) return MHD_CONTENT_READER_END_OF_STREAM;
        text_clear(&stream->waiting);
        stream->sent = 0;
        if (exchange_closing(stream->server)) stream->over = true;
        else if (exchange_left(stream->connection)) return MHD_CONTENT_READER_END_WITH_ERROR;
        else stream->over = !stream->source.next(stream->source.self, WAIT_MS, &stream->waiting);
    }
    size_t now = stream->waiting.length - stream->sent;
    if (now > room) now = room;
    memcpy(into, stream->waiting.bytes + stream->sent, now);
    stream->sent += now;
    return (ssize_t)now;
}

static void stream_free(void *self)
{
    struct stream *stream = self;
    if (stream->source.end) stream->source.end(stream->source.self);
    text_free(&stream->waiting);
    free(stream);
}

struct MHD_Response *stream_response(const struct exchange *exchange, const struct http_stream *source)
{
    must(exchange_config(exchange)->thread_per_connection);
    struct stream *stream = xcalloc(1, sizeof *stream);
    *stream = (struct stream){ .server = exchange->server, .connection = exchange->connection,
                               .source = *source };
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, stream_read, stream, stream_free);
}
