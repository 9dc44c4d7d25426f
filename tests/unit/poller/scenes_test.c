/* The whole poller over a work set and a provider in memory: one promise a test. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poller/poller.h"
#include "poller/task.h"
#include "unit/check_main.h"
#include "unit/generator/workset_fake.h"
#include "worker/metrics.h"

static char health[2][80];       /* the reasons of "runway" and "runway_tasks"; empty: fine */

void health_part(struct health *self, const char *part, const char *reason)
{
    (void)self;
    snprintf(health[strcmp(part, "runway") != 0], sizeof health[0], "%s", reason ? reason : "");
}

static struct poller_settings settings;
static struct metrics *metrics;
static struct poller *poller;

static void begin(void)
{
    char error[POLICY_ERROR_BYTES];
    fake_reset();
    memset(health, 0, sizeof health);
    settings = (struct poller_settings){
        .provider = { .base_url = "http://127.0.0.1:1", .key = "key", .probe_ms = 5000 },
        .policy_path = "deploy/policy.json", .max_in_flight = 8, .looks_per_second = 100,
            .look_every_ms = 5000,
        .look_timeout_ms = 20000, .missing_confirm_ms = 120000, .revoke_ms = 2000,
            .rewrite_after_ms = 3600000, .progress_step = 10, .progress_every_ms = 10000 };
    struct policy *policy = policy_read(settings.policy_path, error);
    ck_assert_msg(policy != NULL, "%s", error);
    metrics = metrics_open();
    poller = poller_open(&settings, &policy, metrics, NULL);
}

static void end(void)
{
    fake.on_step = NULL;
    poller_close(&poller);
    metrics_close(&metrics);
    fake_reset();
}

static void turns(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(poller_turn(poller), TROUBLE_NONE);
}

static void pass(int64_t duration_ms)
{
    for (int64_t left_ms = duration_ms; left_ms > 0; left_ms -= 100) {
        fake_pass(100);
        turns(1);
    }
}

static struct fake_item *put_task_of(const char *generation, const char *task, const char *user)
{
    struct event event;
    event_init(&event, EVENT_GENERATION_TASK);
    event.generation_id = generation;
    event.user_id = user;
    event.project_id = "p1";
    event.task_id = task;
    event.model = "gen4.5";
    event.required_tokens = 3;
    event.accepted_at = fake.wall_ms - 1000;
    event.submitted_at = fake.wall_ms;
    event.deadline_at = fake.wall_ms + 600000;
    return fake_put(&event);
}

static struct fake_item *put_task(const char *generation, const char *task)
{
    return put_task_of(generation, task, "ann");
}

static struct fake_item *put_cancel(const char *generation, const char *user)
{
    struct event cancel;
    event_init(&cancel, EVENT_GENERATION_CANCEL_REQUESTED);
    cancel.generation_id = generation;
    cancel.user_id = user;
    return fake_put(&cancel);
}

#define ANSWER .http_status = 200, .progress = -1, .credits = -1, .retry_after_ms = -1
static const struct runway_look_answer RUNNING = { .look = RUNWAY_TASK, .status = RUNWAY_RUNNING, ANSWER };
static const struct runway_look_answer SUCCEEDED = { .look = RUNWAY_TASK, .status = RUNWAY_SUCCEEDED,
                                                     .output_count = 1,
    .outputs = { "https://d.example/v.mp4?_jwt=a.b.c" }, .http_status = 200, .progress = -1, .credits = 25,
    .retry_after_ms = -1 };
static const struct runway_look_answer FAILED = { .look = RUNWAY_TASK, .status = RUNWAY_FAILED,
                                                  .failure = "it is \"bad\"",
    .failure_code = "INTERNAL.BAD_OUTPUT.CODE01", .http_status = 200, .progress = -1, .credits = 0,
        .retry_after_ms = -1 };
static const struct runway_look_answer STRANGE = { .look = RUNWAY_TASK, .status = RUNWAY_STATUS_UNKNOWN,
    .status_text = "DREAMING", ANSWER };
static const struct runway_look_answer MISSING = { .look = RUNWAY_MISSING, .http_status = 404,
                                                   .progress = -1, .credits = -1,
    .retry_after_ms = -1 };
static const struct runway_look_answer DENIED = { .look = RUNWAY_LOOK_OPERATOR, .http_status = 401,
                                                  .progress = -1,
    .credits = -1, .retry_after_ms = -1, .message = "key disabled" };
static const struct runway_look_answer AWAY = { .look = RUNWAY_LATER, .http_status = 502, .progress = -1,
                                                .credits = -1,
    .retry_after_ms = -1 };
static const struct runway_cancel_answer GONE = { .acknowledged = true, .http_status = 204,
                                                  .retry_after_ms = -1 };
static const struct runway_cancel_answer NOT_NOW = { .http_status = 503, .retry_after_ms = -1 };

/* Waits for the next look and answers it. */
static void look(const struct runway_look_answer *answer)
{
    for (int i = 0; i < 5000 && !fake_open_call(FAKE_LOOK); i++)
        pass(100);
    fake_answer_look(fake_open_call(FAKE_LOOK), answer);
    turns(2);
}

static int ends(const char *generation)
{
    return fake_count(EVENT_GENERATION_COMPLETED, generation) + fake_count(EVENT_GENERATION_FAILED,
                                                                           generation) +
           fake_count(EVENT_GENERATION_CANCELLED, generation);
}

static bool says(enum event_type type, const char *generation, const char *words)
{
    const char *json = fake_json(type, generation);
    return json && strstr(json, words);
}

START_TEST(a_finished_video_is_announced_with_all_that_is_known)
{
    begin();
    put_task("g1", "task-1");
    look(&RUNNING);
    look(&STRANGE);
    ck_assert_int_eq(ends("g1"), 0);
    look(&SUCCEEDED);
    ck_assert(says(EVENT_GENERATION_COMPLETED, "g1", "\"output\":[\"https://d.example/v.mp4?_jwt=a.b.c\"]"));
    ck_assert(says(EVENT_GENERATION_COMPLETED, "g1", "\"requiredTokens\":3"));
    ck_assert(says(EVENT_GENERATION_COMPLETED, "g1", "\"providerCredits\":25"));
    ck_assert(says(EVENT_GENERATION_COMPLETED, "g1", "\"renderMs\""));
    ck_assert(says(EVENT_GENERATION_COMPLETED, "g1", "\"progress\":1"));
    ck_assert(says(EVENT_GENERATION_COMPLETED, "g1", "\"projectId\":\"p1\""));
    ck_assert_int_eq(ends("g1"), 1);
    ck_assert(fake.items[0].done);
    end();
}
END_TEST

START_TEST(progress_is_told_while_it_renders_and_never_after_its_end)
{
    begin();
    put_task("g1", "task-1");
    struct runway_look_answer running = RUNNING;
    for (int i = 0; i < 8; i++) {            /* a look each five seconds, told each ten */
        running.progress = 0.1 * i;
        look(&running);
    }
    ck_assert_int_eq(fake_count(EVENT_GENERATION_PROGRESSED, "g1"), 4);
    ck_assert(says(EVENT_GENERATION_PROGRESSED, "g1", "\"progress\":0.6"));
    ck_assert(says(EVENT_GENERATION_PROGRESSED, "g1", "\"taskId\":\"task-1\""));
    ck_assert(says(EVENT_GENERATION_PROGRESSED, "g1", "\"queueMs\":1000"));
    fake.hold_commits = true;                /* a note waits when the end comes */
    running.progress = 0.9;
    look(&running);
    look(&SUCCEEDED);
    fake.hold_commits = false;
    turns(2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_PROGRESSED, "g1"), 4);
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(a_failure_comes_with_its_code_and_costs_nothing)
{
    struct runway_look_answer half = RUNNING;
    half.progress = 0.5;
    begin();
    put_task("g1", "task-1");
    look(&half);
    look(&RUNNING);                          /* says nothing of its progress: what was said stands */
    look(&FAILED);
    ck_assert(says(EVENT_GENERATION_FAILED, "g1", "\"progress\":0.5"));
    ck_assert(says(EVENT_GENERATION_FAILED, "g1", "\"failureCode\":\"INTERNAL.BAD_OUTPUT.CODE01\""));
    ck_assert(says(EVENT_GENERATION_FAILED, "g1", "it is \\\"bad\\\""));
    ck_assert(says(EVENT_GENERATION_FAILED, "g1", "\"charge\":0"));
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(no_task_is_looked_at_more_often_than_allowed)
{
    begin();
    put_task("g1", "task-1");
    int64_t last_ms = fake.mono_ms;
    for (int i = 0; i < 12; i++) {
        look(&RUNNING);
        ck_assert_int_ge(fake.mono_ms - last_ms, 5000);
        ck_assert_int_le(fake.mono_ms - last_ms, 6000);
        last_ms = fake.mono_ms;
    }
    end();
}
END_TEST

START_TEST(past_its_deadline_only_an_acknowledged_delete_ends_it)
{
    begin();
    put_task("g1", "task-1");
    look(&RUNNING);
    fake_pass(700000);
    look(&RUNNING);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &NOT_NOW);
    turns(3);
    ck_assert_int_eq(ends("g1"), 0);
    look(&RUNNING);                          /* looked at again right before the next one */
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 2);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &GONE);
    turns(2);
    ck_assert(says(EVENT_GENERATION_FAILED, "g1", "deadline_exceeded"));
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(a_video_that_is_finished_by_then_is_delivered_not_deleted)
{
    begin();
    put_task("late", "task-1");
    put_task("unwanted", "task-2");
    put_cancel("unwanted", "ann");
    fake_pass(700000);
    look(&SUCCEEDED);
    look(&SUCCEEDED);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, NULL), 0);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_COMPLETED, NULL), 2);
    ck_assert(fake.items[2].done);
    end();
}
END_TEST

START_TEST(a_cancel_deletes_what_runs_and_ends_with_it)
{
    begin();
    put_task("g1", "task-1");
    look(&RUNNING);
    put_cancel("g1", "ann");
    turns(2);
    ck_assert(!fake.items[1].done);
    look(&RUNNING);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &GONE);
    turns(2);
    ck_assert(says(EVENT_GENERATION_CANCELLED, "g1", "cancelled_by_user"));
    ck_assert(fake.items[0].done && fake.items[1].done);
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

static void put_orphan(const char *generation, const char *task)
{
    struct event word;
    event_init(&word, EVENT_GENERATION_SUBMISSION_SETTLED);
    word.generation_id = generation;
    word.user_id = "ann";
    word.task_id = task;
    fake_put(&word);
}

START_TEST(an_orphan_is_deleted_until_it_is_acknowledged_and_nobody_is_told)
{
    begin();
    put_orphan("g1", "task-lost");
    pass(500);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-lost"), 1);
    ck_assert_int_eq(fake_calls(FAKE_LOOK, NULL), 0);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &NOT_NOW);
    fake_revoke(true);                       /* another owner goes on with it */
    fake_assign();
    pass(500);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &GONE);
    turns(2);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-lost"), 2);
    ck_assert(fake.items[0].done);
    ck_assert_int_eq(fake.event_count, 0);
    ck_assert_double_eq(metric_value(metrics_counter(metrics, "reelgate_orphans_total", "outcome=\"deleted\"", "x")),
                        1);
    end();
}
END_TEST

START_TEST(a_task_that_is_followed_is_no_orphan)
{
    begin();
    put_orphan("g1", "task-1");              /* before it and behind it: both are known before either is judged */
    put_task("g1", "task-1");
    put_orphan("g1", "task-1");
    pass(1000);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, NULL), 0);
    ck_assert(fake.items[0].done && fake.items[2].done);
    look(&SUCCEEDED);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_COMPLETED, "g1"), 1);
    end();
}
END_TEST

START_TEST(a_cancel_survives_a_restart)
{
    begin();
    put_task("g1", "task-1");
    put_cancel("g1", "ann");
    turns(2);
    fake_revoke(true);
    turns(1);
    fake_assign();
    look(&RUNNING);                          /* asked in the former life: nobody's */
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 0);
    look(&RUNNING);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-1"), 1);
    end();
}
END_TEST

START_TEST(a_cancel_without_a_task_is_dropped_and_so_is_a_strangers)
{
    begin();
    put_cancel("g0", "ann");
    put_task("g1", "task-1");
    put_cancel("g1", "eve");
    turns(3);
    ck_assert(fake.items[0].done && fake.items[2].done);
    look(&RUNNING);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, NULL), 0);
    ck_assert_int_eq(fake.event_count, 0);
    end();
}
END_TEST

START_TEST(a_lost_acknowledgement_is_asked_for_again)
{
    begin();
    put_task("g1", "task-1");
    put_cancel("g1", "ann");
    look(&RUNNING);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){ .retry_after_ms = -1,
                                                                                    .message = "cut" });
    look(&MISSING);                          /* it was taken after all */
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){ .acknowledged = true,
                                                                                    .missing = true,
                                                                                      .http_status = 404 });
    turns(2);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCELLED, "g1"), 1);
    end();
}
END_TEST

START_TEST(a_missing_task_ends_only_when_it_still_is_and_the_key_is_good)
{
    begin();
    put_task("g1", "task-1");
    look(&RUNNING);
    look(&MISSING);
    pass(60000);
    ck_assert_int_eq(ends("g1"), 0);
    look(&MISSING);
    ck_assert(says(EVENT_GENERATION_FAILED, "g1", "task_missing"));
    end();
}
END_TEST

START_TEST(a_key_that_never_showed_a_task_ends_none)
{
    begin();
    put_task("g1", "task-1");
    for (int i = 0; i < 5; i++)
        look(&MISSING);
    ck_assert_int_eq(ends("g1"), 0);
    ck_assert_str_ne(health[1], "");         /* the operator is told */
    look(&SUCCEEDED);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_COMPLETED, "g1"), 1);
    ck_assert_str_eq(health[1], "");
    end();
}
END_TEST

START_TEST(many_missing_tasks_are_held)
{
    begin();
    char generation[16];
    for (int i = 0; i < 20; i++) {
        snprintf(generation, sizeof generation, "g%d", i);
        put_task(generation, generation);
    }
    look(&RUNNING);
    for (int i = 0; i < 200; i++)
        look(&MISSING);
    ck_assert_int_eq(fake.event_count, 0);
    end();
}
END_TEST

START_TEST(a_refused_key_stops_all_looks_but_the_probe)
{
    begin();
    char generation[16];
    for (int i = 0; i < 20; i++) {
        snprintf(generation, sizeof generation, "g%d", i);
        put_task(generation, generation);
    }
    pass(8000);
    while (fake_open_call(FAKE_LOOK))
        fake_answer_look(fake_open_call(FAKE_LOOK), &DENIED);
    int before = fake_calls(FAKE_LOOK, NULL);
    pass(20000);
    ck_assert_int_eq(fake_calls(FAKE_LOOK, NULL), before);
    ck_assert_str_ne(health[0], "");
    fake_answer_organization(fake_open_call(FAKE_ORGANIZATION), &(struct runway_organization_answer){
        .answered = true, .http_status = 200 });
    ck_assert_str_eq(health[0], "");
    pass(2000);
    ck_assert_int_eq(fake_calls(FAKE_LOOK, NULL), before + 1);       /* one goes ahead */
    look(&RUNNING);
    pass(2000);
    ck_assert_int_gt(fake_calls(FAKE_LOOK, NULL), before + 2);
    ck_assert_int_eq(fake.event_count, 0);
    end();
}
END_TEST

START_TEST(a_provider_that_is_away_ends_nothing)
{
    begin();
    put_task("g1", "task-1");
    fake_pass(700000);                       /* past its deadline, too */
    for (int i = 0; i < 30; i++)
        look(&AWAY);
    ck_assert_int_eq(fake.event_count, 0);
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, NULL), 0);
    look(&SUCCEEDED);
    ck_assert_int_eq(fake_count(EVENT_GENERATION_COMPLETED, "g1"), 1);
    end();
}
END_TEST

START_TEST(a_second_record_of_a_generation_leaves_no_trace)
{
    begin();
    put_task("g1", "task-1");
    put_task("g1", "task-1");
    turns(3);
    ck_assert(!fake.items[0].done && fake.items[1].done);
    look(&SUCCEEDED);
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

START_TEST(the_same_id_of_another_user_has_an_end_of_its_own)
{
    begin();
    put_task_of("g1", "task-1", "ann");
    put_task_of("g1", "task-2", "bob");
    put_cancel("g1", "bob");
    look(&RUNNING);                          /* bob's: it is looked at at once, since he no longer wants it */
    ck_assert_int_eq(fake_calls(FAKE_CANCEL, "task-2"), 1);
    fake_answer_cancel(fake_open_call(FAKE_CANCEL), &GONE);
    look(&SUCCEEDED);
    ck_assert(says(EVENT_GENERATION_CANCELLED, "g1", "\"bob\""));
    ck_assert(says(EVENT_GENERATION_COMPLETED, "g1", "\"ann\""));
    end();
}
END_TEST

START_TEST(an_answer_for_a_task_that_was_taken_away_is_nobodys)
{
    begin();
    put_task("g1", "task-1");
    pass(8000);
    ck_assert_ptr_nonnull(fake_open_call(FAKE_LOOK));
    fake_revoke(true);
    fake_answer_look(fake_open_call(FAKE_LOOK), &SUCCEEDED);
    turns(3);
    ck_assert_int_eq(fake.event_count, 0);
    fake_assign();
    look(&SUCCEEDED);
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

static void acknowledge(void)
{
    if (fake_open_call(FAKE_CANCEL))
        fake_answer_cancel(fake_open_call(FAKE_CANCEL), &GONE);
    fake_pass(50);
}

START_TEST(a_rebalance_waits_for_an_open_delete)
{
    begin();
    put_task("g1", "task-1");
    put_cancel("g1", "ann");
    look(&RUNNING);
    fake.on_step = acknowledge;
    fake_revoke(false);
    fake.on_step = NULL;
    ck_assert_int_eq(fake_count(EVENT_GENERATION_CANCELLED, "g1"), 1);
    end();
}
END_TEST

START_TEST(asked_to_stop_it_starts_no_look)
{
    begin();
    put_task("g1", "task-1");
    pass(8000);
    poller_drain(poller);
    ck_assert(!poller_drained(poller));
    fake_answer_look(fake_open_call(FAKE_LOOK), &SUCCEEDED);
    turns(2);
    ck_assert(poller_drained(poller));
    ck_assert_int_eq(ends("g1"), 1);
    end();
}
END_TEST

/* Design section 8: at most 300 bytes a task beside its ids. Counted as malloc counts, with the heap's
 * slot and the work set's table (filled by three quarters at most, doubled when full: 8 bytes over 3/8). */
START_TEST(a_live_task_is_small)
{
    begin();
    struct fake_item *item = put_task("01980a2c-7e4f-7b51-9d7e-0123456789ab",
                                      "17f20503-6c24-4c16-946b-35dbbce2af2f");
    turns(1);
    struct task *task = (struct task *)item->live;
    size_t ids = strlen(task->item.key) + strlen(task_id(task)) + strlen(task_user(task)) +
                 strlen(task_project(task));
    size_t block = malloc_usable_size(task) + sizeof(size_t);
    size_t all = block + sizeof(void *) + sizeof(void *) * 8 / 3;
    printf("a live task: struct %zu bytes, block %zu, with heap slot and table %zu, of that its ids %zu, so "
           "%zu beside them\n",
           sizeof(struct task), block, all, ids, all - ids);
    ck_assert_uint_le(all - ids, 300);
    end();
}
END_TEST

CHECK_MAIN("poller scenes",
    tcase_add_test(tests, a_finished_video_is_announced_with_all_that_is_known);
    tcase_add_test(tests, progress_is_told_while_it_renders_and_never_after_its_end);
    tcase_add_test(tests, a_failure_comes_with_its_code_and_costs_nothing);
    tcase_add_test(tests, no_task_is_looked_at_more_often_than_allowed);
    tcase_add_test(tests, past_its_deadline_only_an_acknowledged_delete_ends_it);
    tcase_add_test(tests, a_video_that_is_finished_by_then_is_delivered_not_deleted);
    tcase_add_test(tests, a_cancel_deletes_what_runs_and_ends_with_it);
    tcase_add_test(tests, an_orphan_is_deleted_until_it_is_acknowledged_and_nobody_is_told);
    tcase_add_test(tests, a_task_that_is_followed_is_no_orphan);
    tcase_add_test(tests, a_cancel_survives_a_restart);
    tcase_add_test(tests, a_cancel_without_a_task_is_dropped_and_so_is_a_strangers);
    tcase_add_test(tests, a_lost_acknowledgement_is_asked_for_again);
    tcase_add_test(tests, a_missing_task_ends_only_when_it_still_is_and_the_key_is_good);
    tcase_add_test(tests, a_key_that_never_showed_a_task_ends_none);
    tcase_add_test(tests, many_missing_tasks_are_held);
    tcase_add_test(tests, a_refused_key_stops_all_looks_but_the_probe);
    tcase_add_test(tests, a_provider_that_is_away_ends_nothing);
    tcase_add_test(tests, a_second_record_of_a_generation_leaves_no_trace);
    tcase_add_test(tests, the_same_id_of_another_user_has_an_end_of_its_own);
    tcase_add_test(tests, an_answer_for_a_task_that_was_taken_away_is_nobodys);
    tcase_add_test(tests, a_rebalance_waits_for_an_open_delete);
    tcase_add_test(tests, asked_to_stop_it_starts_no_look);
    tcase_add_test(tests, a_live_task_is_small);)
