/* The generator through rebalances, restarts and its own end: one promise a test. */
#include "unit/generator/scenes.h"

/* ---- rebalances and restarts */

START_TEST(an_open_call_is_found_again_after_a_rebalance)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_revoke(true);
    turns(1);
    fake_assign();
    turns(3);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, "g1"), 1);
    pass(200000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, NULL), 0);
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(an_answer_between_two_assignments_waits_for_its_job)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_revoke(true);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    pass(10000);
    fake_assign();
    turns(3);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, "g1"), 1);
    pass(100000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, NULL), 0);
    end();
}
END_TEST

START_TEST(a_job_that_never_comes_back_leaves_an_orphan_that_is_deleted)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_revoke(true);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    pass(50000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, NULL), 0);
    pass(20000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 1);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){ .http_status = 502,
                                                                                    .retry_after_ms = -1 });
    pass(5000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 2);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){ .http_status = 429,
                                                                                    .retry_after_ms = 30000 });
    pass(29000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 2);
    pass(2000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 3);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){ .acknowledged = true,
                                                                                    .http_status = 204 });
    pass(5000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 3);
    ck_assert_double_eq(orphans("outcome=\"deleted\""), 1);
    end();
}
END_TEST

/* The worker was stopped, its answer came, its partition went: what was written was refused, so the task
 * is nobody's. If the commit's end is not known, it may be followed by the poller: then it is not ours to
 * delete. */
static const struct { bool in_doubt; int deletes; double left; } refused[] = { { false, 1, 0 },
                                                                               { true, 0, 1 } };

START_TEST(an_answer_whose_end_was_refused_is_an_orphan_and_a_doubtful_one_is_left)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    fake.abort_next = true;
    turns(1);
    fake.in_doubt = refused[_i].in_doubt;
    fake_revoke(true);
    pass(70000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), refused[_i].deletes);
    ck_assert_double_eq(orphans("outcome=\"left\""), refused[_i].left);
    end();
}
END_TEST

static void answer_all(void)
{
    while (fake_open_call(FAKE_CREATE))
        fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    fake_pass(100);
}

START_TEST(a_rebalance_waits_for_open_calls_and_commits_them)
{
    begin("fail");
    put_job("g1", "ann");
    put_job("g2", "bob");
    turns(2);
    fake.on_step = answer_all;
    fake_revoke(false);
    fake.on_step = NULL;
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, NULL), 2);
    ck_assert(fake.items[0].done && fake.items[1].done);
    end();
}
END_TEST

START_TEST(a_rebalance_waits_no_longer_than_it_may_and_starts_nothing)
{
    begin("fail");
    char generation[16];
    for (int i = 0; i < 8; i++) {
        snprintf(generation, sizeof generation, "g%d", i);
        put_job(generation, "ann");
    }
    turns(2);
    int64_t before_ms = fake.mono_ms;
    fake.on_step = only_time_passes;
    fake_revoke(false);
    fake.on_step = NULL;
    ck_assert_int_ge(fake.mono_ms - before_ms, settings.revoke_ms);
    ck_assert_int_le(fake.mono_ms - before_ms, settings.revoke_ms + 200);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 4);
    end();
}
END_TEST

START_TEST(an_intent_on_its_way_at_a_rebalance_is_closed_not_left_open)
{
    begin("fail");
    put_job("g1", "ann");
    fake.hold_commits = true;
    turns(2);
    fake.hold_commits = false;
    fake_revoke(false);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    ck_assert_int_eq(fake.items[0].intent_at_ms, 0);
    ck_assert_int_eq(fake.items[0].attempts, 0);
    end();
}
END_TEST

static const struct { const char *policy; int posts; } strangers[] = { { "fail", 0 }, { "resubmit", 1 } };

START_TEST(a_former_owners_intent_is_waited_out_and_then_unknown)
{
    begin(strangers[_i].policy);
    struct fake_item *item = put_job("g1", "ann");
    item->attempts = 1;
    item->intent_at_ms = fake.wall_ms - 10000;
    turns(3);
    pass(79000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    ck_assert_int_eq(ends("g1"), 0);
    pass(3000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), strangers[_i].posts);
    ck_assert_int_eq(ends("g1"), 1 - strangers[_i].posts);
    if (strangers[_i].posts == 1)            /* the second one is the last */
        fake_answer_create(fake_open_call(FAKE_CREATE), &UNKNOWN);
    pass(5000);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_FAILED, "g1"), "submission_unknown"));
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), strangers[_i].posts);
    end();
}
END_TEST

START_TEST(a_cancelled_doubt_is_not_submitted_again)
{
    begin("resubmit");
    struct fake_item *item = put_job("g1", "ann");
    item->attempts = 1;
    item->intent_at_ms = fake.wall_ms;
    put_cancel("g1", "ann");
    pass(95000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    /* there may be a task: never "cancelled" */
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCELLED, "g1"), 0);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_FAILED, "g1"), "submission_unknown"));
    ck_assert(fake.items[1].done);
    end();
}
END_TEST

START_TEST(asked_to_stop_it_ends_open_calls_and_starts_none)
{
    begin("fail");
    char generation[16];
    for (int i = 0; i < 8; i++) {
        snprintf(generation, sizeof generation, "g%d", i);
        put_job(generation, "ann");
    }
    turns(2);
    generator_drain(generator);
    turns(2);
    ck_assert(!generator_drained(generator));
    while (fake_open_call(FAKE_CREATE))
        fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(3);
    ck_assert(generator_drained(generator));
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 4);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, NULL), 4);
    end();
}
END_TEST

CHECK_MAIN("generator takeover",
    tcase_add_test(tests, an_open_call_is_found_again_after_a_rebalance);
    tcase_add_test(tests, an_answer_between_two_assignments_waits_for_its_job);
    tcase_add_test(tests, a_job_that_never_comes_back_leaves_an_orphan_that_is_deleted);
    tcase_add_loop_test(tests, an_answer_whose_end_was_refused_is_an_orphan_and_a_doubtful_one_is_left, 0,
                        ROWS(refused));
    tcase_add_test(tests, a_rebalance_waits_for_open_calls_and_commits_them);
    tcase_add_test(tests, a_rebalance_waits_no_longer_than_it_may_and_starts_nothing);
    tcase_add_test(tests, an_intent_on_its_way_at_a_rebalance_is_closed_not_left_open);
    tcase_add_loop_test(tests, a_former_owners_intent_is_waited_out_and_then_unknown, 0, ROWS(strangers));
    tcase_add_test(tests, a_cancelled_doubt_is_not_submitted_again);
    tcase_add_test(tests, asked_to_stop_it_ends_open_calls_and_starts_none);)
