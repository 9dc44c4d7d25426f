/* The whole generator over a work set and a provider in memory: one promise a test. */
#include <stdio.h>
#include <string.h>

#include "generator/generator.h"
#include "unit/check_main.h"
#include "unit/generator/workset_fake.h"
#include "worker/metrics.h"

/* What the generator tells of its health is not judged here. */
void health_part(struct health *health, const char *part, const char *reason) { (void)health, (void)part, (void)reason; }

static struct generator_settings settings;
static struct metrics *metrics;
static struct generator *generator;

static void begin(const char *unknown_submission)
{
    char error[POLICY_ERROR_BYTES];
    fake_reset();
    settings = (struct generator_settings){
        .provider = { .base_url = "http://127.0.0.1:1", .key = "key", .probe_ms = 5000 },
        .policy_path = "deploy/policy.json", .unknown_submission = unknown_submission, .max_in_flight = 4,
        .max_waiting = 1000, .max_submissions = 2, .create_timeout_ms = 60000, .revoke_ms = 10000,
        .orphan_hold_ms = 60000, .rewrite_after_ms = 3600000 };
    struct policy *policy = policy_read(settings.policy_path, error);
    ck_assert_msg(policy != NULL, "%s", error);
    metrics = metrics_open();
    generator = generator_open(&settings, &policy, metrics, NULL);
}

static void end(void)
{
    fake.on_step = NULL;
    generator_close(&generator);
    metrics_close(&metrics);
    fake_reset();
}

static void turns(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(generator_turn(generator), TROUBLE_NONE);
}

static void pass(int64_t duration_ms)        /* as a loop would live through it */
{
    for (int64_t left_ms = duration_ms; left_ms > 0; left_ms -= 500) {
        fake_pass(500);
        turns(1);
    }
}

static struct fake_item *put_job(const char *generation, const char *user)
{
    struct event job;
    event_init(&job, EVENT_GENERATION_JOB);
    job.generation_id = generation;
    job.user_id = user;
    job.prompt = generation;                 /* so that a call names its generation */
    job.model = "gen4.5";
    job.required_tokens = 3;
    job.accepted_at = fake.wall_ms;
    job.deadline_at = fake.wall_ms + 600000;
    return fake_put(&job);
}

static struct fake_item *put_cancel(const char *generation, const char *user)
{
    struct event cancel;
    event_init(&cancel, EVENT_GENERATION_CANCEL_REQUESTED);
    cancel.generation_id = generation;
    cancel.user_id = user;
    return fake_put(&cancel);
}

static const struct runway_create_answer SUBMITTED = { .created = RUNWAY_SUBMITTED, .status = 200, .task_id = "task-1",
                                                       .estimated_credits = 25, .retry_after_ms = -1 };
static const struct runway_create_answer BUSY = { .created = RUNWAY_NOT_MADE, .status = 503, .estimated_credits = -1,
                                                  .message = "shedding load", .retry_after_ms = -1 };
static const struct runway_create_answer NO_CREDIT = { .created = RUNWAY_OPERATOR, .status = 400, .estimated_credits = -1,
                                                       .message = "not enough credits", .retry_after_ms = -1 };
static const struct runway_create_answer REFUSED = { .created = RUNWAY_REFUSED, .status = 400, .estimated_credits = -1,
                                                     .message = "Invalid \"ratio\"\xff", .retry_after_ms = -1 };
static const struct runway_create_answer UNKNOWN = { .created = RUNWAY_UNKNOWN, .status = 0, .estimated_credits = -1,
                                                     .message = "cut", .retry_after_ms = -1 };

/* Everything that ends one generation here, or hands it on. */
static int ends(const char *generation)
{
    return fake_count(EVENT_GENERATION_TASK, generation) + fake_count(EVENT_GENERATION_FAILED, generation) +
           fake_count(EVENT_GENERATION_CANCELLED, generation);
}

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

static const struct runway_organization_answer EMPTY_PURSE = { .answered = true, .http_status = 200, .credit_balance = 0 };
static const struct runway_organization_answer FULL_PURSE = { .answered = true, .http_status = 200, .credit_balance = 500 };

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
    ck_assert_int_eq(fake_calls(FAKE_CREATE, NULL), 2);      /* twenty minutes without a call that may cost something */
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

/* ---- duplicates and cancels */

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

static double orphans(const char *label)
{
    return metric_value(metrics_counter(metrics, "reelgate_orphans_total", label,
                                        "Paid tasks whose job was lost, by what became of them."));
}

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
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){ .http_status = 502, .retry_after_ms = -1 });
    pass(5000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 2);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){ .acknowledged = true, .http_status = 204 });
    pass(5000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 2);
    ck_assert_double_eq(orphans("outcome=\"deleted\""), 1);
    end();
}
END_TEST

/* The worker was stopped, its answer came, its partition went: what was written was refused, so the task is nobody's. If the
 * commit's end is not known, it may be followed by the poller: then it is not ours to delete. */
static const struct { bool in_doubt; int deletes; double left; } refused[] = { { false, 1, 0 }, { true, 0, 1 } };

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

static void only_time_passes(void) { fake_pass(100); }

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
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCELLED, "g1"), 0);       /* there may be a task: never "cancelled" */
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

/* ---- anything at any time */

enum { WALK_JOBS = 12, WALK_STEPS = 1500 };

static uint64_t walk_seed;               /* of the row: a walk that fails can be walked again */

static uint64_t choose(uint64_t most)
{
    walk_seed = walk_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (walk_seed >> 33) % most;
}

static int paid[WALK_JOBS], submitted;       /* calls that may have made a task, and those that surely did */

static void walk_answer(const struct runway_create_answer *answer)
{
    struct fake_call *call = fake_open_call(FAKE_CREATE);
    if (!call)
        return;
    paid[atoi(call->subject + 1)] += answer->created == RUNWAY_SUBMITTED || answer->created == RUNWAY_UNKNOWN;
    submitted += answer->created == RUNWAY_SUBMITTED;
    fake_answer_create(call, answer);
}

static void walk_step(int step)
{
    switch (choose(12)) {
    case 0: walk_answer(&SUBMITTED); break;
    case 1: walk_answer(&BUSY); break;
    case 2: walk_answer(&UNKNOWN); break;
    case 3: walk_answer(&NO_CREDIT); break;
    case 4: if (fake.held) fake_revoke(choose(2) == 0); break;
    case 5: fake_assign(); break;
    case 6: fake.hold_commits = choose(2) == 0; break;
    case 7: fake.abort_next = true; break;
    case 8: pass((int64_t)choose(40000)); break;
    case 9: if (fake_open_call(FAKE_ORGANIZATION)) fake_answer_organization(fake_open_call(FAKE_ORGANIZATION), &FULL_PURSE); break;
    case 10: if (fake_open_call(FAKE_CANCEL)) fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){
                 .acknowledged = true, .http_status = 204 }); break;
    default: turns(1); break;
    }
    if (step % 100 == 50) {
        char generation[16];
        snprintf(generation, sizeof generation, "w%d", (int)choose(WALK_JOBS));
        put_cancel(generation, "ann");
    }
}

/* Kills, lost partitions, aborted transactions and any answer in any order: at most one call per generation may have made a
 * task (two when the policy says so), and each ends once. */
static void walk(const char *policy, int most_paid)
{
    begin(policy);
    fake.on_step = only_time_passes;
    memset(paid, 0, sizeof paid);
    submitted = 0;
    char generation[16];
    for (int i = 0; i < WALK_JOBS; i++) {
        snprintf(generation, sizeof generation, "w%d", i);
        put_job(generation, "ann");
    }
    for (int step = 0; step < WALK_STEPS; step++)
        walk_step(step);
    fake.hold_commits = false;
    fake_assign();
    for (int i = 0; i < 400; i++) {
        walk_answer(&SUBMITTED);
        if (fake_open_call(FAKE_CANCEL))
            fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){
                .acknowledged = true, .http_status = 204 });
        if (fake_open_call(FAKE_ORGANIZATION))
            fake_answer_organization(fake_open_call(FAKE_ORGANIZATION), &FULL_PURSE);
        pass(1000);
    }
    for (int i = 0; i < WALK_JOBS; i++) {
        snprintf(generation, sizeof generation, "w%d", i);
        ck_assert_int_eq(ends(generation), 1);
        ck_assert_int_le(paid[i], most_paid);
    }
    /* Every task that was made is followed by the poller or was deleted. */
    ck_assert_int_eq(submitted, fake_count(EVENT_GENERATION_TASK, NULL) + (int)orphans("outcome=\"deleted\""));
    for (int i = 0; i < fake.item_count; i++)
        ck_assert(fake.items[i].done);
    end();
}

START_TEST(whatever_happens_each_job_ends_once)
{
    walk_seed = (uint64_t)_i;
    walk(_i % 2 ? "resubmit" : "fail", _i % 2 ? 2 : 1);
}
END_TEST

CHECK_MAIN("generator scenes",
    tcase_add_test(tests, no_post_before_its_intent_is_committed);
    tcase_add_test(tests, an_aborted_end_is_written_again_and_posts_nothing);
    tcase_add_test(tests, no_more_calls_at_once_than_allowed_and_users_take_turns);
    tcase_add_test(tests, what_was_not_made_is_tried_again_with_a_new_intent);
    tcase_add_test(tests, a_refusal_fails_with_the_providers_words_and_costs_nothing);
    tcase_add_loop_test(tests, an_unknown_submission_ends_by_policy_and_never_beyond, 0, ROWS(unknowns));
    tcase_add_test(tests, a_pause_between_intent_and_post_closes_the_intent);
    tcase_add_test(tests, past_its_deadline_a_job_without_a_task_fails);
    tcase_add_test(tests, without_credit_jobs_wait_beyond_their_deadline_and_nobody_fails);
    tcase_add_test(tests, a_second_job_of_the_same_user_leaves_no_trace);
    tcase_add_test(tests, a_second_user_of_an_id_is_told_and_released);
    tcase_add_test(tests, a_waiting_job_is_cancelled_without_a_call);
    tcase_add_test(tests, a_cancel_that_meets_an_unused_intent_wins);
    tcase_add_test(tests, a_cancel_during_the_call_goes_on_behind_the_task);
    tcase_add_test(tests, a_cancel_behind_the_end_follows_the_task);
    tcase_add_test(tests, a_strangers_cancel_changes_nothing);
    tcase_add_test(tests, an_open_call_is_found_again_after_a_rebalance);
    tcase_add_test(tests, an_answer_between_two_assignments_waits_for_its_job);
    tcase_add_test(tests, a_job_that_never_comes_back_leaves_an_orphan_that_is_deleted);
    tcase_add_loop_test(tests, an_answer_whose_end_was_refused_is_an_orphan_and_a_doubtful_one_is_left, 0, ROWS(refused));
    tcase_add_test(tests, a_rebalance_waits_for_open_calls_and_commits_them);
    tcase_add_test(tests, a_rebalance_waits_no_longer_than_it_may_and_starts_nothing);
    tcase_add_test(tests, an_intent_on_its_way_at_a_rebalance_is_closed_not_left_open);
    tcase_add_loop_test(tests, a_former_owners_intent_is_waited_out_and_then_unknown, 0, ROWS(strangers));
    tcase_add_test(tests, a_cancelled_doubt_is_not_submitted_again);
    tcase_add_test(tests, asked_to_stop_it_ends_open_calls_and_starts_none);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, whatever_happens_each_job_ends_once, 0, 20);)
