#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/items.h"
#include "entries.h"
#include "unit/check_main.h"

static struct item_place place(int topic, int32_t partition, int64_t offset)
{
    return (struct item_place){ topic, partition, offset };
}

START_TEST(an_item_lives_until_its_own_mark)
{
    struct items items = { 0 };
    struct names live[2] = { { 0 } };
    struct item_place job = place(0, 3, 7), task = place(1, 3, 7), copy = place(0, 3, 9);
    items_end(&items, &job);                                     /* a mark whose item has expired */
    items_add(&items, &job, "g", 1);
    items_add(&items, &job, "g", 1);                             /* read twice */
    items_add(&items, &task, "h", 0);
    /* rewritten: the copy first, then the mark of the old */
    items_add(&items, &copy, "g", 1);
    items_end(&items, &job);
    ck_assert_uint_eq(items.count, 2);
    items_generations(&items, live, 2);
    ck_assert_int_eq(names_find(&live[1], "g"), 0);
    ck_assert_int_eq(names_find(&live[0], "h"), 0);
    items_end(&items, &copy);
    items_end(&items, &task);
    items_generations(&items, live, 2);
    ck_assert_uint_eq(items.count + live[0].count + live[1].count, 0);
    names_free(&live[0]);
    names_free(&live[1]);
    items_free(&items);
}
END_TEST

/* Against a plain array: nothing is lost when gaps are closed. */
START_TEST(many_items_come_and_go)
{
    enum { COUNT = 4000 };
    static bool alive[COUNT];
    struct items items = { 0 };
    size_t count = 0;
    srand(7);
    for (int step = 0; step < 40000; step++) {
        int i = rand() % COUNT;
        struct item_place here = place(i % 2, i % 5, i);
        if (alive[i]) {
            items_end(&items, &here);
            count--;
        } else {
            items_add(&items, &here, "g", 0);
            count++;
        }
        alive[i] = !alive[i];
        ck_assert_uint_eq(items.count, count);
    }
    for (int i = 0; i < COUNT; i++) {
        struct item_place here = place(i % 2, i % 5, i);
        size_t before = items.count;
        items_end(&items, &here);
        ck_assert_int_eq(before != items.count, alive[i]);
    }
    ck_assert_uint_eq(items.count, 0);
    items_free(&items);
}
END_TEST

static const struct { struct item_place place; bool valid; } place_cases[] = {
    { { 0, 0, 0 }, true }, { { 1, 131071, INT64_C(70368744177663) }, true }, { { 2, 0, 0 }, false },
        { { -1, 0, 0 }, false },
    { { 0, 131072, 0 }, false }, { { 0, -1, 0 }, false }, { { 0, 0, INT64_C(70368744177664) }, false },
        { { 0, 0, -1 }, false },
};

START_TEST(places_have_limits)
{
    ck_assert_int_eq(items_place_valid(&place_cases[_i].place), place_cases[_i].valid);
}
END_TEST

enum { ENTRIES_MAX = 5, LIVE_MAX = 3 };
static const struct { struct entry_row journal[ENTRIES_MAX]; const char *live[LIVE_MAX],
                      *want; } hold_cases[] = {
    { { { "reserve", "u", "g", 2 } }, { "g" }, "" },
    { { { "reserve", "u", "g", 2 } }, { NULL }, "hold_without_item g " },
    { { { "reserve", "u", "g", 2 }, { "commit", "u", "g", 2 } }, { NULL }, "" },
    { { { "reserve", "u", "g", 2 }, { "release", "u", "g", 2 } }, { "g" }, "item_without_hold g " },
    { { { "reserve", "u", "g", 2 }, { "commit", "u", "g", 1 } }, { "g" }, "" },
    { { { 0 } }, { "g" }, "item_without_hold g " },
    { { { "reserve", "u", "g", 2 }, { "reserve", "u", "h", 1 } }, { "h", "i" },
      "hold_without_item g item_without_hold i " },
};

START_TEST(open_holds_and_live_items_go_together)
{
    struct book journal = { 0 };
    struct names live = { 0 };
    struct findings findings = { 0 };
    char found[200] = "";
    fold_rows(&journal, hold_cases[_i].journal);
    for (int i = 0; i < LIVE_MAX && hold_cases[_i].live[i]; i++)
        names_add(&live, hold_cases[_i].live[i]);
    compare_items(&journal, &live, &findings);
    for (size_t i = 0; i < findings.count; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s %s ",
                 finding_name(findings.rows[i].kind), findings.rows[i].id);
    ck_assert_str_eq(found, hold_cases[_i].want);
    findings_free(&findings);
    names_free(&live);
    book_free(&journal);
}
END_TEST

CHECK_MAIN("cli items",
    tcase_add_test(tests, an_item_lives_until_its_own_mark);
    tcase_add_test(tests, many_items_come_and_go);
    tcase_add_loop_test(tests, places_have_limits, 0, ROWS(place_cases));
    tcase_add_loop_test(tests, open_holds_and_live_items_go_together, 0, ROWS(hold_cases));)
