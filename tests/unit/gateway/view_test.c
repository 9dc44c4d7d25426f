/* What records do to the view, in whatever order their topics are read; and its bounds. */
#include <stdio.h>
#include <string.h>

#include "gateway/view.h"
#include "unit/check_main.h"
#include "unit/gateway/records.h"

static struct view *view;
static void setup(void) { view = view_open(64 * 1024 * 1024, "gen4.5"); view_lock(view); }
static void teardown(void) { view_unlock(view); view_close(&view); }

static const struct generation *of(const char *user, const char *id)
{
    return user_generation(view_user(view, user), id);
}

static int64_t counted(enum usage_count what)
{
    size_t count;
    int64_t sum = 0;
    struct usage_row *rows = usage_sum(&view->usage, 0, 1, NULL, &count);
    for (size_t i = 0; i < count; i++)
        sum += rows[i].counts[what];
    free(rows);
    return sum;
}

enum step { ASKED, HELD, ACCEPTED, DONE, DEBITED, STEPS };
static void step(enum step which)
{
    switch (which) {
    case ASKED:    take(view, AT(REQUESTS, 0, 1), requested("ada", "g", "A boat")); break;
    case HELD:     take(view, AT(JOURNAL, 4, 1), entry("reserve", "ada", "g", 3)); break;
    case ACCEPTED: take(view, AT(RESULTS, 2, 1), accepted("ada", "g", 3)); break;
    case DONE:     take(view, AT(RESULTS, 2, 2), completed("ada", "g", 3)); break;
    case DEBITED:  take(view, AT(JOURNAL, 4, 2), entry("commit", "ada", "g", 3)); break;
    case STEPS:    break;
    }
}

/* Within a topic the order holds; between topics any is possible. */
static const enum step orders[][STEPS] = {
    { ASKED, HELD, ACCEPTED, DONE, DEBITED }, { ACCEPTED, DONE, HELD, DEBITED, ASKED },
    { HELD, DEBITED, ASKED, ACCEPTED, DONE }, { HELD, DEBITED, ACCEPTED, DONE, ASKED },
    { ACCEPTED, ASKED, DONE, HELD, DEBITED },
};

START_TEST(whatever_is_read_first_the_story_is_one)
{
    for (int i = 0; i < STEPS; i++)
        step(orders[_i][i]);
    const struct generation *generation = of("ada", "g");
    ck_assert_int_eq(generation->status, STATUS_COMPLETED);
    ck_assert_str_eq(generation->prompt, "A boat");
    ck_assert_str_eq(generation->model, "gen4.5");
    ck_assert_str_eq(generation->outputs, "[\"https://example.com/out.mp4\"]");
    ck_assert_int_eq(generation->charged_tokens, 3);
    ck_assert_int_eq(generation->held_tokens, 0);
    ck_assert_int_eq(counted(USAGE_REQUESTED), 1);
    ck_assert_int_eq(counted(USAGE_ACCEPTED), 1);
    ck_assert_int_eq(counted(USAGE_RESERVED_TOKENS), 3);
    ck_assert_int_eq(counted(USAGE_COMMITTED_TOKENS), 3);
    ck_assert_int_eq(view_user(view, "ada")->facts, STEPS);
}
END_TEST

START_TEST(a_rejection_is_counted_with_its_requests_model)
{
    struct event asked = requested("ada", "g", "A boat");
    asked.model = "veo3.1";
    take(view, AT(RESULTS, 2, 1), rejected("ada", "g", ERROR_INSUFFICIENT_TOKENS));
    take(view, AT(REQUESTS, 0, 1), asked);
    take(view, AT(REQUESTS, 0, 2), asked);               /* published again */
    size_t count;
    struct usage_row *rows = usage_sum(&view->usage, 0, 1, "veo3.1", &count);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(rows[0].counts[USAGE_REJECTED], 1);
    ck_assert_int_eq(rows[0].counts[USAGE_REJECTED_TOKENS], 3);
    ck_assert_int_eq(rows[0].counts[USAGE_REQUESTED], 1);
    free(rows);
    ck_assert_int_eq(of("ada", "g")->current_balance, 0);
    ck_assert_int_eq(of("ada", "g")->required_tokens, 3);
}
END_TEST

START_TEST(another_users_request_under_a_known_id_touches_nobody)
{
    take(view, AT(REQUESTS, 0, 1), requested("ada", "g", "Hers"));
    take(view, AT(RESULTS, 2, 1), accepted("ada", "g", 3));
    take(view, AT(REQUESTS, 1, 1), requested("eve", "g", "Not hers"));
    ck_assert_str_eq(of("ada", "g")->prompt, "Hers");
    ck_assert_int_eq(of("eve", "g")->status, STATUS_PENDING);
    ck_assert_ptr_eq(view_generation(view, "g")->user, view_user(view, "ada"));
}
END_TEST

START_TEST(the_first_record_on_the_topic_outranks_what_we_announced)
{
    struct event ours = requested("ada", "g", "Ours"), first = requested("ada", "g", "The other instance's");
    char fingerprint[65];
    view_announce(view, &ours, 1);
    ck_assert(!of("ada", "g")->published);
    take(view, AT(REQUESTS, 0, 1), first);
    take(view, AT(REQUESTS, 0, 2), ours);
    event_fingerprint(&first, fingerprint);
    ck_assert_str_eq(of("ada", "g")->fingerprint, fingerprint);
    ck_assert_str_eq(of("ada", "g")->prompt, "The other instance's");
    ck_assert(of("ada", "g")->published);
}
END_TEST

START_TEST(a_user_has_so_many_facts_and_generations)
{
    for (int i = 0; i < FACTS_PER_USER_MAX + 500; i++) {
        char id[32];
        snprintf(id, sizeof id, "g-%d", i);
        take(view, AT(REQUESTS, 0, i), requested("ada", id, "A boat"));
    }
    const struct user *user = view_user(view, "ada");
    ck_assert_int_eq(user->facts, FACTS_PER_USER_MAX);
    ck_assert_int_eq(user->generations, GENERATIONS_PER_USER_MAX);
    ck_assert_int_eq(user->dropped[TOPIC_REQUESTS], 499);
    ck_assert_ptr_nonnull(user_generation(user, "g-2499"));
    ck_assert_ptr_null(user_generation(user, "g-0"));
}
END_TEST

START_TEST(memory_is_bounded_and_who_is_watched_stays)
{
    view->bytes_max = 200 * 1024;
    view_floor(view, TOPIC_REQUESTS, 0, 1, 0);
    user_watch(view_user_make(view, "watched"));
    take(view, AT(REQUESTS, 0, 0), requested("watched", "g", "A boat"));
    for (int i = 1; i < 1000; i++) {
        char user[32];
        snprintf(user, sizeof user, "u-%d", i);
        take(view, AT(REQUESTS, 0, i), requested(user, "g", "A boat"));
        ck_assert(view->bytes <= view->bytes_max);
    }
    ck_assert_ptr_nonnull(view_user(view, "watched"));
    ck_assert_ptr_nonnull(view_user(view, "u-999"));
    ck_assert_ptr_null(view_user(view, "u-1"));
    ck_assert(view_floor_of(view, TOPIC_REQUESTS, 0) > 1);       /* so that no stream goes on over the hole */
    user_unwatch(view, view_user(view, "watched"));
}
END_TEST

/* A user with one video that is done and paid for. */
static void one_video(int number)
{
    char user[32];
    snprintf(user, sizeof user, "u-%d", number);
    take(view, AT(REQUESTS, 0, number), requested(user, "g", "A boat"));
    take(view, AT(JOURNAL, 0, 2 * number), entry("reserve", user, "g", 3));
    take(view, AT(RESULTS, 0, 2 * number), accepted(user, "g", 3));
    take(view, AT(RESULTS, 0, 2 * number + 1), completed(user, "g", 3));
    take(view, AT(JOURNAL, 0, 2 * number + 1), entry("commit", user, "g", 3));
}

START_TEST(who_makes_room_keeps_the_balance_and_the_counts)
{
    view->bytes_max = 200 * 1024;
    view_floor(view, TOPIC_JOURNAL, 0, 1, 0);
    take(view, AT(REQUESTS, 0, 0), requested("busy", "g", "A boat"));
    for (int i = 1; i < 100; i++) {
        one_video(i);
        ck_assert(view->bytes <= view->bytes_max);
    }
    const struct user *idle = view_user(view, "u-1"), *fresh = view_user(view, "u-99");
    ck_assert(idle && !idle->oldest && !idle->first);
    ck_assert(idle->has_balance && idle->ends[STATUS_COMPLETED] == 1);
    ck_assert_int_eq(user_since(view, idle), idle->active_at_ms);
    ck_assert_int_eq(user_since(view, fresh), EVENT_ABSENT);
    ck_assert_int_eq(view_since(view), EVENT_ABSENT);            /* nobody is missing */
    ck_assert_ptr_nonnull(of("busy", "g"));                     /* under way: it stays */
    ck_assert_int_eq(view_floor_of(view, TOPIC_JOURNAL, 0), 0);
}
END_TEST

/* What of a generation lies within the window, when its results do not; what is made of it at its edge. */
static const struct { enum step steps[3]; int count; const char *end; int want; } edges[] = {
    { { HELD, DEBITED }, 2, NULL, STATUS_COMPLETED },
    { { ASKED, HELD, DEBITED }, 3, NULL, STATUS_COMPLETED },
    { { ASKED, HELD }, 2, "Hold released (failed): g", STATUS_FAILED },
    { { ASKED, HELD }, 2, "Hold released (cancelled): g", STATUS_CANCELLED },
    { { HELD }, 1, "Hold released (failed): g", STATUS_FAILED },
    { { DEBITED }, 1, NULL, STATUS_COMPLETED },
    { { HELD }, 1, NULL, STATUS_ACCEPTED },
    { { ASKED, HELD }, 2, NULL, STATUS_ACCEPTED },
    { { ASKED }, 1, NULL, -1 },                  /* refused, perhaps: nobody here knows */
};

START_TEST(what_lies_at_the_edge_of_the_window_is_not_pending_for_ever)
{
    view_floor(view, TOPIC_RESULTS, 2, 4, 1000);
    take(view, AT(RESULTS, 2, 5000), accepted("later", "g", 3));
    for (int s = 0; s < edges[_i].count; s++)
        step(edges[_i].steps[s]);
    struct event release = entry("release", "ada", "g", 3);
    release.description = edges[_i].end;
    if (edges[_i].end)
        take(view, AT(JOURNAL, 4, 9), release);
    view_is_caught_up(view, INT64_C(1800000000000));
    ck_assert_int_eq(view_since(view), INT64_C(1800000005000));
    if (edges[_i].want < 0)
        ck_assert_ptr_null(of("ada", "g"));
    else
        ck_assert_int_eq(of("ada", "g")->status, (enum status)edges[_i].want);
    ck_assert_int_eq(of("later", "g")->status, STATUS_ACCEPTED);
}
END_TEST

/* Its last result lies right before the window, and its settlement in it. */
START_TEST(what_was_settled_in_the_window_has_ended)
{
    view_floor(view, TOPIC_RESULTS, 2, 4, 1000);
    take(view, AT(RESULTS, 2, 1000), accepted("later", "g", 3));
    take(view, AT(REQUESTS, 0, 1), requested("ada", "g", "A boat"));
    take(view, AT(JOURNAL, 4, 2000), entry("commit", "ada", "g", 3));
    view_is_caught_up(view, INT64_C(1800000003000));
    ck_assert_int_eq(of("ada", "g")->status, STATUS_COMPLETED);
}
END_TEST

START_TEST(whoever_is_asked_for_after_the_edge_is_left_alone)
{
    view_floor(view, TOPIC_RESULTS, 2, 4, 1000);
    take(view, AT(RESULTS, 2, 1000), accepted("early", "g", 3));
    take(view, AT(REQUESTS, 0, 2000), requested("ada", "g", "A boat"));
    view_is_caught_up(view, INT64_C(1800000003000));
    ck_assert_int_eq(of("ada", "g")->status, STATUS_PENDING);
    ck_assert_int_eq(view_since(view), INT64_C(1800000001000));
}
END_TEST

/* Four partitions, all of which has expired: what they held is older than the topic keeps. */
START_TEST(an_expired_partition_says_how_long_ago)
{
    const int64_t now_ms = INT64_C(1800000000000);
    view_floor(view, TOPIC_RESULTS, 2, 4, 1000);
    view_is_caught_up(view, now_ms);
    ck_assert_int_eq(view_since(view), now_ms - TOPICS[TOPIC_RESULTS].retention_ms);
}
END_TEST

START_TEST(what_is_weighed_is_given_back)
{
    for (int s = 0; s < STEPS; s++)
        step((enum step)s);
    ck_assert(view->bytes > 0);
    view->bytes_max = 0;
    user_watch(view_user(view, "ada"));
    user_unwatch(view, view_user(view, "ada"));
    ck_assert_int_eq(view->users, 0);
    ck_assert_int_eq(view->bytes, 0);
}
END_TEST

START_TEST(letters_are_found_by_their_own_and_their_original_place)
{
    for (int i = 0; i < LETTERS_MAX + 10; i++) {
        struct letter letter = { .partition = 1, .offset = i, .original_partition = 2, .original_offset = i * 10 };
        snprintf(letter.original_topic, sizeof letter.original_topic, "requests");
        view_take_letter(view, &letter);
    }
    ck_assert_ptr_null(view_letter(view, 1, 9));
    ck_assert_int_eq(view_letter(view, 1, 10)->original_offset, 100);
    ck_assert_int_eq(view_letter_of(view, "requests", 2, 5000)->offset, 500);
    ck_assert_ptr_null(view_letter_of(view, "grants", 2, 5000));
}
END_TEST

START_TEST(a_request_that_became_a_dead_letter_is_not_pending)
{
    struct letter letter = { .original_topic = "reelgate.requests", .original_partition = 0, .original_offset = 1,
                             .key = "ada" };
    if (_i == 0)
        view_is_caught_up(view, 0);
    step(ASKED);
    take(view, AT(REQUESTS, 0, 2), requested("ada", "other", "A boat"));
    view_take_letter(view, &letter);
    if (_i == 1)
        view_is_caught_up(view, 0);
    ck_assert_ptr_null(of("ada", "g"));
    ck_assert_ptr_nonnull(of("ada", "other"));
}
END_TEST

CHECK_MAIN("view",
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, whatever_is_read_first_the_story_is_one, 0, ROWS(orders));
    tcase_add_test(tests, a_rejection_is_counted_with_its_requests_model);
    tcase_add_test(tests, another_users_request_under_a_known_id_touches_nobody);
    tcase_add_test(tests, the_first_record_on_the_topic_outranks_what_we_announced);
    tcase_add_test(tests, a_user_has_so_many_facts_and_generations);
    tcase_add_test(tests, memory_is_bounded_and_who_is_watched_stays);
    tcase_add_test(tests, who_makes_room_keeps_the_balance_and_the_counts);
    tcase_add_loop_test(tests, what_lies_at_the_edge_of_the_window_is_not_pending_for_ever, 0, ROWS(edges));
    tcase_add_test(tests, what_was_settled_in_the_window_has_ended);
    tcase_add_test(tests, whoever_is_asked_for_after_the_edge_is_left_alone);
    tcase_add_test(tests, an_expired_partition_says_how_long_ago);
    tcase_add_test(tests, what_is_weighed_is_given_back);
    tcase_add_loop_test(tests, a_request_that_became_a_dead_letter_is_not_pending, 0, 2);
    tcase_add_test(tests, letters_are_found_by_their_own_and_their_original_place);)
