/* One connection against a real redis-server: it never waits past its time-out, and what comes late is never
 * read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "harness/redis_server.h"
#include "redis/redis.h"
#include "unit/check_main.h"

enum { PATIENCE_MS = 300 };

static struct redis_server *server;

static struct redis *open_at(const char *url)
{
    char error[200];
    struct redis *redis = redis_open(url, PATIENCE_MS, error);
    ck_assert_msg(redis != NULL, "%s", error);
    return redis;
}

static void ask_text(struct redis *redis, const char *word, const char *want)
{
    struct redis_reply *reply;
    ck_assert_int_eq(redis_ask(redis, 2, (const char *[]){ "ECHO", word }, &reply), TROUBLE_NONE);
    ck_assert_str_eq(redis_reply_text(reply, NULL), want);
    redis_reply_free(&reply);
    ck_assert_ptr_null(reply);
}

static void fresh(void) { server = redis_server_start(NULL); }
static void gone(void) { redis_server_stop(&server); }

START_TEST(every_kind_of_reply_is_told_apart)
{
    static const char script[] = "return {1, 'two', false, {'three', 4}, redis.status_reply('five')}";
    struct redis *redis = open_at(redis_server_url(server));
    struct redis_reply *reply;
    ck_assert_int_eq(redis_ask(redis, 3, (const char *[]){ "EVAL", script, "0" }, &reply), TROUBLE_NONE);
    ck_assert_int_eq(redis_reply_kind(reply), REDIS_LIST);
    ck_assert_int_eq(redis_reply_count(reply), 5);
    ck_assert_int_eq(redis_reply_integer(redis_reply_at(reply, 0)), 1);
    ck_assert_str_eq(redis_reply_text(redis_reply_at(reply, 1), NULL), "two");
    ck_assert_int_eq(redis_reply_kind(redis_reply_at(reply, 2)), REDIS_NIL);
    ck_assert_ptr_null(redis_reply_text(redis_reply_at(reply, 2), NULL));
    ck_assert_int_eq(redis_reply_count(redis_reply_at(reply, 3)), 2);
    ck_assert_int_eq(redis_reply_kind(redis_reply_at(reply, 4)), REDIS_STATUS);
    redis_reply_free(&reply);
    ck_assert_int_eq(redis_ask(redis, 1, (const char *[]){ "NONSENSE" }, &reply), TROUBLE_NONE);
    ck_assert_int_eq(redis_reply_kind(reply), REDIS_ERROR);
    redis_reply_free(&reply);
    ask_text(redis, "still here", "still here");     /* an error reply breaks nothing */
    redis_close(&redis);
    ck_assert_ptr_null(redis);
}
END_TEST

START_TEST(bytes_go_through_as_they_are)
{
    struct redis *redis = open_at(redis_server_url(server));
    struct redis_reply *reply;
    const char *argv[] = { "ECHO", "a\0\r\n$5\r\nb" };
    size_t length;
    ck_assert_int_eq(redis_connect(redis), TROUBLE_NONE);
    redis_append(redis, 2, argv, (const size_t[]){ 4, 9 });
    ck_assert_int_eq(redis_receive(redis, &reply), TROUBLE_NONE);
    ck_assert_mem_eq(redis_reply_text(reply, &length), argv[1], 9);
    ck_assert_int_eq(length, 9);
    redis_reply_free(&reply);
    redis_close(&redis);
}
END_TEST

/* 12 MB of commands against 30 MB of replies, far past every socket buffer: neither side may wait for the
 * other. */
START_TEST(a_large_pipeline_does_not_deadlock)
{
    enum { COMMANDS = 3000 };
    struct redis *redis = open_at(redis_server_url(server));
    static char value[10 * 1024 + 1], small[4 * 1024 + 1];
    memset(value, 'v', sizeof value - 1);
    memset(small, 's', sizeof small - 1);
    struct redis_reply *reply;
    ck_assert_int_eq(redis_ask(redis, 3, (const char *[]){ "SET", "big", value }, &reply), TROUBLE_NONE);
    redis_reply_free(&reply);
    for (int i = 0; i < COMMANDS; i++) {
        redis_append(redis, 2, (const char *[]){ "GET", "big" }, NULL);
        redis_append(redis, 3, (const char *[]){ "SET", "small", small }, NULL);
    }
    ck_assert_int_eq(redis_pending(redis), 2 * COMMANDS);
    ck_assert_int_eq(redis_send(redis), TROUBLE_NONE);
    for (int i = 0; i < 2 * COMMANDS; i++) {
        size_t length;
        ck_assert_int_eq(redis_receive(redis, &reply), TROUBLE_NONE);
        redis_reply_text(reply, &length);
        ck_assert_int_eq(length, i % 2 == 0 ? sizeof value - 1 : 2);
        redis_reply_free(&reply);
    }
    ck_assert_int_eq(redis_pending(redis), 0);
    redis_close(&redis);
}
END_TEST

START_TEST(a_silent_server_is_left_after_the_time_out)
{
    struct redis *redis = open_at(redis_server_url(server));
    struct redis_reply *reply;
    ask_text(redis, "warm", "warm");
    redis_server_freeze(server);
    int64_t began_ms = clock_mono_ms();
    ck_assert_int_eq(redis_ask(redis, 2, (const char *[]){ "ECHO", "first" }, &reply), TROUBLE_RETRY);
    int64_t took_ms = clock_mono_ms() - began_ms;
    ck_assert_ptr_null(reply);
    ck_assert(!redis_connected(redis));
    ck_assert_msg(strstr(redis_reason(redis), "no answer"), "%s", redis_reason(redis));
    ck_assert_msg(took_ms >= PATIENCE_MS && took_ms < PATIENCE_MS + 2000, "%d ms", (int)took_ms);
    redis_server_thaw(server);
    /* the answer to "first" is on its way, and belongs to nobody */
    ask_text(redis, "second", "second");
    redis_close(&redis);
}
END_TEST

/* The kernel's buffers fill up while nobody reads: sending, too, has its limit. */
START_TEST(sending_to_a_silent_server_ends_too)
{
    struct redis *redis = open_at(redis_server_url(server));
    static char value[64 * 1024 + 1];
    memset(value, 'v', sizeof value - 1);
    ck_assert_int_eq(redis_connect(redis), TROUBLE_NONE);
    redis_server_freeze(server);
    for (int i = 0; i < 400; i++)
        redis_append(redis, 3, (const char *[]){ "SET", "key", value }, NULL);
    int64_t began_ms = clock_mono_ms();
    ck_assert_int_eq(redis_send(redis), TROUBLE_RETRY);
    ck_assert_msg(clock_mono_ms() - began_ms < 5000, "%d ms", (int)(clock_mono_ms() - began_ms));
    ck_assert_int_eq(redis_pending(redis), 0);
    redis_server_thaw(server);
    ask_text(redis, "after", "after");
    redis_close(&redis);
}
END_TEST

START_TEST(a_dead_server_is_a_retry_until_it_is_back)
{
    struct redis *redis = open_at(redis_server_url(server));
    struct redis_reply *reply;
    ask_text(redis, "one", "one");
    redis_append(redis, 2, (const char *[]){ "ECHO", "lost" }, NULL);
    redis_server_down(server);
    ck_assert_int_eq(redis_receive(redis, &reply), TROUBLE_RETRY);
    ck_assert_int_eq(redis_connect(redis), TROUBLE_RETRY);
    ck_assert(redis_reason(redis)[0] != '\0');
    redis_server_up(server);
    ask_text(redis, "two", "two");
    redis_close(&redis);
}
END_TEST

START_TEST(scripts_are_there_again_after_a_flush_and_a_reconnect)
{
    static const char *const sources[] = { "return 'a' .. ARGV[1]", "return KEYS[1] .. #ARGV" };
    struct redis *redis = open_at(redis_server_url(server));
    struct redis_reply *reply;
    redis_scripts(redis, sources, 2);
    ck_assert_int_eq(redis_connect(redis), TROUBLE_NONE);
    for (int round = 0; round < 2; round++) {
        redis_append_script(redis, 1, 1, 3, (const char *[]){ "key", "x", "" }, NULL);
        redis_append_script(redis, 0, 0, 1, (const char *[]){ "b" }, NULL);
        ck_assert_int_eq(redis_receive(redis, &reply), TROUBLE_NONE);
        ck_assert_str_eq(redis_reply_text(reply, NULL), "key2");
        redis_reply_free(&reply);
        ck_assert_int_eq(redis_receive(redis, &reply), TROUBLE_NONE);
        ck_assert_str_eq(redis_reply_text(reply, NULL), "ab");
        redis_reply_free(&reply);
        if (round == 1)
            break;
        redis_server_ask(server, "SCRIPT FLUSH");
        redis_append_script(redis, 0, 0, 1, (const char *[]){ "b" }, NULL);
        ck_assert_int_eq(redis_receive(redis, &reply), TROUBLE_NONE);
        ck_assert_int_eq(redis_reply_kind(reply), REDIS_ERROR);
        ck_assert_msg(strncmp(redis_reply_text(reply, NULL), "NOSCRIPT", 8) == 0, "%s",
                      redis_reply_text(reply, NULL));
        redis_reply_free(&reply);
        redis_break(redis);
        ck_assert_int_eq(redis_connect(redis), TROUBLE_NONE);
    }
    redis_close(&redis);
}
END_TEST

START_TEST(the_socket_and_a_database_are_reached)
{
    struct redis *redis = open_at(redis_server_socket_url(server));
    char url[100];
    ask_text(redis, "by socket", "by socket");
    redis_close(&redis);
    snprintf(url, sizeof url, "%s/5", redis_server_url(server));
    redis = open_at(url);
    struct redis_reply *reply;
    ck_assert_int_eq(redis_ask(redis, 3, (const char *[]){ "SET", "where", "here" }, &reply), TROUBLE_NONE);
    redis_reply_free(&reply);
    ck_assert_str_eq(redis_server_ask(server, "GET where"), "(nil)");
    redis_close(&redis);
}
END_TEST

START_TEST(a_password_is_given_and_never_told)
{
    char url[100];
    ck_assert_str_eq(redis_server_ask(server, "CONFIG SET requirepass hunter2"), "OK");
    snprintf(url, sizeof url, "redis://:hunter2@127.0.0.1:%d", redis_server_port(server));
    struct redis *redis = open_at(url);
    ask_text(redis, "in", "in");
    redis_close(&redis);
    snprintf(url, sizeof url, "redis://default:hunter2@127.0.0.1:%d", redis_server_port(server));
    redis = open_at(url);
    ask_text(redis, "in", "in");
    redis_close(&redis);
    snprintf(url, sizeof url, "redis://:hunter3@127.0.0.1:%d", redis_server_port(server));
    redis = open_at(url);
    ck_assert_int_eq(redis_connect(redis), TROUBLE_RETRY);
    ck_assert_msg(strstr(redis_reason(redis), "log in"), "%s", redis_reason(redis));
    ck_assert_ptr_null(strstr(redis_reason(redis), "hunter3"));
    redis_close(&redis);
}
END_TEST

CHECK_MAIN("redis-connection", tcase_add_checked_fixture(tests, fresh, gone); tcase_set_timeout(tests, 30);
           tcase_add_test(tests, every_kind_of_reply_is_told_apart);
           tcase_add_test(tests, bytes_go_through_as_they_are);
           tcase_add_test(tests, a_large_pipeline_does_not_deadlock);
           tcase_add_test(tests, a_silent_server_is_left_after_the_time_out);
           tcase_add_test(tests, sending_to_a_silent_server_ends_too);
           tcase_add_test(tests, a_dead_server_is_a_retry_until_it_is_back);
           tcase_add_test(tests, scripts_are_there_again_after_a_flush_and_a_reconnect);
           tcase_add_test(tests, the_socket_and_a_database_are_reached);
           tcase_add_test(tests, a_password_is_given_and_never_told);)
