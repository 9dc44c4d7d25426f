/* HTTP requests: bytes as any client may send them, over a connection of their own, to the real server with the
 * gateway's readers behind it: guard, routes, token, query, headers, body. Whatever is refused is refused in JSON
 * that can be parsed, and after a refusal nothing more of that connection is read (request smuggling). */
#include "http/server.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"
#include "fuzz/fuzz.h"
#include "gateway/cursor.h"
#include "gateway/routes.h"

enum { BODY_BYTES_MAX = 4096, INPUT_BYTES_MAX = 16 * 1024, NOW_S = 1795000000 };

/* corpus/http holds tokens that are signed with it. */
static const char SECRET[] = "the secret of the fuzzer's corpus.";
static struct bearer_rules rules;

static atomic_bool refused;              /* on the connection of this input */

/* ---- what the handler sees keeps the promises of http/server.h */

static void check_call(const struct http_call *call)
{
    must(!refused);
    must(call->method[0] != '\0' && !strpbrk(call->method, " \t\r\n"));
    must(!strpbrk(call->path, "? \r\n"));
    must(call->body_length <= BODY_BYTES_MAX && call->body[call->body_length] == '\0');
}

/* A reader that says false has answered: with problem+json, whatever the client had sent. */
static void check_answered(struct request *request, bool read)
{
    char error[JSON_ERROR_BYTES];
    struct text *text = &request->reply->text;
    if (read)
        return;
    struct json *problem = json_parse(text->bytes, text->length, JSON_BYTES_MAX, error);
    must(problem && json_kind(problem) == JSON_OBJECT && request->reply->status >= 400);
    json_free(&problem);
}

static void read_path(struct request *request)
{
    bool known;
    char allow[ROUTE_METHODS_BYTES];
    const struct route *route =
        route_find(request->call->method, request->call->path, request->parts, &known, allow);
    must(!route || strcmp(route->method, request->call->method) == 0);
    if (route && strstr(route->pattern, "{}"))
        must(id_valid(request->parts[0], strlen(request->parts[0])));
    if (!route && known)
        must(allow[0] != '\0' && memchr(allow, '\0', sizeof allow));
}

static void read_token(struct request *request)
{
    const char *given = http_call_header(request->call, "Authorization");
    if (!given || bearer_check(&rules, given, NOW_S, &request->claims) != BEARER_GOOD)
        return;
    must(id_valid(request->claims.subject, strlen(request->claims.subject)));
    must(request->claims.expires_at_s > NOW_S);
}

static void read_query(struct request *request)
{
    int limit = 0, choice = -1;
    int64_t number = 7;
    bool read = request_limit(request, &limit);
    check_answered(request, read);
    must(!read || (limit >= 1 && limit <= 200));
    read = request_number(request, "after", 5, 1000000, &number);
    check_answered(request, read);
    must(number >= 5 && number <= 1000000);
    read = request_choice(request, "state", "open|ended", &choice);
    check_answered(request, read);
    must(choice >= -1 && choice <= 1);
}

static void read_headers(struct request *request)
{
    char key[256], again[CURSOR_BYTES];
    bool read = request_key(request, key);
    check_answered(request, read);
    must(!read || (strlen(key) >= 1 && strcspn(key, " \"\\\r\n") == strlen(key)));
    const char *place = http_call_header(request->call, "Last-Event-ID");
    struct cursor cursor, same;
    if (place && cursor_parse(place, &cursor)) {
        cursor_format(&cursor, again);
        must(cursor_parse(again, &same) && same.results.partition == cursor.results.partition
             && same.results.offset == cursor.results.offset && same.journal.partition == cursor.journal.partition
             && same.journal.offset == cursor.journal.offset);
    }
}

static void read_body(struct request *request)
{
    struct json *body = request_body(request, "prompt|model|durationSeconds|ratio|image|seed|projectId");
    check_answered(request, body != NULL);
    json_free(&body);
}

static void handle(void *self, const struct http_call *call, struct http_reply *reply)
{
    (void)self;
    struct request request = { .call = call, .reply = reply };
    uuid7_make(request.id);
    check_call(call);
    read_path(&request);
    read_token(&request);
    read_query(&request);
    read_headers(&request);
    read_body(&request);
    text_clear(&reply->text);
    reply->status = 200;
}

static void refuse(void *self, const struct http_call *call, const char *reason, struct http_reply *reply)
{
    (void)self;
    must(reply->status == 400 || reply->status == 413);
    must(call->body_length == 0 && reason[0] != '\0');
    refused = true;
}

/* ---- the client */

static int server_port(void)
{
    static struct http_server *server;
    char error[BEARER_ERROR_BYTES];
    if (!server) {
        rules.keys = bearer_keys_secret(SECRET, error);
        must(rules.keys);
        server = http_server_open(&(struct http_server_config){ .address = "127.0.0.1:0",
            .thread_per_connection = true, .handler = handle, .refusal = refuse, .body_cap_bytes = BODY_BYTES_MAX,
            .idle_timeout_seconds = 5 }, error);
    }
    must(server);
    return http_server_port(server);
}

/* The answer's first bytes; empty when the server closed without one. */
static void exchange(const uint8_t *bytes, size_t length, char begin[16])
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server_port()),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char rest[4096];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0);
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    (void)sent;                          /* the server may have closed already */
    shutdown(fd, SHUT_WR);
    memset(begin, 0, 16);
    if (recv(fd, begin, 15, MSG_WAITALL) > 0)
        while (recv(fd, rest, sizeof rest, 0) > 0)
            ;
    /* Ports are few: without this each connection would hold one for a minute. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char begin[16];
    if (length > INPUT_BYTES_MAX)
        return 0;
    refused = false;
    exchange(bytes, length, begin);
    must(begin[0] == '\0' || strncmp(begin, "HTTP/1.1 ", 9) == 0);
    return 0;
}
