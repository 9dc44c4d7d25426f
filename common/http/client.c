#include "http/client.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "http/retry_after.h"

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"

enum {
    EXTRA_FDS_MAX = 16,                  /* descriptors of the caller's that one step waits for */
    ANSWER_HEADERS_MAX = 64 * 1024,      /* all of an answer's headers; libcurl 7.88 limits only each one */
};

struct call {
    struct http_client *client;
    struct call *next, *previous;
    CURL *easy;
    struct curl_slist *headers;
    char *body; size_t body_length, body_given;
    bool body_given_whole;               /* sticky: once libcurl had the last byte it may be on the wire */
    struct text answer;
    size_t answer_cap_bytes, answer_header_bytes;
    bool headers_whole;                  /* an answer that breaks off in its headers is fine with libcurl */
    const char *refused;                 /* why the answer was cut off by us, or NULL */
    int64_t started_mono_ms;
    http_done *done; void *self, *tag;
    char error[CURL_ERROR_SIZE];
};

struct http_client {
    CURLM *multi;
    CURLSH *share;                       /* TLS sessions: a fresh connection need not shake hands in full */
    struct call *calls;
    size_t open_count;
    bool body_given;                     /* in this step, by any call */
};

/* An option that libcurl does not take is a mistake of ours, or an older libcurl than we were built for. */
#define SET(easy, option, value) must(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

struct http_client *http_client_open(void)
{
    /* With NOSIGNAL libcurl leaves SIGPIPE alone, and OpenSSL writes without MSG_NOSIGNAL: a peer that
     * hangs up would end the process. */
    must(sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL) == 0);
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    struct http_client *client = xcalloc(1, sizeof *client);
    client->multi = curl_multi_init();
    client->share = curl_share_init();
    must(client->multi && client->share);
    must(curl_share_setopt(client->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK);
    return client;
}

/* ---- what libcurl asks for while it works */

static size_t body_read(char *into, size_t size, size_t count, void *self)
{
    struct call *call = self;
    size_t left = call->body_length - call->body_given, room = size * count;
    size_t now = left < room ? left : room;
    memcpy(into, call->body + call->body_given, now);
    call->body_given += now;
    if (call->body_given == call->body_length) call->body_given_whole = call->client->body_given = true;
    return now;
}

/* libcurl rewinds to send again over another connection: only on calls that are not fresh. */
static int body_seek(void *self, curl_off_t offset, int origin)
{
    struct call *call = self;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > call->body_length) return CURL_SEEKFUNC_FAIL;
    call->body_given = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t answer_write(char *bytes, size_t size, size_t count, void *self)
{
    struct call *call = self;
    size_t length = size * count;
    if (call->answer.length + length > call->answer_cap_bytes) {
        call->refused = "the answer is larger than allowed";
        return 0;
    }
    text_add(&call->answer, bytes, length);
    return length;
}

static size_t answer_header(char *bytes, size_t size, size_t count, void *self)
{
    struct call *call = self;
    size_t length = size * count;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) call->headers_whole = false;
    if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n')) call->headers_whole = true;
    call->answer_header_bytes += length;
    if (call->answer_header_bytes <= ANSWER_HEADERS_MAX) return length;
    call->refused = "the answer's headers are larger than allowed";
    return 0;
}

/* ---- one call */

static void call_free(struct call **call)
{
    curl_easy_cleanup((*call)->easy);
    curl_slist_free_all((*call)->headers);
    text_free(&(*call)->answer);
    free((*call)->body);
    free(*call);
    *call = NULL;
}

static void unlink_call(struct call *call)
{
    struct http_client *client = call->client;
    must(curl_multi_remove_handle(client->multi, call->easy) == CURLM_OK);
    if (call->next) call->next->previous = call->previous;
    if (call->previous) call->previous->next = call->next;
    else client->calls = call->next;
    client->open_count--;
}

static void link_call(struct call *call)
{
    struct http_client *client = call->client;
    call->next = client->calls;
    if (call->next) call->next->previous = call;
    client->calls = call;
    client->open_count++;
    must(curl_multi_add_handle(client->multi, call->easy) == CURLM_OK);
}

static struct curl_slist *header_list(const char *const *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");     /* never wait for "100 Continue" */
    must(list);
    for (; headers && *headers; headers++) {
        must(!strpbrk(*headers, "\r\n"));         /* else one header could smuggle in another */
        must(curl_slist_append(list, *headers));
    }
    return list;
}

/* What holds for every call, whatever it asks for. Plain HTTP is among the protocols for the sandbox alone
 * (provider_warn says so when it is not). Nothing here fetches an address that a stranger names: a user's image
 * is fetched by the provider, and outputs are handed on as text, never downloaded. So there is no list of
 * allowed hosts and no check of where a name leads; whoever adds a download adds both. */
static void set_limits(CURL *easy, const struct http_request *request)
{
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);        /* a redirect is an answer: the key stays with its host */
    SET(easy, CURLOPT_PROXY, "");                 /* not from the environment either */
    SET(easy, CURLOPT_NOPROXY, "*");
    SET(easy, CURLOPT_PATH_AS_IS, 1L);            /* "/v1/tasks/.." must not become another path */
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
    SET(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    SET(easy, CURLOPT_USERAGENT, "reelgate/" REELGATE_VERSION);
    /* HTTP/2 lets libcurl send a refused stream again by itself, and calls that share a dead connection time
     * out one after the other. Here each call has a connection, and a time-out closes it. */
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L);
    SET(easy, CURLOPT_FORBID_REUSE, request->fresh ? 1L : 0L);
}

/* The body goes through a callback, not CURLOPT_POSTFIELDS: so we know whether its last byte ever left us. */
static void set_body(struct call *call, const struct http_request *request)
{
    if (request->body_length == 0 && strcmp(request->method, "POST") != 0) return;
    call->body_length = request->body_length;
    call->body = xmalloc(call->body_length + 1);
    if (call->body_length) memcpy(call->body, request->body, call->body_length);
    SET(call->easy, CURLOPT_POST, 1L);
    SET(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
    SET(call->easy, CURLOPT_READFUNCTION, body_read);
    SET(call->easy, CURLOPT_READDATA, call);
    SET(call->easy, CURLOPT_SEEKFUNCTION, body_seek);
    SET(call->easy, CURLOPT_SEEKDATA, call);
}

void http_client_start(struct http_client *client, const struct http_request *request, http_done *done,
                       void *self, void *tag)
{
    struct call *call = xcalloc(1, sizeof *call);
    *call = (struct call){ .client = client, .done = done, .self = self, .tag = tag,
                           .easy = curl_easy_init(), .headers = header_list(request->headers),
                           .answer_cap_bytes = request->answer_cap_bytes,
                           .started_mono_ms = clock_mono_ms() };
    must(call->easy);
    set_body(call, request);
    set_limits(call->easy, request);
    SET(call->easy, CURLOPT_SHARE, client->share);
    SET(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
    SET(call->easy, CURLOPT_URL, request->url);
    SET(call->easy, CURLOPT_HTTPHEADER, call->headers);
    SET(call->easy, CURLOPT_WRITEFUNCTION, answer_write);
    SET(call->easy, CURLOPT_WRITEDATA, call);
    SET(call->easy, CURLOPT_HEADERFUNCTION, answer_header);
    SET(call->easy, CURLOPT_HEADERDATA, call);
    SET(call->easy, CURLOPT_ERRORBUFFER, call->error);
    SET(call->easy, CURLOPT_PRIVATE, call);
    link_call(call);
}

/* ---- how a call ended */

/* NOT_SENT leads to a second try: it is said only where the other side can't have had a whole request. With
 * a body that is when libcurl never took its last byte; without one, when no byte was written at all. */
static enum http_end end_of_failed(const struct call *call)
{
    if (call->body_length > 0) return call->body_given_whole ? HTTP_UNKNOWN : HTTP_NOT_SENT;
    long request_bytes = 0;
    must(curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_bytes) == CURLE_OK);
    return request_bytes == 0 ? HTTP_NOT_SENT : HTTP_UNKNOWN;
}

static int64_t retry_after_ms(const struct call *call)
{
    struct curl_header *header;
    if (curl_easy_header(call->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return -1;
    return retry_after_parse(header->value, clock_wall_ms());
}

static const char *reason_of(const struct call *call, CURLcode code)
{
    if (call->refused) return call->refused;
    if (code == CURLE_OK) return "the answer broke off in its headers";
    return call->error[0] ? call->error : curl_easy_strerror(code);
}

static void call_end(struct call *call, CURLcode code)
{
    long status = 0;
    must(curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    struct http_answer answer = { .end = HTTP_ANSWERED, .status = (int)status, .retry_after_ms = -1,
                                  .duration_ms = clock_mono_ms() - call->started_mono_ms };
    if (code == CURLE_OK && status > 0 && call->headers_whole) {
        answer.body = call->answer.bytes ? call->answer.bytes : "";
        answer.body_length = call->answer.length;
        answer.retry_after_ms = retry_after_ms(call);
    } else {
        answer.end = end_of_failed(call);
        answer.status = 0;                /* of an answer that did not come whole nothing is passed on */
        answer.reason = reason_of(call, code);
    }
    unlink_call(call);
    call->done(call->self, call->tag, &answer);
    call_free(&call);
}

size_t http_client_open_count(const struct http_client *client)
{
    return client->open_count;
}

void http_client_step(struct http_client *client, const int *fds, size_t fd_count, int timeout_ms)
{
    struct curl_waitfd extra[EXTRA_FDS_MAX];
    must(fd_count <= EXTRA_FDS_MAX);
    for (size_t i = 0; i < fd_count; i++)
        extra[i] = (struct curl_waitfd){ .fd = fds[i], .events = CURL_WAIT_POLLIN };

    int running, left;
    client->body_given = false;
    must(curl_multi_poll(client->multi, extra, (unsigned)fd_count, timeout_ms, NULL) == CURLM_OK);
    must(curl_multi_perform(client->multi, &running) == CURLM_OK);
    if (client->body_given) crash_point(CRASH_HTTP_POST_GIVEN);
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;     /* message dies with the handle's removal */
        void *call;
        must(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK);
        call_end(call, code);
    }
}

void http_client_close(struct http_client **client)
{
    if (!*client) return;
    while ((*client)->calls) {
        struct call *call = (*client)->calls;
        must(!call->previous);                    /* it is the first: unlinking it moves calls on */
        unlink_call(call);
        call_free(&call);
    }
    must(curl_multi_cleanup((*client)->multi) == CURLM_OK);
    must(curl_share_cleanup((*client)->share) == CURLSHE_OK);
    curl_global_cleanup();
    free(*client);
    *client = NULL;
}

const char *http_client_version(void)
{
    return curl_version();
}
