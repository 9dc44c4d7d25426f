#include <stdio.h>

#include "poller/expiry.h"
#include "poller/pace.h"
#include "unit/check_main.h"

START_TEST(looks_in_all_stay_below_the_rate)
{
    struct pace pace;
    pace_init(&pace, 50, 0);
    int taken = 0;
    for (int64_t now_ms = 0; now_ms < 10000; now_ms++)
        while (pace_take(&pace, now_ms))
            taken++;
    ck_assert_int_ge(taken, 50 * 10 - 1);
    ck_assert_int_le(taken, 50 * 11);        /* one second's worth may be saved up */
}
END_TEST

START_TEST(a_wait_for_the_rate_is_long_enough_and_no_longer)
{
    struct pace pace;
    pace_init(&pace, 10, 0);
    while (pace_take(&pace, 0)) { }
    int64_t wait_ms = pace_wait_ms(&pace, 0, 10000);
    ck_assert(wait_ms > 90 && wait_ms <= 101);
    ck_assert(!pace_take(&pace, wait_ms - 10));
    ck_assert(pace_take(&pace, wait_ms));
}
END_TEST

START_TEST(a_429_halves_the_rate_and_holds_everything)
{
    struct pace pace;
    pace_init(&pace, 100, 0);
    pace_bad(&pace, 1000, true, 7000);
    ck_assert(!pace_take(&pace, 7999));
    ck_assert(pace_take(&pace, 8000));
    ck_assert_double_eq(pace.per_second, 50);
    pace_bad(&pace, 1500, true, 60000);      /* sent before the hold: the same refusal, not another */
    ck_assert_double_eq(pace.per_second, 50);
    for (int i = 0; i < 100; i++)
        pace_good(&pace);
    ck_assert_double_eq(pace.per_second, 100);
    for (int64_t now_ms = 10000; now_ms < 100000000; now_ms += 1000000)
        pace_bad(&pace, now_ms, true, -1);
    ck_assert_double_ge(pace.per_second, 1); /* never to a standstill */
}
END_TEST

START_TEST(single_faults_hold_nothing_and_a_row_of_them_everything)
{
    struct pace pace;
    pace_init(&pace, 100, 0);
    for (int i = 0; i < 4; i++)
        pace_bad(&pace, 1000, false, -1);
    ck_assert(pace_take(&pace, 1000));
    pace_good(&pace);
    for (int i = 0; i < 5; i++)
        pace_bad(&pace, 1000, false, -1);
    ck_assert(!pace_take(&pace, 1400));
    ck_assert(pace_take(&pace, 2000));
}
END_TEST

enum { EVERY = 5000 };
static const struct { struct pace_task task; int64_t least_ms, most_ms; } nexts[] = {
    /* just submitted, nothing known of its model */
    { { .since_submitted_ms = 0, .until_deadline_ms = 600000 }, EVERY, EVERY * 11 / 10 },
    /* just submitted, its model takes a minute: nothing to see for the first 45 s */
    { { .since_submitted_ms = 0, .until_deadline_ms = 600000, .render_ms = 60000 }, 45000, 49500 },
    /* restored long after: somewhere within one interval */
    { { .since_submitted_ms = 90000, .until_deadline_ms = 600000, .render_ms = 60000 }, 0, EVERY * 11 / 10 },
    /* looked at: the least interval */
    { { .since_submitted_ms = 50000, .until_deadline_ms = 600000, .render_ms = 60000, .looked = true },
      EVERY, EVERY * 11 / 10 },
    /* far too late already: further apart, but not for ever */
    { { .since_submitted_ms = 3600000, .until_deadline_ms = 600000, .render_ms = 60000, .looked = true },
      30000, 33000 },
    /* its deadline comes first */
    { { .since_submitted_ms = 3600000, .until_deadline_ms = 9000, .render_ms = 60000, .looked = true }, 9000,
      9000 },
    { { .since_submitted_ms = 50000, .until_deadline_ms = 100, .render_ms = 60000, .looked = true }, EVERY,
      EVERY },
    { { .since_submitted_ms = 50000, .until_deadline_ms = -100, .render_ms = 60000, .looked = true }, EVERY,
      EVERY * 11 / 10 },
};

START_TEST(the_next_look_comes_when_there_may_be_something_to_see)
{
    struct pace_task task = nexts[_i].task;
    task.every_ms = EVERY;
    for (int i = 0; i < 200; i++) {
        int64_t wait_ms = pace_next_ms(&task);
        ck_assert_int_ge(wait_ms, nexts[_i].least_ms);
        ck_assert_int_le(wait_ms, nexts[_i].most_ms);
    }
}
END_TEST

START_TEST(faults_of_one_task_double_its_own_wait)
{
    ck_assert_int_ge(pace_later_ms(EVERY, 1, -1), EVERY * 2);
    ck_assert_int_le(pace_later_ms(EVERY, 255, -1), EVERY * 32 * 11 / 10);
    ck_assert_int_eq(pace_later_ms(EVERY, 0, 60000), 60000);
    ck_assert_int_eq(pace_later_ms(EVERY, 0, INT64_C(86400000)), 900000);
}
END_TEST

START_TEST(history_follows_what_a_model_takes)
{
    static struct history history;
    int row = history_of(&history, "gen4_turbo");
    history_add(&history, row, 40000);
    ck_assert_int_eq(history.rows[row].render_ms, 40000);
    for (int i = 0; i < 60; i++)
        history_add(&history, row, 80000);
    ck_assert(history.rows[row].render_ms > 79900 && history.rows[row].render_ms <= 80000);
    history_add(&history, row, -5);
    ck_assert_int_gt(history.rows[row].render_ms, 79900);
    ck_assert_int_eq(history_of(&history, "gen4_turbo"), row);
    for (int i = 0; i < 100; i++) {
        char model[32];
        snprintf(model, sizeof model, "model-%d", i);
        ck_assert_int_lt(history_of(&history, model), HISTORY_MODELS);
    }
}
END_TEST

enum { LOOKED = 1700000000 };
/* Payloads: {"exp":1700090000} {"exp":1700050000} {"exp":"soon"} {"iat":1} {"exp":1} {"exp":99999999999} */
#define LINK(payload) "https://d.example/v.mp4?_jwt=eyJhbGciOiJIUzI1NiJ9." payload ".c2ln"
static const struct { const char *links[2]; int64_t want_seconds; } expiries[] = {
    { { LINK("eyJleHAiOjE3MDAwOTAwMDB9") }, 1700090000 },
    { { LINK("eyJleHAiOjE3MDAwOTAwMDB9"), LINK("eyJleHAiOjE3MDAwNTAwMDB9") }, 1700050000 },
    { { LINK("eyJleHAiOiJzb29uIn0") }, LOOKED + 86400 },
    { { LINK("eyJpYXQiOjF9") }, LOOKED + 86400 },
    { { LINK("eyJleHAiOjF9") }, LOOKED + 86400 },                    /* over already: makes no sense */
    { { LINK("eyJleHAiOjk5OTk5OTk5OTk5fQ") }, LOOKED + 86400 },      /* in a thousand years: neither */
    { { LINK("%%%") }, LOOKED + 86400 },
    { { LINK("") }, LOOKED + 86400 },
    { { "https://d.example/v.mp4?_jwt=nodots" }, LOOKED + 86400 },
    { { "https://d.example/v.mp4" }, LOOKED + 86400 },
};

START_TEST(links_last_as_long_as_they_say_or_as_promised)
{
    int count = expiries[_i].links[1] ? 2 : 1;
    ck_assert_int_eq(expiry_of(expiries[_i].links, count, LOOKED * INT64_C(1000)),
                     expiries[_i].want_seconds * 1000);
}
END_TEST

CHECK_MAIN("pace",
    tcase_add_test(tests, looks_in_all_stay_below_the_rate);
    tcase_add_test(tests, a_wait_for_the_rate_is_long_enough_and_no_longer);
    tcase_add_test(tests, a_429_halves_the_rate_and_holds_everything);
    tcase_add_test(tests, single_faults_hold_nothing_and_a_row_of_them_everything);
    tcase_add_loop_test(tests, the_next_look_comes_when_there_may_be_something_to_see, 0, ROWS(nexts));
    tcase_add_test(tests, faults_of_one_task_double_its_own_wait);
    tcase_add_test(tests, history_follows_what_a_model_takes);
    tcase_add_loop_test(tests, links_last_as_long_as_they_say_or_as_promised, 0, ROWS(expiries));)
