/* Health: what an orchestrator and Prometheus see over HTTP, and when it changes. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/check_main.h"
#include "worker/health.h"

enum { STALL_MS = 150 };

static struct metrics *metrics;
static struct health *health;
static char answer[32768];

static void open_all(void)
{
    char error[200] = "";
    metrics = metrics_open();
    health = health_open("127.0.0.1:0", metrics, STALL_MS, error);
    ck_assert_msg(health != NULL, "%s", error);
}

static void close_all(void)
{
    health_close(&health);
    ck_assert_ptr_null(health);
    metrics_close(&metrics);
}

/* One call; the whole answer is in answer, its status is returned. */
static int call(const char *method, const char *path)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)health_port(health)) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    char request[200];
    int length = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                          method, path);
    ck_assert_int_eq(write(fd, request, (size_t)length), length);
    size_t have = 0;
    ssize_t got;
    while ((got = read(fd, answer + have, sizeof answer - 1 - have)) > 0)
        have += (size_t)got;
    answer[have] = '\0';
    close(fd);
    int status = 0;
    ck_assert_int_eq(sscanf(answer, "HTTP/1.1 %d", &status), 1);
    return status;
}

static int get(const char *path) { return call("GET", path); }

START_TEST(ready_only_while_every_part_is_fine)
{
    health_part(health, "kafka", "no broker answers");
    health_part(health, "redis", "buckets not verified: 3,7");
    ck_assert_int_eq(get("/readyz"), 503);
    ck_assert_ptr_nonnull(strstr(answer, "\"ready\":false"));
    ck_assert_ptr_nonnull(strstr(answer,
                                 "[\"kafka: no broker answers\",\"redis: buckets not verified: 3,7\"]"));
    health_part(health, "kafka", NULL);
    ck_assert_int_eq(get("/readyz"), 503);
    ck_assert_ptr_null(strstr(answer, "kafka"));
    health_part(health, "redis", NULL);
    ck_assert_int_eq(get("/readyz"), 200);
    ck_assert_ptr_nonnull(strstr(answer, "{\"ready\":true,\"reasons\":[]}"));
}
END_TEST

START_TEST(reasons_are_escaped)
{
    health_part(health, "policy", "a \"quoted\"\nreason");
    ck_assert_int_eq(get("/readyz"), 503);
    ck_assert_ptr_nonnull(strstr(answer, "policy: a \\\"quoted\\\"\\nreason"));
}
END_TEST

START_TEST(alive_only_while_the_loop_turns)
{
    health_beat(health);
    ck_assert_int_eq(get("/healthz"), 200);
    clock_sleep_ms(2 * STALL_MS);
    ck_assert_int_eq(get("/healthz"), 503);
    health_beat(health);
    ck_assert_int_eq(get("/healthz"), 200);
}
END_TEST

START_TEST(metrics_are_served_as_prometheus_wants_them)
{
    metric_add(metrics_counter(metrics, "reelgate_seen_total", NULL, "Help."), 7);
    ck_assert_int_eq(get("/metrics"), 200);
    ck_assert_ptr_nonnull(strstr(answer, "text/plain; version=0.0.4; charset=utf-8"));
    ck_assert_ptr_nonnull(strstr(answer, "\nreelgate_seen_total 7\n"));
}
END_TEST

START_TEST(other_paths_are_not_there)
{
    ck_assert_int_eq(get("/"), 404);
    ck_assert_int_eq(call("DELETE", "/readyz"), 405);
}
END_TEST

START_TEST(a_taken_address_is_told)
{
    char address[40], error[200] = "";
    snprintf(address, sizeof address, "127.0.0.1:%d", health_port(health));
    ck_assert_ptr_null(health_open(address, metrics, STALL_MS, error));
    ck_assert_str_ne(error, "");
}
END_TEST

CHECK_MAIN("worker/health",
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, ready_only_while_every_part_is_fine);
    tcase_add_test(tests, reasons_are_escaped);
    tcase_add_test(tests, alive_only_while_the_loop_turns);
    tcase_add_test(tests, metrics_are_served_as_prometheus_wants_them);
    tcase_add_test(tests, other_paths_are_not_there);
    tcase_add_test(tests, a_taken_address_is_told);
)
