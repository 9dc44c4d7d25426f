/* The generator, from a job to its task: one promise a test. */
#include <stdlib.h>
#include <unistd.h>

#include "unit/generator/scenes.h"

/* ---- submission */

START_TEST(no_post_before_its_intent_is_committed)
{
    begin("fail");
    put_job("g1", "ann");
    fake.hold_commits = true;
    turns(5);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    fake.hold_commits = false;
    turns(2);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g1"), 1);
    ck_assert_int_eq(fake.items[0].attempts, 1);
    ck_assert_int_ne(fake.items[0].intent_at_ms, 0);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, "g1"), 1);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_SUBMITTED, "g1"), 1);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_TASK, "g1"), "\"taskId\":\"task-1\""));
    ck_assert(fake.items[0].done);
    end();
}
END_TEST

START_TEST(an_aborted_end_is_written_again_and_posts_nothing)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    fake.abort_next = true;
    turns(3);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, "g1"), 1);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    end();
}
END_TEST

START_TEST(no_more_calls_at_once_than_allowed_and_users_take_turns)
{
    begin("fail");
    char generation[16];
    for (int i = 0; i < 10; i++) {
        snprintf(generation, sizeof generation, "a%d", i);
        put_job(generation, "ann");
    }
    put_job("b0", "bob");
    turns(4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "b0"), 1);      /* not behind ann's ten */
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "a0"), 1);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "a9"), 0);
    end();
}
END_TEST

START_TEST(what_was_not_made_is_tried_again_with_a_new_intent)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &BUSY);
    turns(2);
    ck_assert_int_eq(fake.items[0].attempts, 0);             /* closed */
    ck_assert_int_eq(fake.items[0].intent_at_ms, 0);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    pass(3000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g1"), 2);
    ck_assert_int_eq(fake.items[0].attempts, 1);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, "g1"), 1);
    end();
}
END_TEST

START_TEST(a_refusal_fails_with_the_providers_words_and_costs_nothing)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &REFUSED);
    turns(2);
    const char *json = fake_json(EVENT_GENERATION_FAILED, "g1");
    ck_assert_ptr_nonnull(json);
    ck_assert_ptr_nonnull(strstr(json, "generation_error"));
    ck_assert_ptr_nonnull(strstr(json, "Invalid \\\"ratio\\\"?"));
    ck_assert_ptr_nonnull(strstr(json, "\"charge\":0"));
    end();
}
END_TEST

/* deploy/policy.json with another charge for what fails. */
static void write_policy(const char *path, const char *otherwise)
{
    static char whole[65536];
    FILE *from = fopen("deploy/policy.json", "r"), *to = fopen(path, "w");
    ck_assert(from && to);
    whole[fread(whole, 1, sizeof whole - 1, from)] = '\0';
    const char *old = "\"otherwise\": 0,", *at = strstr(whole, old);
    ck_assert_ptr_nonnull(at);
    fprintf(to, "%.*s%s%s", (int)(at - whole), whole, otherwise, at + strlen(old));
    fclose(from);
    ck_assert_int_eq(fclose(to), 0);
}

START_TEST(a_policy_read_again_charges_from_now_on_and_a_wrong_one_is_left)
{
    char path[] = "/tmp/policy-XXXXXX";
    begin("fail");
    close(mkstemp(path));
    settings.policy_path = path;
    write_policy(path, "\"otherwise\": 100,");
    generator_reload(generator);
    write_policy(path, "\"otherwise\": 101,");
    generator_reload(generator);
    unlink(path);
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &REFUSED);
    turns(2);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_FAILED, "g1"), "\"charge\":3"));
    end();
}
END_TEST

static const struct { const char *policy; int posts; } unknowns[] = { { "fail", 1 }, { "resubmit", 2 } };

START_TEST(an_unknown_submission_ends_by_policy_and_never_beyond)
{
    begin(unknowns[_i].policy);
    put_job("g1", "ann");
    turns(2);
    for (struct fake_call *call; (call = fake_open_call(FAKE_CREATE)) != NULL; pass(5000))
        fake_answer_create(call, &UNKNOWN);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g1"), unknowns[_i].posts);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_FAILED, "g1"), "submission_unknown"));
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(a_pause_between_intent_and_post_closes_the_intent)
{
    begin("fail");
    put_job("g1", "ann");
    fake.hold_commits = true;
    turns(2);
    fake_pass(20000);                        /* the process was stopped, or the commit took that long */
    fake.hold_commits = false;
    turns(1);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    turns(3);                                /* closed, and tried again with a fresh one */
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g1"), 1);
    ck_assert_int_eq(fake.items[0].attempts, 1);
    end();
}
END_TEST

START_TEST(past_its_deadline_a_job_without_a_task_fails)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    for (int i = 0; i < 100 && ends("g1") == 0; i++) {
        if (fake_open_call(FAKE_CREATE))
            fake_answer_create(fake_open_call(FAKE_CREATE), &BUSY);
        pass(10000);
    }
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_FAILED, "g1"), "\"deadline\""));
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

/* ---- the operator's trouble */

START_TEST(without_credit_jobs_wait_beyond_their_deadline_and_nobody_fails)
{
    begin("fail");
    put_job("g1", "ann");
    put_job("g2", "bob");
    turns(2);
    while (fake_open_call(FAKE_CREATE))
        fake_answer_create(fake_open_call(FAKE_CREATE), &NO_CREDIT);
    for (int i = 0; i < 40; i++) {
        pass(30000);
        if (fake_open_call(FAKE_ORGANIZATION))
            fake_answer_organization(fake_open_call(FAKE_ORGANIZATION), &EMPTY_PURSE);
    }
    /* twenty minutes without a call that may cost something */
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 2);
    ck_assert_int_ge(fake_calls(FAKE_ORGANIZATION, NULL), 10);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_FAILED, NULL), 0);
    while (!fake_open_call(FAKE_ORGANIZATION))
        pass(1000);
    fake_answer_organization(fake_open_call(FAKE_ORGANIZATION), &FULL_PURSE);
    pass(2000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 3);      /* one goes ahead */
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    pass(2000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 4);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, NULL), 2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_FAILED, NULL), 0);
    end();
}
END_TEST

START_TEST(a_days_limit_is_told_once_and_holds_its_model_for_minutes)
{
    static const struct runway_create_answer daily =
        ANSWER(RUNWAY_NOT_MADE, 429, .daily_limit = true, .estimated_credits = -1, .message = "daily limit");
    begin("fail");
    settings.max_in_flight = 1;
    put_job("g1", "ann");
    put_job("g2", "bob");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &daily);
    turns(2);
    ck_assert_int_eq((int)metric_value(metrics_counter(metrics, "reelgate_daily_limits_total", NULL, "")), 1);
    pass(20000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    pass(120000);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_FAILED, NULL), 0);
    end();
}
END_TEST

static const struct runway_organization_answer revoked_key = { .operator_trouble = true, .http_status = 401,
                                                               .message = "no such key" };
static const struct runway_organization_answer shedding = { .http_status = 503, .message = "shedding load" };
static const struct { const struct runway_organization_answer *answer; int posts; } limits[] = {
    { &revoked_key, 0 }, { &shedding, 1 }, { &FULL_PURSE, 1 },
};

START_TEST(nothing_is_submitted_before_the_providers_limits_were_asked_for)
{
    begin("fail");
    settings.limits_every_ms = 3600 * 1000;
    put_job("g1", "ann");
    turns(4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    fake_answer_organization(fake_open_call(FAKE_ORGANIZATION), limits[_i].answer);
    turns(4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), limits[_i].posts);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_FAILED, NULL), 0);
    end();
}
END_TEST

/* ---- duplicates and cancels */

/* Two jobs of one generation found together, as after moved offsets: which stays is decided by what may hide a task. */
static const struct { int attempts; bool intent; int64_t accepted_ms; } seconds[] = {
    { 1, true, 0 }, { 1, false, 0 }, { 0, false, -1000 },
};

START_TEST(of_two_jobs_the_one_that_may_have_a_task_stays)
{
    begin("resubmit");
    struct event job;
    put_job("g1", "ann");
    event_init(&job, EVENT_GENERATION_JOB);
    job.generation_id = job.prompt = "g1";
    job.user_id = "bob";
    job.model = "gen4.5";
    job.required_tokens = 3;
    job.accepted_at = fake.wall_ms + seconds[_i].accepted_ms;
    job.deadline_at = fake.wall_ms + 600000;
    struct fake_item *second = fake_put(&job);
    second->attempts = (uint16_t)seconds[_i].attempts;
    second->intent_at_ms = seconds[_i].intent ? fake.wall_ms : 0;
    turns(3);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_FAILED, "g1"), "\"ann\""));
    ck_assert_int_eq(fake_count(EVENT_GENERATION_FAILED, "g1"), 1);
    ck_assert(fake.items[0].done && !fake.items[1].done);
    end();
}
END_TEST

START_TEST(a_second_job_of_the_same_user_leaves_no_trace)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    put_job("g1", "ann");
    turns(3);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 1);
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert(fake.items[0].done && fake.items[1].done);
    end();
}
END_TEST

START_TEST(a_second_user_of_an_id_is_told_and_released)
{
    begin("fail");
    put_job("g1", "ann");
    put_job("g1", "bob");
    turns(3);
    const char *json = fake_json(EVENT_GENERATION_FAILED, "g1");
    ck_assert_ptr_nonnull(json);
    ck_assert_ptr_nonnull(strstr(json, "\"bob\""));
    ck_assert_ptr_nonnull(strstr(json, "validation_error"));
    ck_assert_ptr_nonnull(strstr(json, "generationId is already in use"));
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_ptr_nonnull(strstr(fake_json(EVENT_GENERATION_TASK, "g1"), "\"ann\""));
    end();
}
END_TEST

START_TEST(a_waiting_job_is_cancelled_without_a_call)
{
    begin("fail");
    put_job("g1", "ann");
    put_cancel("g1", "ann");
    turns(3);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCELLED, "g1"), 1);
    ck_assert(fake.items[0].done && fake.items[1].done);
    end();
}
END_TEST

START_TEST(a_cancel_that_meets_an_unused_intent_wins)
{
    begin("fail");
    put_job("g1", "ann");
    fake.hold_commits = true;
    turns(2);
    put_cancel("g1", "ann");
    turns(2);
    fake.hold_commits = false;
    turns(4);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 0);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCELLED, "g1"), 1);
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(a_cancel_during_the_call_goes_on_behind_the_task)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    put_cancel("g1", "ann");
    turns(3);
    ck_assert(!fake.items[1].done);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert(fake.items[0].done && fake.items[1].done);
    int task = -1, cancel = -1;
    for (int i = 0; i < fake.event_count; i++) {
        if (fake.events[i].type == EVENT_GENERATION_TASK) task = i;
        if (fake.events[i].type == EVENT_GENERATION_CANCEL_REQUESTED) cancel = i;
    }
    ck_assert(task >= 0 && cancel > task);
    ck_assert_int_eq(fake.events[cancel].topic, TOPIC_TASKS);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCELLED, "g1"), 0);
    end();
}
END_TEST

START_TEST(a_cancel_behind_the_end_follows_the_task)
{
    begin("fail");
    put_job("g1", "ann");
    turns(2);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    fake.hold_commits = true;
    turns(1);
    put_cancel("g1", "ann");
    turns(2);
    fake.hold_commits = false;
    turns(4);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_TASK, "g1"), 1);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCEL_REQUESTED, "g1"), 1);
    ck_assert(fake.items[1].done);
    put_cancel("g1", "ann");                 /* and one more, long after */
    turns(3);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCEL_REQUESTED, "g1"), 2);
    end();
}
END_TEST

START_TEST(a_strangers_cancel_changes_nothing)
{
    begin("fail");
    put_job("g1", "ann");
    put_cancel("g1", "eve");
    turns(3);
    ck_assert_int_eq(fake_calls(FAKE_CREATE, "g1"), 1);
    fake_answer_create(fake_open_call(FAKE_CREATE), &SUBMITTED);
    turns(2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCEL_REQUESTED, NULL), 0);
    ck_assert(fake.items[1].done);
    end();
}
END_TEST

CHECK_MAIN("generator submission",
    tcase_add_test(tests, no_post_before_its_intent_is_committed);
    tcase_add_test(tests, an_aborted_end_is_written_again_and_posts_nothing);
    tcase_add_test(tests, no_more_calls_at_once_than_allowed_and_users_take_turns);
    tcase_add_test(tests, what_was_not_made_is_tried_again_with_a_new_intent);
    tcase_add_test(tests, a_refusal_fails_with_the_providers_words_and_costs_nothing);
    tcase_add_test(tests, a_policy_read_again_charges_from_now_on_and_a_wrong_one_is_left);
    tcase_add_loop_test(tests, an_unknown_submission_ends_by_policy_and_never_beyond, 0, ROWS(unknowns));
    tcase_add_test(tests, a_pause_between_intent_and_post_closes_the_intent);
    tcase_add_test(tests, past_its_deadline_a_job_without_a_task_fails);
    tcase_add_test(tests, without_credit_jobs_wait_beyond_their_deadline_and_nobody_fails);
    tcase_add_test(tests, a_days_limit_is_told_once_and_holds_its_model_for_minutes);
    tcase_add_loop_test(tests, nothing_is_submitted_before_the_providers_limits_were_asked_for, 0, ROWS(limits));
    tcase_add_loop_test(tests, of_two_jobs_the_one_that_may_have_a_task_stays, 0, ROWS(seconds));
    tcase_add_test(tests, a_second_job_of_the_same_user_leaves_no_trace);
    tcase_add_test(tests, a_second_user_of_an_id_is_told_and_released);
    tcase_add_test(tests, a_waiting_job_is_cancelled_without_a_call);
    tcase_add_test(tests, a_cancel_that_meets_an_unused_intent_wins);
    tcase_add_test(tests, a_cancel_during_the_call_goes_on_behind_the_task);
    tcase_add_test(tests, a_cancel_behind_the_end_follows_the_task);
    tcase_add_test(tests, a_strangers_cancel_changes_nothing);)
