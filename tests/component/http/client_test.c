/* The HTTP client against peers that misbehave. What is at stake is the difference between "nothing happened
 * there" and "perhaps something did": the first leads to another paid POST. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "component/http/peer.h"

#include "http/client.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct seen { int calls; enum http_end end; int status; char body[256]; int64_t retry_after_ms;
              char reason[300]; };

static void on_done(void *self, void *tag, const struct http_answer *answer)
{
    struct seen *seen = self;
    (void)tag;
    seen->calls++;
    seen->end = answer->end;
    seen->status = answer->status;
    seen->retry_after_ms = answer->retry_after_ms;
    snprintf(seen->body, sizeof seen->body, "%.*s", (int)answer->body_length,
             answer->body ? answer->body : "");
    snprintf(seen->reason, sizeof seen->reason, "%s", answer->reason ? answer->reason : "");
    ck_assert_int_ge(answer->duration_ms, 0);
    if (answer->end == HTTP_ANSWERED) ck_assert_ptr_null(answer->reason);
    else ck_assert(answer->reason && answer->reason[0] && answer->status == 0);
}

static void wait_done(struct http_client *client)
{
    for (int64_t until = clock_mono_ms() + 10000; http_client_open_count(client) > 0;) {
        ck_assert_msg(clock_mono_ms() < until, "the call never ended");
        http_client_step(client, NULL, 0, 100);
    }
}

static struct seen run(struct http_client *client, const struct http_request *request)
{
    struct seen seen = { 0 };
    http_client_start(client, request, on_done, &seen, NULL);
    ck_assert_int_eq(seen.calls, 0);                  /* never from within start */
    wait_done(client);
    ck_assert_int_eq(seen.calls, 1);
    return seen;
}

static struct http_request request_to(char url[100], const char *scheme, int port)
{
    snprintf(url, 100, "%s://127.0.0.1:%d/v1/text_to_video", scheme, port);
    return (struct http_request){ .method = "POST", .url = url, .body = "{\"a\":1}", .body_length = 7,
                                  .connect_timeout_ms = 2000, .timeout_ms = 1000, .answer_cap_bytes = 4096,
                                  .fresh = true };
}

/* ---- one call, one script */

static const struct {
    const char *name, *method;
    size_t body_bytes;
    peer_script script;
    enum http_end end; int status; const char *body; int64_t retry_after_ms;
} cases[] = {
    { "whole answer", "POST", 7, { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, OK_ANSWER, 0 } },
      HTTP_ANSWERED, 200, "ok", -1 },
    { "chunked answer", "GET", 0,
      { { PEER_READ_REQUEST, 0, 0 },
        { PEER_SEND, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
          0 } },
      HTTP_ANSWERED, 200, "ok", -1 },
    { "a whole answer in slow pieces, in time", "GET", 0,
      { { PEER_READ_REQUEST, 0, 0 }, { PEER_DRIP, OK_ANSWER, 3 } }, HTTP_ANSWERED, 200, "ok", -1 },
    { "429 with seconds", "POST", 7,
      { { PEER_READ_REQUEST, 0, 0 },
        { PEER_SEND, "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 0 } },
      HTTP_ANSWERED, 429, "", 7000 },
    { "503 with a date long past", "POST", 7,
      { { PEER_READ_REQUEST, 0, 0 },
        { PEER_SEND,
          "HTTP/1.1 503 No\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
          0 } },
      HTTP_ANSWERED, 503, "", 0 },
    { "answered before the body was read", "POST", 4 << 20,
      { { PEER_READ_BYTES, 0, 200 },
        { PEER_SEND, "HTTP/1.1 413 Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", 0 },
        { PEER_WAIT, 0, 300 } },
      HTTP_ANSWERED, 413, "no", -1 },
    { "closed after the request", "POST", 7, { { PEER_READ_REQUEST, 0, 0 } }, HTTP_UNKNOWN, 0, "", -1 },
    { "reset after the request", "POST", 7, { { PEER_READ_REQUEST, 0, 0 }, { PEER_RESET, 0, 0 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "a GET reset after the request", "GET", 0, { { PEER_READ_REQUEST, 0, 0 }, { PEER_RESET, 0, 0 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "reset in the middle of the request", "POST", 16 << 20,
      { { PEER_READ_BYTES, 0, 1000 }, { PEER_RESET, 0, 0 } },
      HTTP_NOT_SENT, 0, "", -1 },
    { "never reads on, time runs out", "POST", 16 << 20,
      { { PEER_READ_BYTES, 0, 1000 }, { PEER_WAIT, 0, 3000 } },
      HTTP_NOT_SENT, 0, "", -1 },
    { "silence after the request", "POST", 7, { { PEER_READ_REQUEST, 0, 0 }, { PEER_WAIT, 0, 3000 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "cut in the body", "POST", 7,
      { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"id\":",
                                       0 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "cut in the headers", "POST", 7,
      { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, "HTTP/1.1 200 OK\r\nConte", 0 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "slow drip past the limit", "POST", 7, { { PEER_READ_REQUEST, 0, 0 }, { PEER_DRIP, OK_ANSWER, 100 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "not HTTP at all", "POST", 7, { { PEER_READ_REQUEST, 0, 0 },
                                      { PEER_SEND, "ready\r\nsteady\r\n\r\n", 0 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "announced larger than allowed", "POST", 7,
      { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", 0 },
        { PEER_SEND_ENDLESSLY, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "endless body", "POST", 7,
      { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, "HTTP/1.1 200 OK\r\n\r\n", 0 },
        { PEER_SEND_ENDLESSLY, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 0 } },
      HTTP_UNKNOWN, 0, "", -1 },
    { "endless headers", "POST", 7,
      { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, "HTTP/1.1 200 OK\r\n", 0 },
        { PEER_SEND_ENDLESSLY, "X-Padding: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 0 } },
      HTTP_UNKNOWN, 0, "", -1 },
};

START_TEST(call_ends_as_its_row_says)
{
    struct peer *peer = peer_open(&cases[_i].script, 1);
    struct http_client *client = http_client_open();
    char url[100], *body = xcalloc(1, cases[_i].body_bytes + 1);
    memset(body, 'b', cases[_i].body_bytes);
    struct http_request request = request_to(url, "http", peer_port(peer));
    request.method = cases[_i].method;
    request.body = body;
    request.body_length = cases[_i].body_bytes;

    struct seen seen = run(client, &request);

    ck_assert_msg(seen.end == cases[_i].end, "%s: end %d, status %d, %s", cases[_i].name, (int)seen.end,
                  seen.status,
                  seen.reason);
    ck_assert_int_eq(seen.status, cases[_i].status);
    ck_assert_str_eq(seen.body, cases[_i].body);
    ck_assert_int_eq(seen.retry_after_ms, cases[_i].retry_after_ms);
    ck_assert_int_eq(peer_connections(peer), 1);          /* whatever happened: one connection, one request */
    ck_assert_int_le(peer_requests(peer, cases[_i].method), 1);
    ck_assert_int_eq(peer_received(peer, "Expect:"), 0);
    http_client_close(&client);
    peer_close(&peer);
    free(body);
}
END_TEST

/* ---- no connection: certainly nothing happened */

static const struct { const char *name, *url; bool closed_port, tls; peer_script script; } unsent_cases[] = {
    { .name = "nobody listens", .closed_port = true },
    { .name = "no such host", .url = "http://name.invalid/v1/x" },
    { .name = "another protocol", .url = "file:///etc/passwd" },
    { .name = "not a URL", .url = "http://[::/x" },
    { .name = "TLS with a peer that speaks none", .tls = true,
      .script = { { PEER_READ_BYTES, 0, 20 }, { PEER_SEND, "HTTP/1.1 400 Plain\r\n\r\n", 0 } } },
    { .name = "TLS with a peer that hangs up", .tls = true,
      .script = { { PEER_READ_BYTES, 0, 20 }, { PEER_RESET, 0, 0 } } },
};

START_TEST(without_a_connection_nothing_was_sent)
{
    struct peer *peer = peer_open(&unsent_cases[_i].script, 1);
    struct http_client *client = http_client_open();
    char url[100];
    struct http_request request = request_to(url, unsent_cases[_i].tls ? "https" : "http",
                                             unsent_cases[_i].closed_port ? closed_port() : peer_port(peer));
    if (unsent_cases[_i].url) request.url = unsent_cases[_i].url;
    struct seen seen = run(client, &request);
    ck_assert_msg(seen.end == HTTP_NOT_SENT, "%s: end %d", unsent_cases[_i].name, (int)seen.end);
    ck_assert_int_eq(peer_requests(peer, "POST"), 0);
    request.method = "GET";
    request.body_length = 0;
    seen = run(client, &request);
    ck_assert_msg(seen.end == HTTP_NOT_SENT, "%s (GET): end %d", unsent_cases[_i].name, (int)seen.end);
    http_client_close(&client);
    peer_close(&peer);
}
END_TEST

/* A peer whose certificate nobody vouches for gets no request, and with it no key. */
START_TEST(an_unknown_certificate_gets_nothing)
{
    char files[] = "/tmp/reelgate-tls-XXXXXX", command[400], port_text[40], url[100];
    ck_assert_ptr_nonnull(mkdtemp(files));
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
             "-addext subjectAltName=IP:127.0.0.1 -keyout key -out certificate 2>/dev/null", files);
    ck_assert_int_eq(system(command), 0);
    int port = closed_port();
    snprintf(port_text, sizeof port_text, "127.0.0.1:%d", port);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(files) != 0) _exit(127);
        execlp("openssl", "openssl", "s_server", "-quiet", "-www", "-accept", port_text, "-cert",
               "certificate",
               "-key", "key", (char *)NULL);
        _exit(127);
    }
    struct http_client *client = http_client_open();
    struct http_request request = request_to(url, "https", port);
    struct seen seen = { 0 };
    for (int64_t until = clock_mono_ms() + 5000; clock_mono_ms() < until; clock_sleep_ms(50)) {
        seen = run(client, &request);
        if (!strstr(seen.reason, "connect")) break;         /* it listens by now */
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    snprintf(command, sizeof command, "rm -r %s", files);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(seen.end, HTTP_NOT_SENT);
    ck_assert_msg(strcasestr(seen.reason, "certificate"), "%s", seen.reason);
    http_client_close(&client);
}
END_TEST

/* ---- the same POST never goes out twice (hazards H1) */

static const peer_script dying[] = {
    { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, OK_ANSWER, 0 }, { PEER_READ_REQUEST, 0, 0 },
      { PEER_RESET, 0, 0 } },
    { { PEER_READ_REQUEST, 0, 0 }, { PEER_RESET, 0, 0 } },
    { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, OK_ANSWER, 0 } },
};

START_TEST(a_fresh_post_is_seen_once)
{
    struct peer *peer = peer_open(dying, 3);
    struct http_client *client = http_client_open();
    char url[100];
    struct http_request request = request_to(url, "http", peer_port(peer));
    ck_assert_int_eq(run(client, &request).end, HTTP_ANSWERED);
    ck_assert_int_eq(run(client, &request).end, HTTP_UNKNOWN);
    ck_assert_int_eq(peer_requests(peer, "POST"), 2);     /* two calls, two requests */
    http_client_close(&client);
    peer_close(&peer);
}
END_TEST

/* The hazard itself: when this fails, libcurl has learnt better, and the test above proves less than it
 * did. */
START_TEST(a_reused_connection_sends_a_post_again)
{
    static const peer_script repeated[] = {
        { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, OK_ANSWER, 0 }, { PEER_READ_REQUEST, 0, 0 } },
        { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, OK_ANSWER, 0 } } };
    struct peer *peer = peer_open(repeated, 2);
    struct http_client *client = http_client_open();
    char url[100];
    struct http_request request = request_to(url, "http", peer_port(peer));
    request.fresh = false;
    ck_assert_int_eq(run(client, &request).end, HTTP_ANSWERED);
    ck_assert_int_eq(run(client, &request).end, HTTP_ANSWERED);
    ck_assert_int_eq(peer_requests(peer, "POST"), 3);     /* two calls, three requests */
    http_client_close(&client);
    peer_close(&peer);
}
END_TEST

/* ---- where a keyed request may go */

START_TEST(a_redirect_is_an_answer)
{
    static const peer_script never[] = { { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, OK_ANSWER, 0 } } };
    struct peer *other = peer_open(never, 1);
    char redirect[200];
    snprintf(redirect, sizeof redirect, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/steal\r\n"
             "Content-Length: 0\r\n\r\n", peer_port(other));
    const peer_script script[] = { { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, redirect, 0 } } };
    struct peer *peer = peer_open(script, 1);
    struct http_client *client = http_client_open();
    char url[100];
    struct http_request request = request_to(url, "http", peer_port(peer));
    request.headers = (const char *const[]){ "Authorization: Bearer secret", NULL };
    struct seen seen = run(client, &request);
    ck_assert_int_eq(seen.status, 302);
    ck_assert_int_eq(peer_received(peer, "Bearer secret"), 1);
    ck_assert_int_eq(peer_connections(other), 0);
    http_client_close(&client);
    peer_close(&peer);
    peer_close(&other);
}
END_TEST

START_TEST(the_environment_names_no_proxy)
{
    static const peer_script answers[] = { { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, OK_ANSWER, 0 } } };
    struct peer *proxy = peer_open(answers, 1), *peer = peer_open(answers, 1);
    char url[100], proxy_url[100];
    snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%d", peer_port(proxy));
    setenv("http_proxy", proxy_url, 1);
    setenv("all_proxy", proxy_url, 1);
    struct http_client *client = http_client_open();
    struct http_request request = request_to(url, "http", peer_port(peer));
    ck_assert_int_eq(run(client, &request).end, HTTP_ANSWERED);
    ck_assert_int_eq(peer_connections(proxy), 0);
    ck_assert_int_eq(peer_connections(peer), 1);
    http_client_close(&client);
    peer_close(&peer);
    peer_close(&proxy);
}
END_TEST

/* ---- the loop */

START_TEST(a_step_wakes_for_the_callers_descriptor)
{
    struct http_client *client = http_client_open();
    int fd = eventfd(1, EFD_CLOEXEC);
    int64_t before_ms = clock_mono_ms();
    http_client_step(client, &fd, 1, 5000);
    ck_assert_int_lt(clock_mono_ms() - before_ms, 1000);
    eventfd_t value;
    ck_assert_int_eq(eventfd_read(fd, &value), 0);
    before_ms = clock_mono_ms();
    http_client_step(client, &fd, 1, 100);                /* nothing there: it waits */
    ck_assert_int_ge(clock_mono_ms() - before_ms, 95);
    close(fd);
    http_client_close(&client);
}
END_TEST

START_TEST(calls_run_beside_each_other)
{
    static const peer_script slow[] = {
        { { PEER_READ_REQUEST, 0, 0 }, { PEER_WAIT, 0, 300 }, { PEER_SEND, OK_ANSWER, 0 } } };
    enum { PEERS = 8 };
    struct peer *peers[PEERS];
    struct seen seen[PEERS] = { 0 };
    struct http_client *client = http_client_open();
    int64_t before_ms = clock_mono_ms();
    for (int i = 0; i < PEERS; i++) {
        char url[100];
        peers[i] = peer_open(slow, 1);
        struct http_request request = request_to(url, "http", peer_port(peers[i]));
        http_client_start(client, &request, on_done, &seen[i], NULL);    /* url and body are copied */
        memset(url, 'x', sizeof url - 1);
    }
    ck_assert_uint_eq(http_client_open_count(client), PEERS);
    wait_done(client);
    ck_assert_int_lt(clock_mono_ms() - before_ms, 300 * PEERS / 2);
    for (int i = 0; i < PEERS; i++) {
        ck_assert_int_eq(seen[i].calls, 1);
        ck_assert_int_eq(seen[i].status, 200);
        peer_close(&peers[i]);
    }
    http_client_close(&client);
}
END_TEST

struct relay { struct http_client *client; struct http_request request; int left; struct seen seen; };

static void on_relay(void *self, void *tag, const struct http_answer *answer)
{
    struct relay *relay = self;
    on_done(&relay->seen, tag, answer);
    if (--relay->left > 0) http_client_start(relay->client, &relay->request, on_relay, relay, NULL);
}

START_TEST(a_call_may_be_started_from_done)
{
    static const peer_script answers[] = { { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, OK_ANSWER, 0 } } };
    struct peer *peer = peer_open(answers, 1);
    char url[100];
    struct relay relay = { .client = http_client_open(), .request = request_to(url, "http", peer_port(peer)),
                           .left = 5 };
    http_client_start(relay.client, &relay.request, on_relay, &relay, NULL);
    wait_done(relay.client);
    ck_assert_int_eq(relay.seen.calls, 5);
    ck_assert_int_eq(peer_requests(peer, "POST"), 5);
    http_client_close(&relay.client);
    peer_close(&peer);
}
END_TEST

START_TEST(closing_drops_open_calls_without_a_word)
{
    static const peer_script silent[] = { { { PEER_READ_REQUEST, 0, 0 }, { PEER_WAIT, 0, 5000 } } };
    struct peer *peer = peer_open(silent, 1);
    struct http_client *client = http_client_open();
    struct seen seen = { 0 };
    char url[100];
    struct http_request request = request_to(url, "http", peer_port(peer));
    http_client_start(client, &request, on_done, &seen, NULL);
    for (int i = 0; i < 5; i++) http_client_step(client, NULL, 0, 20);
    http_client_close(&client);
    ck_assert_ptr_null(client);
    ck_assert_int_eq(seen.calls, 0);
    peer_close(&peer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http client");
    TCase *tcase = tcase_create("client");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, call_ends_as_its_row_says, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(tcase, without_a_connection_nothing_was_sent, 0,
                        sizeof unsent_cases / sizeof unsent_cases[0]);
    tcase_add_test(tcase, an_unknown_certificate_gets_nothing);
    tcase_add_test(tcase, a_fresh_post_is_seen_once);
    tcase_add_test(tcase, a_reused_connection_sends_a_post_again);
    tcase_add_test(tcase, a_redirect_is_an_answer);
    tcase_add_test(tcase, the_environment_names_no_proxy);
    tcase_add_test(tcase, a_step_wakes_for_the_callers_descriptor);
    tcase_add_test(tcase, calls_run_beside_each_other);
    tcase_add_test(tcase, a_call_may_be_started_from_done);
    tcase_add_test(tcase, closing_drops_open_calls_without_a_word);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
