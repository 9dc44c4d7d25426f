/* Submissions that nobody knows of, under unknown_submission=hold, and what the operator's word does to them. */
#include "unit/generator/scenes.h"

enum { HOLD_MS = 3 * 24 * 3600 * 1000 };

static void put_word(const char *generation, const char *user, const char *task)
{
    struct event word;
    event_init(&word, EVENT_GENERATION_SUBMISSION_SETTLED);
    word.generation_id = generation;
    word.user_id = user;
    word.task_id = task;
    fake_put(&word);
}

/* One job whose create call had no answer that says anything. */
static void hold_one(void)
{
    begin("hold");
    settings.unknown_hold_ms = HOLD_MS;
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &UNKNOWN);
    turns(2);
}

static bool task_says(const char *words)
{
    const char *json = fake_json(EVENT_GENERATION_TASK, "g1");
    return json && strstr(json, words);
}

static bool all_done(void)
{
    for (int i = 0; i < fake.item_count; i++)
        if (!fake.items[i].done)
            return false;
    return true;
}

START_TEST(it_is_held_beyond_its_deadline_and_never_sent_again)
{
    hold_one();
    pass(3600 * 1000);                       /* its deadline was ten minutes */
    ck_assert_int_eq(ends("g1"), 0);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    end();
}
END_TEST

START_TEST(held_too_long_it_fails)
{
    hold_one();
    fake_pass(HOLD_MS);
    turns(3);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_FAILED, "g1"), "submission_unknown"));
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(the_task_that_the_operator_names_is_its_one_submission)
{
    hold_one();
    put_word("g1", "ann", "task-found");
    turns(3);
    ck_assert(task_says("\"taskId\":\"task-found\""));
    ck_assert_int_eq(fake_count(EVENT_GENERATION_SUBMITTED, "g1"), 1);
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(none_sends_it_again_and_the_users_clock_stood_still)
{
    hold_one();
    pass(3600 * 1000);
    put_word("g1", "ann", NULL);
    turns(4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g1"), 2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert(task_says("\"taskId\":\"task-1\""));
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(a_cancel_waits_with_it_and_goes_with_its_task)
{
    hold_one();
    put_cancel("g1", "ann");
    pass(60000);
    ck_assert_int_eq(ends("g1"), 0);
    put_word("g1", "ann", "task-found");
    turns(3);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, "g1"), 1);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCEL_REQUESTED, "g1"), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(with_none_a_cancel_that_waits_ends_it)
{
    hold_one();
    put_cancel("g1", "ann");
    turns(2);
    put_word("g1", "ann", NULL);
    turns(4);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCELLED, "g1"), 1);
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(a_hold_survives_a_change_of_owner_and_so_does_a_word)
{
    hold_one();
    fake_revoke(false);
    put_word("g1", "ann", "task-found");
    fake_assign();
    turns(3);                                /* also before the intent must be over: the operator knows */
    ck_assert(task_says("\"taskId\":\"task-found\""));
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(none_is_not_believed_while_a_former_owner_may_still_call)
{
    hold_one();
    fake_revoke(true);
    fake_assign();
    put_word("g1", "ann", NULL);
    pass(5000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    pass(200 * 1000);
    put_word("g1", "ann", NULL);
    turns(4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g1"), 2);
    end();
}
END_TEST

START_TEST(restored_without_a_word_it_is_held_again)
{
    hold_one();
    fake_revoke(true);
    fake_assign();
    pass(200 * 1000);
    ck_assert_int_eq(ends("g1"), 0);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    put_word("g1", "ann", "task-found");
    turns(3);
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(after_its_end_the_task_is_handed_to_whoever_deletes_it)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &UNKNOWN);
    turns(2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_FAILED, "g1"), 1);
    put_word("g1", "ann", "task-found");
    put_word("g1", "ann", NULL);             /* said of one that has ended: noted, nothing follows */
    turns(3);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_SUBMISSION_SETTLED, "g1"), 1);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_SUBMISSION_SETTLED, "g1"), "task-found"));
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(a_word_about_nothing_unknown_or_anothers_generation_does_nothing)
{
    hold_one();
    put_word("g1", "eve", "task-found");
    put_job("g2", "ann");
    turns(2);                                /* g2's call is open: its own answer is still to come */
    put_word("g2", "ann", "task-found");
    turns(3);
    ck_assert_int_eq(ends("g1") + ends("g2"), 0);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_TASK, "g2"), "\"task-1\""));
    ck_assert_int_eq(fake_count(EVENT_GENERATION_SUBMISSION_SETTLED, NULL), 0);
    end();
}
END_TEST

/* Written under resubmit: one attempt is unknown, the next one's intent was closed. Now the policy is hold. */
static void hold_without_an_intent(void)
{
    begin("hold");
    settings.unknown_hold_ms = HOLD_MS;
    put_job("g1", "ann")->attempts = 1;
    turns(3);
}

START_TEST(an_attempt_of_a_more_generous_policy_is_held_too)
{
    hold_without_an_intent();
    pass(3600 * 1000);
    ck_assert_int_eq(ends("g1"), 0);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    put_word("g1", "ann", "task-found");
    turns(3);
    ck_assert(task_says("\"taskId\":\"task-found\""));
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(with_none_that_attempt_is_forgotten_and_it_is_sent)
{
    hold_without_an_intent();
    pass(3600 * 1000);
    put_word("g1", "ann", NULL);
    turns(4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g1"), 1);
    ck_assert_int_eq(fake.items[0].attempts, 1);             /* that of this call */
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(an_attempt_of_a_more_generous_policy_fails_under_fail)
{
    begin("fail");
    put_job("g1", "ann")->attempts = 1;
    turns(4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_FAILED, "g1"), "submission_unknown"));
    end();
}
END_TEST

START_TEST(a_task_is_adopted_while_another_attempt_waits)
{
    begin("resubmit");
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &UNKNOWN);
    put_word("g1", "ann", "task-found");
    turns(3);
    ck_assert(task_says("\"taskId\":\"task-found\""));
    pass(10000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert(all_done());
    end();
}
END_TEST

START_TEST(no_task_is_adopted_for_a_job_that_was_never_tried)
{
    begin("fail");
    settings.max_in_flight = 1;
    put_job("g1", "ann");
    put_job("g2", "ann");
    turns(2);
    put_word("g2", "ann", "task-found");     /* it waits for its turn */
    turns(2);
    ck_assert(fake.items[2].done);
    ck_assert_int_eq(ends("g2"), 0);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(3);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g2"), 1);
    end();
}
END_TEST

START_TEST(a_word_that_meets_the_end_is_judged_after_it)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &UNKNOWN);
    fake.hold_commits = true;
    turns(2);
    put_word("g1", "ann", "task-found");
    turns(2);
    ck_assert(!fake.items[1].done);
    fake.hold_commits = false;
    turns(3);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_SUBMISSION_SETTLED, "g1"), 1);      /* to be deleted */
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert(all_done());
    end();
}
END_TEST

CHECK_MAIN("generator words",
    tcase_add_test(tests, it_is_held_beyond_its_deadline_and_never_sent_again);
    tcase_add_test(tests, held_too_long_it_fails);
    tcase_add_test(tests, the_task_that_the_operator_names_is_its_one_submission);
    tcase_add_test(tests, none_sends_it_again_and_the_users_clock_stood_still);
    tcase_add_test(tests, a_cancel_waits_with_it_and_goes_with_its_task);
    tcase_add_test(tests, with_none_a_cancel_that_waits_ends_it);
    tcase_add_test(tests, a_hold_survives_a_change_of_owner_and_so_does_a_word);
    tcase_add_test(tests, none_is_not_believed_while_a_former_owner_may_still_call);
    tcase_add_test(tests, restored_without_a_word_it_is_held_again);
    tcase_add_test(tests, after_its_end_the_task_is_handed_to_whoever_deletes_it);
    tcase_add_test(tests, a_word_about_nothing_unknown_or_anothers_generation_does_nothing);
    tcase_add_test(tests, an_attempt_of_a_more_generous_policy_is_held_too);
    tcase_add_test(tests, with_none_that_attempt_is_forgotten_and_it_is_sent);
    tcase_add_test(tests, an_attempt_of_a_more_generous_policy_fails_under_fail);
    tcase_add_test(tests, a_task_is_adopted_while_another_attempt_waits);
    tcase_add_test(tests, no_task_is_adopted_for_a_job_that_was_never_tried);
    tcase_add_test(tests, a_word_that_meets_the_end_is_judged_after_it);)
