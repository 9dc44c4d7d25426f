/* Live tasks counted from the topic, our share of the provider's concurrency, and turns in front of it. */
#include <stdio.h>

#include "generator/crowd.h"
#include "unit/check_main.h"

enum { MANY = 10000 };

static void add(struct crowd *crowd, int32_t partition, int64_t offset, struct lane *lane)
{
    char key[32];
    snprintf(key, sizeof key, "g%d-%lld", partition, (long long)offset);
    crowd_add(crowd, partition, &(struct crowd_task){ offset, lane }, key);
}

START_TEST(a_task_lives_from_its_record_to_its_done_mark)
{
    struct lane fast = { 0 }, slow = { 0 };
    struct crowd crowd = { 0 };
    add(&crowd, 0, 10, &fast);
    add(&crowd, 3, 10, &slow);
    add(&crowd, 3, 12, &slow);
    ck_assert_uint_eq(fast.live, 1);
    ck_assert_uint_eq(slow.live, 2);
    crowd_end(&crowd, 3, 10);
    crowd_end(&crowd, 3, 10);                /* a mark of a former life, read again */
    crowd_end(&crowd, 3, 11);                /* a cancel's */
    crowd_end(&crowd, 7, 10);
    ck_assert_uint_eq(slow.live, 1);
    add(&crowd, 3, 12, &slow);               /* read again after a change of reader */
    ck_assert_uint_eq(slow.live, 1);
    crowd_drop(&crowd, 3);
    ck_assert_uint_eq(slow.live, 0);
    ck_assert_uint_eq(fast.live, 1);
    crowd_free(&crowd);
    ck_assert_uint_eq(fast.live, 0);
}
END_TEST

START_TEST(one_that_we_hand_on_counts_at_once_and_once)
{
    struct lane lane = { 0 };
    struct crowd crowd = { 0 };
    crowd_hand_on(&crowd, 1, &lane, "mine");
    crowd_hand_on(&crowd, 1, &lane, "lost");
    ck_assert_uint_eq(lane.live, 2);
    crowd_add(&crowd, 1, &(struct crowd_task){ 5, &lane }, "mine");
    ck_assert_uint_eq(lane.live, 2);
    crowd_end(&crowd, 1, 5);
    ck_assert_uint_eq(lane.live, 1);
    crowd_drop(&crowd, 1);
    ck_assert_uint_eq(lane.live, 0);
    crowd_free(&crowd);
}
END_TEST

START_TEST(ended_ones_take_no_room_for_ever)
{
    struct lane lane = { 0 };
    struct crowd crowd = { 0 };
    add(&crowd, 0, 0, &lane);                /* one that stays */
    for (int64_t offset = 1; offset <= MANY; offset++) {
        add(&crowd, 0, offset, &lane);
        if (offset > 3)
            crowd_end(&crowd, 0, offset - 3);
    }
    ck_assert_uint_eq(lane.live, 4);
    ck_assert_uint_lt(crowd.parts[0].capacity, 512);
    for (int64_t offset = MANY - 2; offset <= MANY; offset++)
        crowd_end(&crowd, 0, offset);
    crowd_end(&crowd, 0, 0);
    ck_assert_uint_eq(lane.live, 0);
    add(&crowd, 0, MANY, &lane);             /* how far it was read is not forgotten with them */
    ck_assert_uint_eq(lane.live, 0);
    crowd_free(&crowd);
}
END_TEST

static const struct { int64_t limit; int32_t held, partitions; int64_t want; } shares[] = {
    { 20, 12, 12, 20 }, { 20, 6, 12, 10 }, { 20, 5, 12, 8 }, { 5, 6, 12, 2 }, { 1, 6, 12, 1 }, { 2, 1, 12, 1 },
    { 0, 12, 12, 1 }, { -1, 6, 12, -1 }, { INT64_C(1000000000000), 12, 12, INT64_C(1000000000000) },
};

START_TEST(the_share_is_that_of_our_partitions)
{
    ck_assert_int_eq(crowd_share(shares[_i].limit, shares[_i].held, shares[_i].partitions), shares[_i].want);
}
END_TEST

START_TEST(a_full_model_waits_and_others_go)
{
    struct lanes lanes = { 0 };
    struct lane *full = lanes_of(&lanes, "full"), *free_one = lanes_of(&lanes, "free"), *lane;
    struct turn turns[4] = { 0 };
    for (int i = 0; i < 3; i++)
        turns_add(&full->turns, &turns[i], "ann");
    full->most = 2;
    full->live = 1;
    ck_assert_ptr_eq(lanes_take(&lanes, 0, &lane), &turns[0]);   /* one alive, one call: two */
    ck_assert_ptr_null(lanes_take(&lanes, 0, &lane));
    turns_add(&free_one->turns, &turns[3], "ann");
    ck_assert_ptr_eq(lanes_take(&lanes, 0, &lane), &turns[3]);
    full->live = 0;
    ck_assert_ptr_eq(lanes_take(&lanes, 0, &lane), &turns[1]);
    full->most = -1;                         /* the account has no limit any more */
    ck_assert_ptr_eq(lanes_take(&lanes, 0, &lane), &turns[2]);
    lanes_free(&lanes);
}
END_TEST

/* The promise of turns, at the provider's limit: one task after the other, and whoever comes while another's
 * ten thousand wait is next but one at most. */
START_TEST(ten_thousand_waiting_jobs_of_one_user_delay_anothers_first_by_one_turn)
{
    static struct turn many[MANY];
    struct turn first[3] = { 0 };
    struct lanes lanes = { 0 };
    struct lane *model = lanes_of(&lanes, "gen4.5"), *lane;
    model->most = 1;
    for (int i = 0; i < MANY; i++)
        turns_add(&model->turns, &many[i], "busy");
    for (int late = 0; late < 3; late++) {
        ck_assert_ptr_nonnull(lanes_take(&lanes, 0, &lane));     /* busy's task is alive */
        char user[16];
        snprintf(user, sizeof user, "late-%d", late);
        turns_add(&model->turns, &first[late], user);
        ck_assert_ptr_null(lanes_take(&lanes, 0, &lane));
        int turns = 0;
        struct turn *taken;
        do {
            lane_taken(model);               /* the task alive ends; the next is submitted */
            taken = lanes_take(&lanes, 0, &lane);
        } while (taken != &first[late] && turns++ < 5);
        ck_assert_int_le(turns, 1);
        lane_taken(model);
    }
    while (lanes_take(&lanes, 0, &lane))
        lane_taken(model);
    lanes_free(&lanes);
}
END_TEST

CHECK_MAIN("crowd",
    tcase_add_test(tests, a_task_lives_from_its_record_to_its_done_mark);
    tcase_add_test(tests, one_that_we_hand_on_counts_at_once_and_once);
    tcase_add_test(tests, ended_ones_take_no_room_for_ever);
    tcase_add_loop_test(tests, the_share_is_that_of_our_partitions, 0, ROWS(shares));
    tcase_add_test(tests, a_full_model_waits_and_others_go);
    tcase_add_test(tests, ten_thousand_waiting_jobs_of_one_user_delay_anothers_first_by_one_turn);)
