#include <stdio.h>
#include <string.h>

#include "generator/lane.h"
#include "unit/check_main.h"

enum { USERS = 40, JOBS = 25 };

struct waiting { struct turn turn; int user, number; };

static const char *user_name(int user)
{
    static char name[32];
    snprintf(name, sizeof name, "user-%d", user);
    return name;
}

START_TEST(users_take_turns_and_each_is_served_in_order)
{
    static struct waiting jobs[USERS][JOBS];
    struct turns turns = { 0 };
    for (int user = 0; user < USERS; user++)
        for (int i = 0; i < JOBS; i++) {
            jobs[user][i] = (struct waiting){ .user = user, .number = i };
            turns_add(&turns, &jobs[user][i].turn, user_name(user));
        }
    ck_assert_uint_eq(turns.waiting, USERS * JOBS);
    for (int i = 0; i < JOBS; i++)
        for (int user = 0; user < USERS; user++) {
            struct waiting *next = (struct waiting *)turns_take(&turns);
            ck_assert_int_eq(next->user, user);
            ck_assert_int_eq(next->number, i);
        }
    ck_assert_ptr_null(turns_take(&turns));
    turns_free(&turns);
}
END_TEST

START_TEST(one_job_of_a_late_user_does_not_wait_behind_a_thousand_of_another)
{
    static struct waiting many[1000];
    struct waiting late = { .user = 1 };
    struct turns turns = { 0 };
    for (int i = 0; i < ROWS(many); i++)
        turns_add(&turns, &many[i].turn, "busy");
    turns_take(&turns);
    turns_add(&turns, &late.turn, "late");
    int taken = 1;
    while (turns_take(&turns) != &late.turn)
        taken++;
    ck_assert_int_le(taken, 2);
    while (turns_take(&turns))
        taken++;
    ck_assert_int_eq(taken, 1 + 999);        /* late itself, and all that were still there */
    turns_free(&turns);
}
END_TEST

START_TEST(a_turn_in_vain_is_the_users_next_one)
{
    struct waiting jobs[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
    struct turns turns = { 0 };
    for (int i = 0; i < 3; i++)
        turns_add(&turns, &jobs[i].turn, "ann");
    struct turn *first = turns_take(&turns);
    turns_add_first(&turns, first, "ann");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(((struct waiting *)turns_take(&turns))->number, i);
    turns_free(&turns);
}
END_TEST

START_TEST(any_waiting_job_can_be_taken_out)
{
    for (int out = 0; out < 6; out++) {
        struct waiting jobs[6];
        struct turns turns = { 0 };
        for (int i = 0; i < 6; i++) {
            jobs[i] = (struct waiting){ .user = i % 2, .number = i };
            turns_add(&turns, &jobs[i].turn, user_name(i % 2));
        }
        turns_remove(&turns, &jobs[out].turn);
        int left = 0;
        for (struct turn *turn; (turn = turns_take(&turns)) != NULL; left++)
            ck_assert_ptr_ne(turn, &jobs[out].turn);
        ck_assert_int_eq(left, 5);
        turns_free(&turns);
    }
}
END_TEST

START_TEST(a_held_model_holds_no_other)
{
    struct lanes lanes = { 0 };
    struct lane *fast = lanes_of(&lanes, "gen4_turbo"), *full = lanes_of(&lanes, "veo3.1"), *lane = NULL;
    struct waiting jobs[4] = { 0 };
    turns_add(&full->turns, &jobs[0].turn, "ann");
    turns_add(&full->turns, &jobs[1].turn, "bob");
    turns_add(&full->turns, &jobs[2].turn, "cid");
    ck_assert_ptr_nonnull(lanes_take(&lanes, 0, &lane));
    ck_assert_ptr_eq(lane, full);
    lane_held(full, 1000, 60000);
    turns_add(&fast->turns, &jobs[3].turn, "ann");
    ck_assert_ptr_eq(lanes_take(&lanes, 1000, &lane), &jobs[3].turn);
    ck_assert_ptr_null(lanes_take(&lanes, 60999, &lane));
    ck_assert_int_eq(lanes_wait_ms(&lanes, 60000, 5000), 1000);
    ck_assert_ptr_nonnull(lanes_take(&lanes, 61000, &lane));     /* one goes ahead ... */
    ck_assert_ptr_null(lanes_take(&lanes, 61000, &lane));
    lane_taken(full);                                            /* ... and the rest when it was taken */
    ck_assert_ptr_nonnull(lanes_take(&lanes, 61000, &lane));
    ck_assert_uint_eq(lanes_waiting(&lanes), 0);
    lanes_free(&lanes);
}
END_TEST

START_TEST(refusals_of_calls_that_were_open_together_count_once)
{
    struct lanes lanes = { 0 };
    struct lane *lane = lanes_of(&lanes, "gen4_turbo");
    lane->calls_open = 16;
    for (int i = 0; i < 16; i++)
        lane_held(lane, 1000, 0);
    ck_assert_uint_eq(lane->backoff.failures, 1);
    ck_assert_uint_eq(lane->calls_open, 0);
    lane->calls_open = 1;
    lane_held(lane, lane->hold_until_ms, 0);
    ck_assert_uint_eq(lane->backoff.failures, 2);
    lanes_free(&lanes);
}
END_TEST

START_TEST(more_models_than_lanes_share_the_last)
{
    struct lanes lanes = { 0 };
    struct lane *lane = NULL;
    for (int i = 0; i < LANES_MAX + 10; i++)
        lane = lanes_of(&lanes, user_name(i));
    ck_assert_ptr_eq(lane, lanes.all[LANES_MAX - 1]);
    ck_assert_ptr_eq(lanes_of(&lanes, user_name(0)), lanes.all[0]);
    lanes_free(&lanes);
}
END_TEST

CHECK_MAIN("turns",
    tcase_add_test(tests, users_take_turns_and_each_is_served_in_order);
    tcase_add_test(tests, one_job_of_a_late_user_does_not_wait_behind_a_thousand_of_another);
    tcase_add_test(tests, a_turn_in_vain_is_the_users_next_one);
    tcase_add_test(tests, any_waiting_job_can_be_taken_out);
    tcase_add_test(tests, a_held_model_holds_no_other);
    tcase_add_test(tests, refusals_of_calls_that_were_open_together_count_once);
    tcase_add_test(tests, more_models_than_lanes_share_the_last);)
