/* Where a stream goes on. */
#include <stdio.h>

#include "gateway/cursor.h"
#include "unit/check_main.h"
#include "unit/gateway/records.h"

static const struct { const char *text; bool good; } written[] = {
    { "3@120,17@55", true }, { "-,17@55", true }, { "3@120,-", true }, { "-,-", true }, { "0@0,0@0", true },
    { "", false }, { "3@120", false }, { "3@120,", false }, { ",17@55", false }, { "3@,17@55", false },
    { "@120,17@55", false }, { "3@120,17@55,", false }, { "-3@120,17@55", false }, { "3@-1,17@55", false },
    { "9999999999@1,-", false }, { "1@9999999999999999999,-", false }, { "3@120, 17@55", false }, { "x", false },
};

START_TEST(ids_are_read_strictly_and_written_as_they_were)
{
    struct cursor cursor;
    char again[CURSOR_BYTES];
    ck_assert_int_eq(cursor_parse(written[_i].text, &cursor), written[_i].good);
    if (!written[_i].good)
        return;
    cursor_format(&cursor, again);
    ck_assert_str_eq(again, written[_i].text);
}
END_TEST

static struct view *view;
static void setup(void)
{
    view = view_open(64 * 1024 * 1024, "gen4.5");
    view_lock(view);
    view_floor(view, TOPIC_RESULTS, 2, 12, 10);          /* read from offset 10 on */
    view_floor(view, TOPIC_JOURNAL, 4, 32, 0);
    take(view, AT(REQUESTS, 0, 1), requested("ada", "g", "A boat"));
    take(view, AT(RESULTS, 2, 10), accepted("ada", "g", 3));
    take(view, AT(JOURNAL, 4, 5), entry("reserve", "ada", "g", 3));
    take(view, AT(RESULTS, 2, 12), completed("ada", "g", 3));
    take(view, AT(JOURNAL, 4, 7), entry("commit", "ada", "g", 3));
}
static void teardown(void) { view_unlock(view); view_close(&view); }

/* from an id: how many events are still to come, and whether some may be lost */
static const struct { const char *from; int left; bool lost; } places[] = {
    { "2@12,4@7", 0, false },
    { "2@10,4@5", 2, false },
    { "2@10,4@7", 1, false },
    { "2@12,4@5", 1, false },
    { "-,-", 4, false },                 /* nothing was there then, and nothing was dropped since */
    { "2@9,4@0", 4, false },             /* right before the first that is here */
    { "2@8,4@0", 4, true },              /* offset 9 may have been this user's */
    { "7@99,4@7", 2, false },            /* the topic was given more partitions since */
};

START_TEST(a_stream_goes_on_right_behind_its_last_event)
{
    struct cursor cursor;
    int left = 0;
    ck_assert(cursor_parse(places[_i].from, &cursor));
    ck_assert_int_eq(cursor_is_lost(&cursor, view, view_user(view, "ada")), places[_i].lost);
    for (const struct fact *fact = view_user(view, "ada")->oldest; fact; fact = fact->next) {
        if (fact->topic != TOPIC_RESULTS && fact->topic != TOPIC_JOURNAL)
            continue;
        left += cursor_is_behind(&cursor, fact);
        if (cursor_is_behind(&cursor, fact))
            cursor_pass(&cursor, fact);
    }
    ck_assert_int_eq(left, places[_i].left);
    char id[CURSOR_BYTES];
    cursor_format(&cursor, id);
    ck_assert_str_eq(id, "2@12,4@7");
}
END_TEST

START_TEST(now_is_behind_everything)
{
    struct cursor cursor;
    char id[CURSOR_BYTES];
    cursor_now(&cursor, view_user(view, "ada"));
    cursor_format(&cursor, id);
    ck_assert_str_eq(id, "2@12,4@7");
    cursor_now(&cursor, view_user_make(view, "new"));
    cursor_format(&cursor, id);
    ck_assert_str_eq(id, "-,-");
}
END_TEST

START_TEST(what_a_user_dropped_is_lost)
{
    struct cursor cursor;
    view_user(view, "ada")->dropped[TOPIC_JOURNAL] = 6;
    ck_assert(cursor_parse("2@12,4@5", &cursor) && cursor_is_lost(&cursor, view, view_user(view, "ada")));
    ck_assert(cursor_parse("2@12,4@6", &cursor) && !cursor_is_lost(&cursor, view, view_user(view, "ada")));
    ck_assert(cursor_parse("2@12,-", &cursor) && cursor_is_lost(&cursor, view, view_user(view, "ada")));
}
END_TEST

CHECK_MAIN("cursor",
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, ids_are_read_strictly_and_written_as_they_were, 0, ROWS(written));
    tcase_add_loop_test(tests, a_stream_goes_on_right_behind_its_last_event, 0, ROWS(places));
    tcase_add_test(tests, now_is_behind_everything);
    tcase_add_test(tests, what_a_user_dropped_is_lost);)
