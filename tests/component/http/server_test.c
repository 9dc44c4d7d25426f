/* The HTTP server over raw sockets: what two parsers could read differently never reaches a handler (hazards
 * G1), and the waits, resets and drips that the sandbox stands on are real. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "component/http/peer.h"

#include "http/server.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"

enum { BODY_CAP = 1000 };

struct world { struct http_server *server; atomic_int calls; atomic_int smuggled; };

/* Tells what it saw: "METHOD path query=... header=... body". Special paths answer in special ways. */
static void on_call(void *self, const struct http_call *call, struct http_reply *reply)
{
    struct world *world = self;
    atomic_fetch_add(&world->calls, 1);
    if (strcmp(call->path, "/smuggled") == 0) atomic_fetch_add(&world->smuggled, 1);
    reply->status = 200;
    reply->content_type = "text/plain";
    const char *query = http_call_query(call, "q"), *header = http_call_header(call, "X-Test");
    text_printf(&reply->text, "%s %s query=%s header=%s body=%zu:%s", call->method, call->path,
                query ? query : "-",
                header ? header : "-", call->body_length, call->body);
    http_reply_header(reply, "X-Echo", header ? header : "none");
    if (strcmp(call->path, "/delay") == 0) reply->delay_ms = 200;
    if (strcmp(call->path, "/hang") == 0) reply->delay_ms = 60000;
    if (strcmp(call->path, "/reset") == 0) reply->reset = true;
    if (strcmp(call->path, "/drip") == 0) reply->drip_bytes = 10, reply->drip_every_ms = 50;
    if (strcmp(call->path, "/cut") == 0) reply->cut_after_bytes = 5;
    if (strcmp(call->path, "/empty") == 0) { reply->status = 204; text_free(&reply->text); }
    if (strcmp(call->path, "/constant") == 0) { reply->body = "constant"; reply->body_length = 8; }
}

static void world_open(struct world *world, bool threads)
{
    char error[200];
    const struct http_server_config config = { .address = "127.0.0.1:0", .thread_per_connection = threads,
                                               .body_cap_bytes = BODY_CAP, .handler = on_call, .self =
                                                   world };
    world->server = http_server_open(&config, error);
    ck_assert_msg(world->server, "%s", error);
}

static char *ask(const struct world *world, const char *request)
{
    return raw_exchange(http_server_port(world->server), request, strlen(request), 1500);
}

/* ---- what is answered how */

static const struct { const char *name, *request, *want; int calls; } rows[] = {
    { "path as sent, query decoded",
      "GET /a%41%2f?q=b%42 HTTP/1.1\r\nHost: a\r\nX-Test: t\r\nConnection: close\r\n\r\n",
      "GET /a%41%2f query=bB header=t body=0:", 1 },
    { "body", "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
      "POST /b query=- header=- body=5:hello", 1 },
    { "chunked body", "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "POST /c query=- header=- body=5:hello", 1 },
    { "header of the reply", "GET /h HTTP/1.1\r\nHost: a\r\nX-Test: back\r\nConnection: close\r\n\r\n",
      "X-Echo: back", 1 },
    { "content type", "GET /h HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "Content-Type: text/plain",
      1 },
    { "constant body", "GET /constant HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\n\r\nconstant",
      1 },
    { "no content", "DELETE /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 204", 1 },
    { "HEAD has the length only", "HEAD /constant HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "Content-Length: 8", 1 },
    { "two requests on one connection", "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n"
      "Connection: close\r\n\r\n", "GET /2 query", 2 },
    { "HTTP/1.0 without Host", "GET /old HTTP/1.0\r\n\r\n", "GET /old query", 1 },

    { "two Content-Length, a request inside",
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 45\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Pad: 12\r\n\r\n", "HTTP/1.1 400", 0 },
    { "two equal Content-Length",
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 400", 0 },
    { "Content-Length beside chunked",
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", 0 },
    { "chunked beside Content-Length",
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", 0 },
    { "an encoding nobody decodes", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", 0 },
    { "a space before the colon", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length : 42\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", 0 },
    { "a signed length", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", "HTTP/1.1 400",
      0 },
    { "two Host", "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 400", 0 },
    { "a length folded over two lines", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n 5\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Pad: 12\r\n\r\n", "HTTP/1.1 400", 0 },
    { "an encoding folded over two lines", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", 0 },
    { "a header behind a bare CR", "POST /x HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 42\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Pad: 1\r\n\r\n", "HTTP/1.1 400", 0 },
    { "lines that end in LF", "GET /x HTTP/1.1\nHost: a\n\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", 0 },
    { "one header that ends in LF", "GET /x HTTP/1.1\r\nHost: a\nX: y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 400", 0 },
    { "a request line that ends in CR", "GET /x HTTP/1.1\rHost: a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 400", 0 },
    { "two Authorization", "GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", 0 },
    { "no Host", "GET /x HTTP/1.1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400", 0 },
};

static void row_holds(bool threads, int i)
{
    struct world world = { 0 };
    world_open(&world, threads);
    int64_t before_ms = clock_mono_ms();
    char *answer = ask(&world, rows[i].request);
    ck_assert_msg(strstr(answer, rows[i].want), "%s: %s", rows[i].name, answer);
    ck_assert_msg(clock_mono_ms() - before_ms < 1000, "%s: the connection stayed open", rows[i].name);
    ck_assert_msg(atomic_load(&world.calls) == rows[i].calls, "%s: %d calls", rows[i].name,
                  atomic_load(&world.calls));
    ck_assert_int_eq(atomic_load(&world.smuggled), 0);
    free(answer);
    http_server_close(&world.server);
    ck_assert_ptr_null(world.server);
}

START_TEST(one_thread_answers_as_its_row_says) { row_holds(false, _i); }
END_TEST
START_TEST(many_threads_answer_as_their_row_says) { row_holds(true, _i); }
END_TEST

/* ---- body cap */

static char *post_of(size_t length)
{
    struct text request = { 0 };
    text_printf(&request, "POST /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                length);
    for (size_t i = 0; i < length; i++) text_add_char(&request, 'x');
    return request.bytes;
}

static const struct { size_t length; const char *want; int calls; } cap_rows[] = {
    { BODY_CAP, "HTTP/1.1 200", 1 },
    { BODY_CAP + 1, "HTTP/1.1 413", 0 },
    { 200 * BODY_CAP, "HTTP/1.1 413", 0 },             /* much larger: still told, not just cut off */
};

START_TEST(a_body_over_the_cap_is_told_so)
{
    struct world world = { 0 };
    world_open(&world, true);
    char *request = post_of(cap_rows[_i].length), *answer = ask(&world, request);
    ck_assert_msg(strncmp(answer, cap_rows[_i].want, 12) == 0, "%s", answer);
    ck_assert_int_eq(atomic_load(&world.calls), cap_rows[_i].calls);
    free(request);
    free(answer);
    http_server_close(&world.server);
}
END_TEST

/* ---- waits, resets, drips */

static int64_t timed(const struct world *world, const char *path, char **answer)
{
    char request[200];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
    int64_t before_ms = clock_mono_ms();
    *answer = ask(world, request);
    return clock_mono_ms() - before_ms;
}

START_TEST(answers_may_wait_break_off_or_drip)
{
    struct world world = { 0 };
    world_open(&world, true);
    char *answer;
    ck_assert_int_ge(timed(&world, "/delay", &answer), 195);
    ck_assert_msg(strstr(answer, "GET /delay"), "%s", answer);
    free(answer);

    timed(&world, "/reset", &answer);
    ck_assert_str_eq(answer, "");
    free(answer);

    int64_t took_ms = timed(&world, "/drip", &answer);         /* 34 bytes: 3 waits */
    ck_assert_msg(took_ms >= 145 && strstr(answer, "body=0:"), "%d ms: %s", (int)took_ms, answer);
    free(answer);

    timed(&world, "/cut", &answer);
    const char *body = strstr(answer, "\r\n\r\n");
    ck_assert_msg(body && strcmp(body + 4, "GET /") == 0, "%s", answer);
    ck_assert_msg(strstr(answer, "Content-Length: 4") || strstr(answer, "Content-Length: 3"), "%s", answer);
    free(answer);
    http_server_close(&world.server);
}
END_TEST

static void *hang(void *self)
{
    char *answer;
    timed(self, "/hang", &answer);
    free(answer);
    return NULL;
}

START_TEST(closing_cuts_a_wait_short)
{
    struct world world = { 0 };
    world_open(&world, true);
    pthread_t client;
    must(pthread_create(&client, NULL, hang, &world) == 0);
    while (atomic_load(&world.calls) == 0) clock_sleep_ms(5);
    int64_t before_ms = clock_mono_ms();
    http_server_close(&world.server);
    ck_assert_int_lt(clock_mono_ms() - before_ms, 2000);
    pthread_join(client, NULL);
}
END_TEST

START_TEST(a_waiting_handler_does_not_hold_up_others)
{
    struct world world = { 0 };
    world_open(&world, true);
    pthread_t client;
    must(pthread_create(&client, NULL, hang, &world) == 0);
    while (atomic_load(&world.calls) == 0) clock_sleep_ms(5);
    char *answer;
    ck_assert_int_lt(timed(&world, "/quick", &answer), 1000);
    ck_assert_ptr_nonnull(strstr(answer, "GET /quick"));
    free(answer);
    pthread_join(client, NULL);
    http_server_close(&world.server);
}
END_TEST

/* ---- addresses */

static const struct { const char *address; bool good; } address_rows[] = {
    { "127.0.0.1:0", true }, { ":0", true }, { "localhost:0", true },
    { "127.0.0.1", false }, { "127.0.0.1:", false }, { "127.0.0.1:http", false },
        { "127.0.0.1:99999999", false },
    { "::1:0", false }, { "192.0.2.1:0", false }, { "", false },
};

START_TEST(an_address_is_had_or_explained)
{
    struct world world = { 0 };
    char error[200] = "";
    const struct http_server_config config = { .address = address_rows[_i].address,
                                               .body_cap_bytes = BODY_CAP,
                                               .handler = on_call, .self = &world };
    world.server = http_server_open(&config, error);
    ck_assert_msg((world.server != NULL) == address_rows[_i].good, "'%s': %s", address_rows[_i].address,
                  error);
    if (world.server) ck_assert_int_gt(http_server_port(world.server), 0);
    else ck_assert_str_ne(error, "");
    http_server_close(&world.server);
}
END_TEST

START_TEST(a_taken_port_is_explained)
{
    struct world world = { 0 };
    world_open(&world, false);
    char address[40], error[200] = "";
    snprintf(address, sizeof address, "127.0.0.1:%d", http_server_port(world.server));
    const struct http_server_config config = { .address = address, .handler = on_call };
    ck_assert_ptr_null(http_server_open(&config, error));
    ck_assert_ptr_nonnull(strstr(error, "in use"));
    http_server_close(&world.server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http server");
    TCase *tcase = tcase_create("server");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, one_thread_answers_as_its_row_says, 0, sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(tcase, many_threads_answer_as_their_row_says, 0, sizeof rows / sizeof rows[0]);
    tcase_add_loop_test(tcase, a_body_over_the_cap_is_told_so, 0, sizeof cap_rows / sizeof cap_rows[0]);
    tcase_add_test(tcase, answers_may_wait_break_off_or_drip);
    tcase_add_test(tcase, closing_cuts_a_wait_short);
    tcase_add_test(tcase, a_waiting_handler_does_not_hold_up_others);
    tcase_add_loop_test(tcase, an_address_is_had_or_explained, 0,
                        sizeof address_rows / sizeof address_rows[0]);
    tcase_add_test(tcase, a_taken_port_is_explained);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
