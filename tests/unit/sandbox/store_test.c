/* The sandbox's tasks through time, its lanes and its money. Time is a number here. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/schedule.h"
#include "sandbox/store.h"
#include "unit/check_main.h"

static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;
enum { START_MS = 1000000 };

static struct store *open_store(int64_t concurrency, int64_t daily, int64_t credits)
{
    return store_open(&(struct store_limits){ .run_ms = 1000, .pending_ms = 100, .concurrency = concurrency,
                                              .daily = daily, .credits = credits, .retention_ms = DAY_MS });
}

static struct task *make(struct store *store, const char *prompt, int64_t now_ms)
{
    struct task *task = NULL;
    const struct wish wish = { model_find("/v1/text_to_video", "gen4.5"), prompt, 60 };
    ck_assert_int_eq(store_create(store, &wish, &task, now_ms), CREATE_MADE);
    return task;
}

static int64_t used(const struct store *store)
{
    int64_t credits = 0;
    for (size_t i = 0; i < store_usage(store)->count; i++) credits += store_usage(store)->rows[i].credits;
    return credits;
}

/* ---- one task through time */

static const struct { const char *prompt; int64_t after_ms; enum task_status status; int64_t cost; } lives[] =
    {
    { "", 0, TASK_PENDING, 0 },
    { "", 99, TASK_PENDING, 0 },
    { "", 100, TASK_RUNNING, 0 },
    { "", 1099, TASK_RUNNING, 0 },
    { "", 1100, TASK_SUCCEEDED, 60 },
    { "[run:2s]", 2099, TASK_RUNNING, 0 },
    { "[run:2s] [pending:1s]", 3000, TASK_SUCCEEDED, 60 },
    { "[fail:INTERNAL]", 1100, TASK_FAILED, 0 },
    { "[fail:null]", 1100, TASK_FAILED, 0 },
    { "[fail:SAFETY.INPUT.TEXT]", 1100, TASK_FAILED, 60 },
    { "[fail:SAFETY.INPUT.TEXT] [cost:12]", 1100, TASK_FAILED, 12 },
    { "[cost:999]", 1100, TASK_SUCCEEDED, 60 },          /* never more than was estimated */
    { "[cancelled]", 1100, TASK_CANCELLED, 60 },
};

START_TEST(a_task_lives_by_its_times)
{
    struct store *store = open_store(5, 100, 1000);
    struct task *task = make(store, lives[_i].prompt, START_MS);
    ck_assert_int_eq(store_balance(store), 940);
    store_advance(store, START_MS + lives[_i].after_ms);
    ck_assert_int_eq(task->status, lives[_i].status);
    if (task_ended(task)) {
        ck_assert_int_eq(task->cost, lives[_i].cost);
        ck_assert_int_eq(store_balance(store), 1000 - lives[_i].cost);
    }
    ck_assert_int_eq(store_balance(store) + used(store), 1000);
    store_close(&store);
}
END_TEST

/* ---- lanes */

START_TEST(over_the_concurrency_tasks_wait_their_turn)
{
    struct store *store = open_store(2, 100, 1000);
    struct task *tasks[5];
    for (int i = 0; i < 5; i++) tasks[i] = make(store, "", START_MS + i);
    for (int i = 0; i < 5; i++) ck_assert_int_eq(tasks[i]->status, i < 2 ? TASK_PENDING : TASK_THROTTLED);
    store_advance(store, START_MS + 1100);               /* the first ended: the third begins at that time */
    ck_assert_int_eq(tasks[0]->status, TASK_SUCCEEDED);
    ck_assert_int_eq(tasks[2]->status, TASK_PENDING);
    ck_assert_int_eq(tasks[3]->status, TASK_THROTTLED);
    store_advance(store, START_MS + 100000);             /* one look after a long time: all in their order */
    for (int i = 0; i < 5; i++) ck_assert_int_eq(tasks[i]->status, TASK_SUCCEEDED);
    ck_assert_int_eq(tasks[4]->ended_ms, START_MS + 3300);
    store_close(&store);
}
END_TEST

START_TEST(another_models_tasks_do_not_wait)
{
    struct store *store = open_store(1, 100, 10000);
    make(store, "", START_MS);
    struct task *other = NULL, *same = NULL;
    const struct wish wishes[] = { { model_find("/v1/text_to_video", "veo3.1"), "", 1 },
                                   { model_find("/v1/image_to_video", "gen4.5"), "", 1 } };
    store_create(store, &wishes[0], &other, START_MS);
    store_create(store, &wishes[1], &same, START_MS);
    ck_assert_int_eq(other->status, TASK_PENDING);
    ck_assert_int_eq(same->status, TASK_THROTTLED);      /* one model, whatever the endpoint */
    store_close(&store);
}
END_TEST

START_TEST(a_raised_limit_lets_the_waiting_in)
{
    struct store *store = open_store(1, 100, 1000);
    make(store, "", START_MS);
    struct task *waiting = make(store, "", START_MS);
    store_limits(store)->concurrency = 2;
    store_advance(store, START_MS + 1);
    ck_assert_int_eq(waiting->status, TASK_PENDING);
    store_close(&store);
}
END_TEST

/* ---- delete: the refund is by what the server sees */

static const struct { int64_t after_ms; int64_t balance; } deletes[] = {
    { 0, 1000 }, { 99, 1000 }, { 100, 940 }, { 1099, 940 }, { 1100, 940 },
};

START_TEST(only_what_does_not_run_yet_is_refunded)
{
    struct store *store = open_store(1, 100, 1000);
    struct task *task = make(store, "", START_MS);
    char id[UUID_BYTES];
    strcpy(id, task->id);
    store_advance(store, START_MS + deletes[_i].after_ms);
    store_delete(store, task, START_MS + deletes[_i].after_ms);
    ck_assert_int_eq(store_balance(store), deletes[_i].balance);
    ck_assert_ptr_null(store_find(store, id));
    ck_assert_int_eq(store_balance(store) + used(store), 1000);
    store_close(&store);
}
END_TEST

START_TEST(a_deleted_task_makes_room)
{
    struct store *store = open_store(1, 100, 1000);
    struct task *first = make(store, "", START_MS), *second = make(store, "", START_MS);
    struct task *third = make(store, "", START_MS);
    store_delete(store, second, START_MS);               /* THROTTLED: never had a place */
    ck_assert_int_eq(third->status, TASK_THROTTLED);
    store_delete(store, first, START_MS);
    ck_assert_int_eq(third->status, TASK_PENDING);
    store_close(&store);
}
END_TEST

/* ---- limits */

START_TEST(the_daily_count_rolls)
{
    struct store *store = open_store(5, 2, 1000);
    struct task *task;
    const struct wish wish = { model_find("/v1/text_to_video", "gen4.5"), "", 60 };
    make(store, "", START_MS);
    make(store, "", START_MS + 1000);
    ck_assert_int_eq(store_create(store, &wish, &task, START_MS + 2000), CREATE_DAILY_LIMIT);
    ck_assert_int_eq(store_daily(store, wish.model), 2);
    store_advance(store, START_MS + DAY_MS);             /* the first is a day old now, the second is not */
    make(store, "", START_MS + DAY_MS);
    ck_assert_int_eq(store_create(store, &wish, &task, START_MS + DAY_MS), CREATE_DAILY_LIMIT);
    store_close(&store);
}
END_TEST

START_TEST(credits_are_never_overdrawn)
{
    struct store *store = open_store(5, 100, 119);
    struct task *task;
    const struct wish wish = { model_find("/v1/text_to_video", "gen4.5"), "", 60 };
    make(store, "", START_MS);
    ck_assert_int_eq(store_create(store, &wish, &task, START_MS), CREATE_NO_CREDITS);
    store_add_credits(store, 1);
    make(store, "", START_MS);
    ck_assert_int_eq(store_balance(store), 0);
    store_close(&store);
}
END_TEST

START_TEST(ended_tasks_are_forgotten_in_time)
{
    struct store *store = open_store(5, 100, 1000);
    char id[UUID_BYTES];
    strcpy(id, make(store, "", START_MS)->id);
    store_advance(store, START_MS + 1100 + DAY_MS - 1);
    ck_assert_ptr_nonnull(store_find(store, id));
    store_advance(store, START_MS + 1100 + DAY_MS);
    ck_assert_ptr_null(store_find(store, id));
    ck_assert(TAILQ_EMPTY(store_tasks(store)));
    store_close(&store);
}
END_TEST

START_TEST(the_same_wish_twice_is_two_tasks)
{
    struct store *store = open_store(5, 100, 1000);
    const struct task *one = make(store, "same", START_MS), *two = make(store, "same", START_MS);
    ck_assert_ptr_ne(one, two);
    ck_assert_str_ne(one->id, two->id);
    store_close(&store);
}
END_TEST

/* ---- the schedule against a plain search */

enum { TASKS = 200, STEPS = 5000 };

START_TEST(the_first_is_always_the_earliest)
{
    static struct task tasks[TASKS];
    struct schedule schedule = { 0 };
    srand(7);
    for (int step = 0; step < STEPS; step++) {
        struct task *task = &tasks[rand() % TASKS];
        if (rand() % 3 == 0) {
            schedule_take(&schedule, task);
        } else {
            task->due_ms = rand() % 1000;                /* also while it is in there */
            schedule_put(&schedule, task);
        }
        int64_t earliest = INT64_MAX;
        for (int i = 0; i < TASKS; i++)
            if (tasks[i].place > 0 && tasks[i].due_ms < earliest) earliest = tasks[i].due_ms;
        const struct task *first = schedule_first(&schedule);
        ck_assert_int_eq(first ? first->due_ms : INT64_MAX, earliest);
    }
    schedule_free(&schedule);
}
END_TEST

CHECK_MAIN("sandbox store",
    tcase_add_loop_test(tests, a_task_lives_by_its_times, 0, ROWS(lives));
    tcase_add_test(tests, over_the_concurrency_tasks_wait_their_turn);
    tcase_add_test(tests, another_models_tasks_do_not_wait);
    tcase_add_test(tests, a_raised_limit_lets_the_waiting_in);
    tcase_add_loop_test(tests, only_what_does_not_run_yet_is_refunded, 0, ROWS(deletes));
    tcase_add_test(tests, a_deleted_task_makes_room);
    tcase_add_test(tests, the_daily_count_rolls);
    tcase_add_test(tests, credits_are_never_overdrawn);
    tcase_add_test(tests, ended_tasks_are_forgotten_in_time);
    tcase_add_test(tests, the_same_wish_twice_is_two_tasks);
    tcase_add_test(tests, the_first_is_always_the_earliest);)
