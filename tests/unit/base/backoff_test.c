#include <stdbool.h>

#include "base/backoff.h"
#include "unit/check_main.h"

START_TEST(waits_double_up_to_the_most_and_keep_half)
{
    static const int64_t full_ms[] = { 100, 200, 400, 800, 1000, 1000, 1000 };
    for (int round = 0; round < 200; round++) {
        struct backoff backoff = { .first_ms = 100, .most_ms = 1000 };
        for (int i = 0; i < ROWS(full_ms); i++) {
            int64_t wait_ms = backoff_next_ms(&backoff);
            ck_assert_int_ge(wait_ms, full_ms[i] / 2);
            ck_assert_int_le(wait_ms, full_ms[i]);
        }
        ck_assert_uint_eq(backoff.failures, ROWS(full_ms));
        backoff_reset(&backoff);
        ck_assert_int_le(backoff_next_ms(&backoff), 100);
    }
}
END_TEST

START_TEST(many_failures_and_large_times_do_not_overflow)
{
    struct backoff backoff = { .first_ms = 1, .most_ms = INT64_MAX, .failures = UINT32_MAX };
    ck_assert_int_ge(backoff_next_ms(&backoff), INT64_MAX / 2);
    ck_assert_uint_eq(backoff.failures, UINT32_MAX);
}
END_TEST

START_TEST(jitter_reaches_both_ends_and_nothing_else)
{
    bool seen[3] = { false };
    for (int i = 0; i < 1000; i++) {
        int64_t value = jitter_ms(-1, 1);
        ck_assert(value >= -1 && value <= 1);
        seen[value + 1] = true;
    }
    ck_assert(seen[0] && seen[1] && seen[2]);
    ck_assert_int_eq(jitter_ms(7, 7), 7);
    ck_assert(random_u64() != random_u64());
}
END_TEST

CHECK_MAIN("backoff",
    tcase_add_test(tests, waits_double_up_to_the_most_and_keep_half);
    tcase_add_test(tests, many_failures_and_large_times_do_not_overflow);
    tcase_add_test(tests, jitter_reaches_both_ends_and_nothing_else);)
