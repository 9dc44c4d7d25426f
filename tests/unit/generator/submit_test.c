#include "generator/deadline.h"
#include "generator/submit.h"
#include "unit/check_main.h"

static const struct submit_rules FAIL = { .resubmit = false, .max_submissions = 2,
                                          .create_timeout_ms = 60000 };
static const struct submit_rules TWICE = { .resubmit = true, .max_submissions = 2,
                                           .create_timeout_ms = 60000 };
static const struct submit_rules HOLD = { .hold = true, .max_submissions = 2, .create_timeout_ms = 60000 };

/* The table of design section 7, row by row, under both policies. */
static const struct {
    enum runway_created created; int attempts; bool cancel_waits; enum submit_step fail, twice;
} answers[] = {
    { RUNWAY_SUBMITTED, 1, false, SUBMIT_TASK_OUT, SUBMIT_TASK_OUT },
    /* the cancel goes with the task */
    { RUNWAY_SUBMITTED, 1, true,  SUBMIT_TASK_OUT, SUBMIT_TASK_OUT },
    { RUNWAY_NOT_MADE,  1, false, SUBMIT_CLOSE_AND_WAIT, SUBMIT_CLOSE_AND_WAIT },
    { RUNWAY_NOT_MADE,  2, false, SUBMIT_CLOSE_AND_WAIT, SUBMIT_CLOSE_AND_WAIT },
    { RUNWAY_OPERATOR,  1, false, SUBMIT_CLOSE_AND_BREAK, SUBMIT_CLOSE_AND_BREAK },
    { RUNWAY_REFUSED,   1, false, SUBMIT_FAIL_REFUSED, SUBMIT_FAIL_REFUSED },
    { RUNWAY_UNKNOWN,   1, false, SUBMIT_FAIL_UNKNOWN, SUBMIT_AGAIN },
    /* two in all, never three */
    { RUNWAY_UNKNOWN,   2, false, SUBMIT_FAIL_UNKNOWN, SUBMIT_FAIL_UNKNOWN },
    /* nobody wants a second one */
    { RUNWAY_UNKNOWN,   1, true,  SUBMIT_FAIL_UNKNOWN, SUBMIT_FAIL_UNKNOWN },
};

START_TEST(each_answer_has_its_step)
{
    enum submit_step fail = submit_answered(&FAIL, answers[_i].created, answers[_i].attempts,
                                            answers[_i].cancel_waits);
    enum submit_step twice = submit_answered(&TWICE, answers[_i].created, answers[_i].attempts,
                                             answers[_i].cancel_waits);
    ck_assert_int_eq(fail, answers[_i].fail);
    ck_assert_int_eq(twice, answers[_i].twice);
}
END_TEST

START_TEST(held_is_what_nobody_knows_and_nothing_else)
{
    for (int created = RUNWAY_SUBMITTED; created <= RUNWAY_UNKNOWN; created++)
        for (int cancel_waits = 0; cancel_waits <= 1; cancel_waits++) {
            enum submit_step fail = submit_answered(&FAIL, created, 1, cancel_waits);
            enum submit_step hold = submit_answered(&HOLD, created, 1, cancel_waits);
            ck_assert_int_eq(hold, created == RUNWAY_UNKNOWN ? SUBMIT_HOLD : fail);
        }
    ck_assert(submit_allowed(&HOLD, 0));
    ck_assert(!submit_allowed(&HOLD, 1));
}
END_TEST

START_TEST(no_intent_beyond_what_the_policy_allows)
{
    ck_assert(submit_allowed(&FAIL, 0));
    ck_assert(!submit_allowed(&FAIL, 1));        /* also when a former policy had opened one */
    ck_assert(submit_allowed(&TWICE, 1));
    ck_assert(!submit_allowed(&TWICE, 2));
}
END_TEST

static const struct { int64_t intent_at_ms, wall_ms, want_ms; } doubts[] = {
    { 1000000, 1000000, 90000 },         /* just now: the POST's limit and 30 s */
    { 1000000, 1089999, 1 },
    { 1000000, 1090000, 0 },
    { 1000000, 9999999, 0 },
    /* its owner's clock is ahead of ours: never longer than from our own sight */
    { 1000000,  500000, 90000 },
};

START_TEST(a_strangers_intent_is_unknown_only_when_its_post_must_be_over)
{
    ck_assert_int_eq(submit_unknown_in_ms(&FAIL, doubts[_i].intent_at_ms, doubts[_i].wall_ms),
                     doubts[_i].want_ms);
}
END_TEST

static const struct { int64_t timeout_ms, queued_ms, intent_ms; bool want; } ages[] = {
    { 60000, 20, 15, true },
    { 60000, 20, -3000, true },          /* the wall clock was set back: the monotonic one decides */
    { 60000, 15001, 20, false },         /* the process was stopped */
    { 60000, 20, 15001, false },         /* the machine was suspended: only the wall clock went on */
    { 2000, 2001, 10, false },           /* never older than one whole POST */
};

START_TEST(a_post_starts_only_soon_after_its_intent)
{
    const struct submit_rules rules = { .create_timeout_ms = ages[_i].timeout_ms };
    ck_assert_int_eq(submit_fresh(&rules, ages[_i].queued_ms, ages[_i].intent_ms), ages[_i].want);
}
END_TEST

START_TEST(a_post_that_may_start_is_over_before_its_intent_is_called_unknown)
{
    static const int64_t timeouts_ms[] = { 100, 2000, 15000, 60000, 600000 };
    for (int i = 0; i < ROWS(timeouts_ms); i++) {
        const struct submit_rules rules = { .create_timeout_ms = timeouts_ms[i] };
        int64_t latest_ms = 0;
        while (submit_fresh(&rules, latest_ms + 50, latest_ms + 50))
            latest_ms += 50;
        ck_assert_int_lt(latest_ms + timeouts_ms[i], submit_unknown_in_ms(&rules, 0, 0));
    }
}
END_TEST

START_TEST(waits_double_obey_retry_after_and_take_minutes_at_a_daily_limit)
{
    struct backoff backoff = submit_backoff();
    struct runway_create_answer busy = { .created = RUNWAY_NOT_MADE, .status = 503, .retry_after_ms = -1 };
    int64_t first_ms = submit_wait_ms(&backoff, &busy);
    ck_assert(first_ms >= 500 && first_ms <= 1000);
    int64_t second_ms = submit_wait_ms(&backoff, &busy);
    ck_assert(second_ms >= 1000 && second_ms <= 2000);
    busy.retry_after_ms = 40000;
    ck_assert_int_eq(submit_wait_ms(&backoff, &busy), 40000);
    busy.retry_after_ms = INT64_C(86400000);
    /* a quarter of an hour at most, then we ask again */
    ck_assert_int_eq(submit_wait_ms(&backoff, &busy), 900000);

    struct runway_create_answer daily = { .created = RUNWAY_NOT_MADE, .status = 429, .daily_limit = true,
                                          .retry_after_ms = -1 };
    struct backoff fresh = submit_backoff();
    int64_t minute_ms = submit_wait_ms(&fresh, &daily);
    ck_assert(minute_ms >= 30000 && minute_ms <= 60000);
    for (int i = 0; i < 10; i++)
        minute_ms = submit_wait_ms(&fresh, &daily);
    ck_assert(minute_ms >= 450000 && minute_ms <= 900000);
}
END_TEST

static const struct { struct deadline deadline; int64_t want_ms; } deadlines[] = {
    { { .accepted_at_ms = 0, .deadline_at_ms = 600000, .live_at_ms = 50 }, 600000 },
    { { .accepted_at_ms = 0, .deadline_at_ms = 600000, .live_at_ms = 50, .standstill_ms = 120000 }, 720000 },
    /* came back late: a little time */
    { { .accepted_at_ms = 0, .deadline_at_ms = 600000, .live_at_ms = 900000 }, 930000 },
};

START_TEST(the_deadline_stands_still_while_the_breaker_is_open)
{
    ck_assert_int_eq(deadline_of(&deadlines[_i].deadline), deadlines[_i].want_ms);
}
END_TEST

START_TEST(a_task_keeps_its_deadline_or_gets_its_promised_time_anew)
{
    struct deadline deadline = { .accepted_at_ms = 1000, .deadline_at_ms = 601000 };
    ck_assert_int_eq(deadline_for_task(&deadline, 2000), 601000);
    ck_assert_int_eq(deadline_for_task(&deadline, 601001), 1201001);
    deadline.standstill_ms = 50000;
    ck_assert_int_eq(deadline_for_task(&deadline, 2000), 651000);
}
END_TEST

CHECK_MAIN("submit",
    tcase_add_loop_test(tests, each_answer_has_its_step, 0, ROWS(answers));
    tcase_add_test(tests, held_is_what_nobody_knows_and_nothing_else);
    tcase_add_test(tests, no_intent_beyond_what_the_policy_allows);
    tcase_add_loop_test(tests, a_strangers_intent_is_unknown_only_when_its_post_must_be_over, 0,
                        ROWS(doubts));
    tcase_add_loop_test(tests, a_post_starts_only_soon_after_its_intent, 0, ROWS(ages));
    tcase_add_test(tests, a_post_that_may_start_is_over_before_its_intent_is_called_unknown);
    tcase_add_test(tests, waits_double_obey_retry_after_and_take_minutes_at_a_daily_limit);
    tcase_add_loop_test(tests, the_deadline_stands_still_while_the_breaker_is_open, 0, ROWS(deadlines));
    tcase_add_test(tests, a_task_keeps_its_deadline_or_gets_its_promised_time_anew);)
