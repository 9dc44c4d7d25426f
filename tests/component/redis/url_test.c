/* Redis addresses: every part, and each wrong one refused in one line without the password. */
#include <stdio.h>
#include <string.h>

#include "redis/redis.h"
#include "redis/url.h"
#include "unit/check_main.h"

static const struct {
    const char *url, *host, *user, *password, *path;
    int port, database;
} good[] = {
    { "redis://127.0.0.1", "127.0.0.1", "", "", "", 6379, 0 },
    { "redis://redis:6380", "redis", "", "", "", 6380, 0 },
    { "redis://redis:6380/", "redis", "", "", "", 6380, 0 },
    { "redis://redis/7", "redis", "", "", "", 6379, 7 },
    { "redis://[::1]:7000/2", "::1", "", "", "", 7000, 2 },
    { "redis://[fe80::1]", "fe80::1", "", "", "", 6379, 0 },
    { "redis://:secret@h:1", "h", "", "secret", "", 1, 0 },
    { "redis://reel:se%40cr%2Fet%25@h", "h", "reel", "se@cr/et%", "", 6379, 0 },
    { "redis://reel:a@b@h:65535", "h", "reel", "a@b", "", 65535, 0 },      /* the last @ ends the login */
    { "unix:/run/redis/redis.sock", "", "", "", "/run/redis/redis.sock", 0, 0 },
};

START_TEST(a_good_address_is_read_whole)
{
    struct redis_url url;
    char error[200];
    ck_assert_msg(redis_url_parse(good[_i].url, &url, error), "%s: %s", good[_i].url, error);
    ck_assert_str_eq(url.seeds[0].host, good[_i].host);
    ck_assert_str_eq(url.user, good[_i].user);
    ck_assert_str_eq(url.password, good[_i].password);
    ck_assert_str_eq(url.path, good[_i].path);
    ck_assert_int_eq(url.seeds[0].port, good[_i].port);
    ck_assert_int_eq(url.database, good[_i].database);
}
END_TEST

START_TEST(several_hosts_are_read_in_their_order)
{
    struct redis_url url;
    char error[200];
    ck_assert_msg(redis_url_parse("redis://:p,w@a:7001,[::1]:7002,c/3", &url, error), "%s", error);
    ck_assert_str_eq(url.password, "p,w");
    ck_assert_int_eq(url.seed_count, 3);
    ck_assert_str_eq(url.seeds[0].host, "a");
    ck_assert_int_eq(url.seeds[0].port, 7001);
    ck_assert_str_eq(url.seeds[1].host, "::1");
    ck_assert_int_eq(url.seeds[1].port, 7002);
    ck_assert_str_eq(url.seeds[2].host, "c");
    ck_assert_int_eq(url.seeds[2].port, 6379);
    ck_assert_int_eq(url.database, 3);
}
END_TEST

static const struct { const char *url, *says; } bad[] = {
    { "", "not a Redis address" },
    { "127.0.0.1:6379", "not a Redis address" },
    { "http://127.0.0.1:6379", "not a Redis address" },
    { "rediss://redis:6379", "TLS" },
    { "redis://", "no host" },
    { "redis://:6379", "no host" },
    { "redis://h:", "port" },
    { "redis://h:0", "port" },
    { "redis://h:65536", "port" },
    { "redis://h:+1", "port" },
    { "redis://h:63 79", "port" },
    { "redis://h:6379/x", "database" },
    { "redis://h:6379/-1", "database" },
    { "redis://a,", "no host" },
    { "redis://a,,b", "no host" },
    { "redis://a:1,b:x", "port" },
    { "redis://a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", "more than 16" },
    { "redis://[::1", "without ]" },
    { "redis://[::1]6379", "after ]" },
    { "redis://hunter2@h", "without a password" },
    { "redis://u:hunter2%@h", "escape" },
    { "redis://u:hunter2%zz@h", "escape" },
    { "redis://u:hunter2%00@h", "escape" },
    { "unix:relative.sock", "absolute" },
};

START_TEST(a_wrong_address_is_refused_in_one_line)
{
    char error[200] = "";
    struct redis *redis = redis_open(bad[_i].url, 1000, error);
    ck_assert_msg(!redis, "%s", bad[_i].url);
    ck_assert_msg(strstr(error, bad[_i].says), "%s: %s", bad[_i].url, error);
    ck_assert_ptr_null(strchr(error, '\n'));
    ck_assert_ptr_null(strstr(error, "hunter2"));
}
END_TEST

CHECK_MAIN("redis-url", tcase_add_loop_test(tests, a_good_address_is_read_whole, 0, ROWS(good));
           tcase_add_test(tests, several_hosts_are_read_in_their_order);
           tcase_add_loop_test(tests, a_wrong_address_is_refused_in_one_line, 0, ROWS(bad));)
