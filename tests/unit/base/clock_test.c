#include <string.h>

#include "base/clock.h"
#include "unit/check_main.h"

static const struct { const char *text; int64_t want_ms; const char *again; } good_times[] = {
    { "2026-11-23T05:54:48.123Z", INT64_C(1795413288123), "2026-11-23T05:54:48.123Z" },
    { "2024-02-29T23:59:59Z", INT64_C(1709251199000), "2024-02-29T23:59:59.000Z" },
    { "2000-01-01T00:00:00+05:30", INT64_C(946665000000), "1999-12-31T18:30:00.000Z" },
    { "1999-12-31T20:00:00-04:00", INT64_C(946684800000), "2000-01-01T00:00:00.000Z" },
    { "1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z" },
    { "1970-01-01t00:00:00.000000001z", 0, "1970-01-01T00:00:00.000Z" },
    { "1970-01-01T00:00:00.9999999Z", 999, "1970-01-01T00:00:00.999Z" },
    { "2016-12-31T23:59:60Z", INT64_C(1483228799000), "2016-12-31T23:59:59.000Z" },
    { "9999-12-31T23:59:59.999Z", INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
    { "0000-01-01T00:00:00Z", INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z" },
};

START_TEST(times_are_read_and_written_back)
{
    int64_t wall_ms;
    char again[RFC3339_BYTES];
    ck_assert(clock_parse(good_times[_i].text, &wall_ms));
    ck_assert_int_eq(wall_ms, good_times[_i].want_ms);
    clock_format(wall_ms, again);
    ck_assert_str_eq(again, good_times[_i].again);
}
END_TEST

static const char *const bad_times[] = {
    "", "2026", "2026-11-23", "2026-11-23T05:54:48", "2026-11-23 05:54:48Z", "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z", "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-11-23T24:00:00Z", "2026-11-23T05:60:00Z", "2026-11-23T05:54:61Z", "2026-11-23T05:54:48.Z",
    "2026-11-23T05:54:48.1234567890Z", "2026-11-23T05:54:48Z ", "2026-11-23T05:54:48ZZ",
    "2026-11-23T05:54:48+0530",
    "2026-11-23T05:54:48+24:00", "2026-11-23T05:54:48+05:60", "2026-1-23T05:54:48Z", "+026-11-23T05:54:48Z",
    "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "1795413288123",
};

START_TEST(what_is_no_time_is_refused_and_leaves_the_value)
{
    int64_t wall_ms = 77;
    ck_assert_msg(!clock_parse(bad_times[_i], &wall_ms), "taken: %s", bad_times[_i]);
    ck_assert_int_eq(wall_ms, 77);
}
END_TEST

START_TEST(clocks_go_forward)
{
    int64_t before_us = clock_mono_us(), before_ms = clock_mono_ms();
    clock_sleep_ms(20);
    ck_assert_int_ge(clock_mono_us() - before_us, 20000);
    ck_assert_int_ge(clock_mono_ms() - before_ms, 19);
    ck_assert_int_gt(clock_wall_ms(), INT64_C(1700000000000));
    clock_sleep_ms(-5);
}
END_TEST

CHECK_MAIN("clock",
    tcase_add_loop_test(tests, times_are_read_and_written_back, 0, ROWS(good_times));
    tcase_add_loop_test(tests, what_is_no_time_is_refused_and_leaves_the_value, 0, ROWS(bad_times));
    tcase_add_test(tests, clocks_go_forward);)
