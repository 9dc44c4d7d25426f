/* Metrics: what is counted is what a scrape shows, in the text form that Prometheus reads. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "unit/check_main.h"
#include "worker/metrics.h"

static struct metrics *metrics;
static struct text page;

static void open_all(void)
{
    metrics = metrics_open();
    page = (struct text){ 0 };
}

static void close_all(void)
{
    metrics_close(&metrics);
    ck_assert_ptr_null(metrics);
    text_free(&page);
}

static const char *scrape(void)
{
    text_clear(&page);
    metrics_render(metrics, &page);
    return page.bytes;
}

static bool has_line(const char *line)
{
    char wanted[300];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    return strstr(scrape(), wanted) != NULL;
}

START_TEST(a_counter_shows_its_sum_for_each_set_of_labels)
{
    struct metric *accepted = metrics_counter(metrics, "reelgate_x_total", "decision=\"accepted\"",
                                              "Some help.");
    struct metric *rejected = metrics_counter(metrics, "reelgate_x_total", "decision=\"rejected\"",
                                              "Some help.");
    metric_add(accepted, 2);
    metric_add(accepted, 3);
    ck_assert(metric_value(accepted) == 5);
    ck_assert(has_line("# HELP reelgate_x_total Some help."));
    ck_assert(has_line("# TYPE reelgate_x_total counter"));
    ck_assert(has_line("reelgate_x_total{decision=\"accepted\"} 5"));
    ck_assert(has_line("reelgate_x_total{decision=\"rejected\"} 0"));
    ck_assert_ptr_ne(accepted, rejected);
}
END_TEST

START_TEST(the_same_name_and_labels_are_the_same_metric)
{
    struct metric *one = metrics_counter(metrics, "reelgate_y_total", "a=\"b\"", "Help.");
    struct metric *bare = metrics_counter(metrics, "reelgate_y_total", NULL, "Help.");
    ck_assert_ptr_eq(one, metrics_counter(metrics, "reelgate_y_total", "a=\"b\"", "Help."));
    ck_assert_ptr_eq(bare, metrics_counter(metrics, "reelgate_y_total", NULL, "Help."));
    ck_assert_ptr_ne(one, bare);
    const char *first = strstr(scrape(), "# TYPE reelgate_y_total");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "# TYPE reelgate_y_total"));        /* one family, one heading */
}
END_TEST

START_TEST(a_gauge_is_set_and_moved)
{
    struct metric *gauge = metrics_gauge(metrics, "reelgate_depth", NULL, "Help.");
    metric_set(gauge, 2.5);
    metric_add(gauge, -1);
    ck_assert(metric_value(gauge) == 1.5);
    ck_assert(has_line("reelgate_depth 1.5"));
}
END_TEST

START_TEST(a_histogram_is_cumulative_and_ends_with_all)
{
    static const double bounds[] = { 0.01, 0.1, 1, 0 };
    struct metric *histogram = metrics_histogram(metrics, "reelgate_d_seconds", "stage=\"s\"", "Help.",
                                                 bounds);
    metric_observe(histogram, 0.01);         /* a bound holds its own value */
    metric_observe(histogram, 0.5);
    metric_observe(histogram, 7);
    ck_assert(has_line("reelgate_d_seconds_bucket{stage=\"s\",le=\"0.01\"} 1"));
    ck_assert(has_line("reelgate_d_seconds_bucket{stage=\"s\",le=\"0.1\"} 1"));
    ck_assert(has_line("reelgate_d_seconds_bucket{stage=\"s\",le=\"1\"} 2"));
    ck_assert(has_line("reelgate_d_seconds_bucket{stage=\"s\",le=\"+Inf\"} 3"));
    ck_assert(has_line("reelgate_d_seconds_count{stage=\"s\"} 3"));
    ck_assert(has_line("reelgate_d_seconds_sum{stage=\"s\"} 7.5099999999999998"));
    ck_assert(metric_value(histogram) == 3);
}
END_TEST

enum { ADDS = 100000 };

static void *add_many(void *counter)
{
    for (int i = 0; i < ADDS; i++)
        metric_add(counter, 1);
    return NULL;
}

START_TEST(threads_lose_no_count)
{
    struct metric *metric[] = { metrics_counter(metrics, "reelgate_t_total", NULL, "Help."),
                                metrics_gauge(metrics, "reelgate_t", NULL, "Help.") };
    pthread_t other;
    ck_assert_int_eq(pthread_create(&other, NULL, add_many, metric[_i]), 0);
    add_many(metric[_i]);
    pthread_join(other, NULL);
    ck_assert(metric_value(metric[_i]) == 2 * ADDS);
}
END_TEST

static const char *const process_names[] = {
    "process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_virtual_memory_bytes",
    "process_resident_memory_bytes", "process_start_time_seconds", "reelgate_build_info{version=",
};

START_TEST(the_process_set_is_there)
{
    char start[80];
    snprintf(start, sizeof start, "\n%s", process_names[_i]);
    ck_assert_ptr_nonnull(strstr(scrape(), start));
}
END_TEST

static double value_of(const char *name)
{
    char start[80];
    snprintf(start, sizeof start, "\n%s ", name);
    const char *at = strstr(scrape(), start);
    ck_assert_ptr_nonnull(at);
    return strtod(at + strlen(start), NULL);
}

START_TEST(the_process_set_is_plausible)
{
    ck_assert(value_of("process_resident_memory_bytes") > 100e3);
    ck_assert(value_of("process_resident_memory_bytes") <= value_of("process_virtual_memory_bytes"));
    ck_assert(value_of("process_open_fds") >= 3);
    double age = (double)time(NULL) - value_of("process_start_time_seconds");
    ck_assert(age > -2 && age < 3600);
}
END_TEST

CHECK_MAIN("worker/metrics",
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, a_counter_shows_its_sum_for_each_set_of_labels);
    tcase_add_test(tests, the_same_name_and_labels_are_the_same_metric);
    tcase_add_test(tests, a_gauge_is_set_and_moved);
    tcase_add_test(tests, a_histogram_is_cumulative_and_ends_with_all);
    tcase_add_loop_test(tests, threads_lose_no_count, 0, 2);
    tcase_add_loop_test(tests, the_process_set_is_there, 0, ROWS(process_names));
    tcase_add_test(tests, the_process_set_is_plausible);
)
