/* grant: adds once, corrects never below zero, and remembers what it answered. */
#include "bench.h"
#include "unit/check_main.h"

#define U "u1"

static const struct { int64_t before, amount; enum grant_outcome want; int64_t available; } grants[] = {
    { 0, 1, GRANT_DONE, 1 },
    { 5, 2147483648, GRANT_DONE, 2147483653 },
    { 5, -5, GRANT_DONE, 0 },
    { 5, -6, GRANT_REFUSED, 5 },
    { 0, -1, GRANT_REFUSED, 0 },
};

START_TEST(a_grant_moves_or_is_refused)
{
    if (grants[_i].before)
        bench_grant(U, "before", 1, grants[_i].before);
    struct grant_answer answer = bench_grant(U, "it", 2, grants[_i].amount);
    ck_assert_int_eq(answer.outcome, grants[_i].want);
    ck_assert_int_eq(answer.amount_tokens, grants[_i].amount);
    ck_assert_int_eq(answer.balance.available, grants[_i].available);
    ck_assert_int_eq(answer.at_ms, AT(2));
    bench_balance_is(U, grants[_i].available, grants[_i].available, 0, 0);
    long ttl = atol(bench_ask("PTTL rg:{0}:grant:it"));
    ck_assert(grants[_i].want == GRANT_DONE ? ttl == -1 : ttl > 0);
    struct grant_answer again = bench_grant(U, "it", 2, grants[_i].amount);
    ck_assert_int_eq(again.outcome, grants[_i].want);
    ck_assert_mem_eq(&again.balance, &answer.balance, sizeof again.balance);
    bench_balance_is(U, grants[_i].available, grants[_i].available, 0, 0);
}
END_TEST

START_TEST(a_known_grant_is_a_duplicate_or_a_conflict)
{
    bench_grant(U, "it", 5, 10);
    ck_assert_int_eq(bench_grant(U, "it", 6, 10).outcome, GRANT_DUPLICATE);
    ck_assert_int_eq(bench_grant(U, "it", 4, 10).outcome, GRANT_DUPLICATE);
    ck_assert_int_eq(bench_grant(U, "it", 6, 11).outcome, GRANT_CONFLICT);
    ck_assert_int_eq(bench_grant(U, "it", 5, 11).outcome, GRANT_CONFLICT);
    ck_assert_int_eq(bench_grant("u2", "it", 6, 10).outcome, GRANT_CONFLICT);
    bench_balance_is(U, 10, 10, 0, 0);
    bench_balance_is("u2", 0, 0, 0, 0);
}
END_TEST

/* refused at offset 10, then topped up, then asked again: */
static const struct { int64_t offset; enum grant_outcome want; int64_t left; } after_refusal[] = {
    { 10, GRANT_REFUSED, 100 }, { 9, GRANT_DUPLICATE, 100 }, { 11, GRANT_DONE, 93 },
};

START_TEST(a_refused_correction_is_remembered_with_its_origin)
{
    ck_assert_int_eq(bench_grant(U, "correction", 10, -7).outcome, GRANT_REFUSED);
    bench_grant(U, "top-up", 11, 100);
    ck_assert_int_eq(bench_grant(U, "correction", after_refusal[_i].offset, -7).outcome,
                     after_refusal[_i].want);
    bench_balance_is(U, after_refusal[_i].left, after_refusal[_i].left, 0, 0);
    if (after_refusal[_i].want == GRANT_DONE)
        ck_assert_str_eq(bench_ask("PTTL rg:{0}:grant:correction"), "-1");
}
END_TEST

/* What is reserved is not there to be corrected away. */
START_TEST(a_correction_does_not_touch_what_is_reserved)
{
    bench_grant(U, "top-up", 1, 10);
    bench_reserve(U, "g1", 1, 6);
    ck_assert_int_eq(bench_grant(U, "c1", 2, -5).outcome, GRANT_REFUSED);
    ck_assert_int_eq(bench_grant(U, "c2", 3, -4).outcome, GRANT_DONE);
    bench_balance_is(U, 6, 0, 6, 0);
}
END_TEST

/* One grant past 2^53-1 is refused, the last exact step is not. */
START_TEST(a_balance_stays_exact)
{
    bench_ask("HSET rg:{0}:user:" U " granted 9007199254740989 available 9007199254740989 "
              "reserved 0 spent 0");
    ck_assert_int_eq(bench_grant(U, "too much", 1, 3).outcome, GRANT_REFUSED);
    ck_assert_int_eq(bench_grant(U, "fits", 2, 2).outcome, GRANT_DONE);
    bench_balance_is(U, INT64_C(9007199254740991), INT64_C(9007199254740991), 0, 0);
    ck_assert_int_eq(bench_reserve(U, "g1", 1, 1).balance.available, INT64_C(9007199254740990));
    ck_assert_str_eq(bench_ask("HGET rg:{0}:user:" U " available"), "9007199254740990");
    bench_settle(U, "g1", 1, SETTLE_ALL);
    bench_balance_is(U, INT64_C(9007199254740991), INT64_C(9007199254740990), 0, 1);
}
END_TEST

CHECK_MAIN("tokens-grant", tcase_add_checked_fixture(tests, bench_start,
                                                     bench_stop); tcase_set_timeout(tests, 30);
           tcase_add_loop_test(tests, a_grant_moves_or_is_refused, 0, ROWS(grants));
           tcase_add_test(tests, a_known_grant_is_a_duplicate_or_a_conflict);
           tcase_add_loop_test(tests, a_refused_correction_is_remembered_with_its_origin, 0,
                               ROWS(after_refusal));
           tcase_add_test(tests, a_correction_does_not_touch_what_is_reserved);
           tcase_add_test(tests, a_balance_stays_exact);)
