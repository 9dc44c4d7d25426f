#include <stdio.h>
#include <string.h>

#include "gateway/usage.h"
#include "unit/check_main.h"

#define HOUR(number) ((int64_t)(number) * HOUR_MS + 5)
static struct usage usage;               /* a slot for each hour of a month: too large for a stack */

START_TEST(hours_and_days_are_summed_by_model)
{
    size_t count;
    usage_add(&usage, HOUR(48), "a", USAGE_REQUESTED, 1);
    usage_add(&usage, HOUR(48), "a", USAGE_RESERVED_TOKENS, 7);
    usage_add(&usage, HOUR(50), "a", USAGE_REQUESTED, 1);
    usage_add(&usage, HOUR(50), "b", USAGE_REQUESTED, 1);
    usage_add(&usage, HOUR(73), "a", USAGE_REQUESTED, 1);
    struct usage_row *rows = usage_sum(&usage, 0, 1, NULL, &count);
    ck_assert_int_eq(count, 4);
    ck_assert_int_eq(rows[0].hour, 48);
    ck_assert_int_eq(rows[0].counts[USAGE_RESERVED_TOKENS], 7);
    ck_assert_str_eq(rows[2].model, "b");
    free(rows);
    rows = usage_sum(&usage, 0, 24, "a", &count);
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(rows[0].hour, 48);
    ck_assert_int_eq(rows[0].counts[USAGE_REQUESTED], 2);
    ck_assert_int_eq(rows[1].hour, 72);
    free(rows);
    rows = usage_sum(&usage, HOUR(50), 1, NULL, &count);
    ck_assert_int_eq(count, 3);
    free(rows);
    usage_free(&usage);
}
END_TEST

START_TEST(a_month_is_kept_and_no_more)
{
    size_t count;
    usage_add(&usage, HOUR(1000), "a", USAGE_REQUESTED, 1);
    usage_add(&usage, HOUR(1000 + USAGE_HOURS_MAX), "a", USAGE_REQUESTED, 1);
    usage_add(&usage, HOUR(1000), "a", USAGE_REQUESTED, 1);              /* too old to be counted */
    struct usage_row *rows = usage_sum(&usage, 0, 1, NULL, &count);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(rows[0].hour, 1000 + USAGE_HOURS_MAX);
    free(rows);
    usage_free(&usage);
}
END_TEST

START_TEST(reasons_are_counted_the_most_first)
{
    static const char failed[] = "failed", rejected[] = "rejected";
    size_t count;
    usage_reason(&usage, HOUR(10), failed, "generation_error", "SAFETY");
    usage_reason(&usage, HOUR(10), rejected, "insufficient_tokens", NULL);
    usage_reason(&usage, HOUR(11), rejected, "insufficient_tokens", NULL);
    struct usage_reason *rows = usage_reasons_sum(&usage, 0, &count);
    ck_assert_int_eq(count, 2);
    ck_assert_str_eq(rows[0].code, "insufficient_tokens");
    ck_assert_int_eq(rows[0].count, 2);
    ck_assert_str_eq(rows[1].failure_code, "SAFETY");
    free(rows);
    usage_free(&usage);
}
END_TEST

/* Words from outside must not grow without bound. */
START_TEST(many_models_and_codes_become_one_row)
{
    size_t count;
    for (int i = 0; i < 5000; i++) {
        char word[32];
        snprintf(word, sizeof word, "word-%d", i);
        usage_add(&usage, HOUR(10), word, USAGE_REQUESTED, 1);
        usage_reason(&usage, HOUR(10), "failed", "generation_error", word);
    }
    struct usage_row *rows = usage_sum(&usage, 0, 1, NULL, &count);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += rows[i].counts[USAGE_REQUESTED];
    ck_assert(count <= 201 && sum == 5000);
    free(rows);
    free(usage_reasons_sum(&usage, 0, &count));
    ck_assert(count <= 201);
    usage_free(&usage);
}
END_TEST

CHECK_MAIN("usage",
    tcase_add_test(tests, hours_and_days_are_summed_by_model);
    tcase_add_test(tests, a_month_is_kept_and_no_more);
    tcase_add_test(tests, reasons_are_counted_the_most_first);
    tcase_add_test(tests, many_models_and_codes_become_one_row);)
