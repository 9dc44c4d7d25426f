#include <stdio.h>

#include "gateway/limits.h"
#include "unit/check_main.h"

START_TEST(so_many_at_once_and_then_evenly)
{
    struct limits *limits = limits_open(60, 3);          /* one a second, three at once */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(limits_take(limits, "ada", 1000), 0);
    int64_t wait_ms = limits_take(limits, "ada", 1000);
    ck_assert(wait_ms > 0 && wait_ms <= 1001);
    ck_assert_int_ne(limits_take(limits, "ada", 1999), 0);
    ck_assert_int_eq(limits_take(limits, "ada", 2001), 0);
    ck_assert_int_ne(limits_take(limits, "ada", 2002), 0);
    ck_assert_int_eq(limits_take(limits, "bob", 2002), 0);       /* another one's are his own */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(limits_take(limits, "ada", 1000000), 0);        /* no more than three are saved up */
    ck_assert_int_ne(limits_take(limits, "ada", 1000000), 0);
    limits_close(&limits);
}
END_TEST

START_TEST(nobody_is_refused_for_others)
{
    struct limits *limits = limits_open(60, 1);
    for (int i = 0; i < 100000; i++) {
        char user[16];
        snprintf(user, sizeof user, "u-%d", i);
        ck_assert_int_eq(limits_take(limits, user, 1000 + i), 0);
    }
    limits_close(&limits);
}
END_TEST

CHECK_MAIN("limits",
    tcase_add_test(tests, so_many_at_once_and_then_evenly);
    tcase_add_test(tests, nobody_is_refused_for_others);)
