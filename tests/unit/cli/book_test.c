#include <stdio.h>
#include <string.h>

#include "entries.h"
#include "unit/check_main.h"

#define ABSENT EVENT_ABSENT
enum { ENTRIES_MAX = 8 };

/* The last entry's answer, and what user u has then. */
static const struct {
    struct entry_row rows[ENTRIES_MAX];
    enum fold last;
    struct balance want;
} fold_cases[] = {
    { { { "grant", "u", "a", 10 } }, FOLD_APPLIED, { 10, 10, 0, 0 } },
    { { { "grant", "u", "a", 10 }, { "grant", "u", "b", -4 } }, FOLD_APPLIED, { 6, 6, 0, 0 } },
    { { { "grant", "u", "a", 10 }, { "grant", "u", "a", 10 } }, FOLD_REPEATED, { 10, 10, 0, 0 } },
    { { { "grant", "u", "a", 10 }, { "grant", "u", "a", 11 } }, FOLD_CONTRADICTS, { 10, 10, 0, 0 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 } }, FOLD_APPLIED, { 10, 7, 3, 0 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 }, { "reserve", "u", "g", 3 } }, FOLD_REPEATED,
      { 10, 7, 3, 0 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 }, { "reserve", "u", "g", 4 } }, FOLD_CONTRADICTS,
      { 10, 7, 3, 0 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 }, { "commit", "u", "g", 3 } }, FOLD_APPLIED,
      { 10, 7, 0, 3 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 }, { "release", "u", "g", 3 } }, FOLD_APPLIED,
      { 10, 10, 0, 0 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 }, { "commit", "u", "g", 1 },
        { "release", "u", "g", 2 } },
      FOLD_APPLIED, { 10, 9, 0, 1 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 }, { "commit", "u", "g", 3 },
        { "commit", "u", "g", 3 } },
      FOLD_REPEATED, { 10, 7, 0, 3 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 }, { "commit", "u", "g", 3 },
        { "commit", "u", "g", 2 } },
      FOLD_CONTRADICTS, { 10, 7, 0, 3 } },
    { { { "grant", "u", "a", 10 }, { "reserve", "u", "g", 3 }, { "commit", "v", "g", 3 } }, FOLD_CONTRADICTS,
      { 10, 7, 3, 0 } },
    { { { "reserve", "u", "g", 1 }, { "commit", "u", "g", 1 }, { "grant", "u", "a", 1 } }, FOLD_APPLIED,
      { 1, 0, 0, 1 } },
    { { { "reserve", "u", "g", 1 }, { "reserve", "u", "h", 1 }, { "release", "u", "g", 1 },
        { "grant", "u", "a", 2 },
        /* generations interleaved */
        { "commit", "u", "h", 1 } }, FOLD_APPLIED, { 2, 1, 0, 1 } },
    /* a grant is missing */
    { { { "reserve", "u", "g", 5 } }, FOLD_APPLIED, { 0, -5, 5, 0 } },
    /* somebody else's */
    { { { "grant", "v", "a", 10 } }, FOLD_APPLIED, { 0, 0, 0, 0 } },
    { { { "open", NULL, NULL, ABSENT } }, FOLD_OPEN_RECORD, { 0, 0, 0, 0 } },
    { { { "gift", "u", "a", 3 } }, FOLD_INCOMPLETE, { 0, 0, 0, 0 } },
    { { { "grant", NULL, "a", 3 } }, FOLD_INCOMPLETE, { 0, 0, 0, 0 } },
    { { { "grant", "u", NULL, 3 } }, FOLD_INCOMPLETE, { 0, 0, 0, 0 } },
    { { { "grant", "u", "a", ABSENT } }, FOLD_INCOMPLETE, { 0, 0, 0, 0 } },
    { { { "reserve", "u", NULL, 3 } }, FOLD_INCOMPLETE, { 0, 0, 0, 0 } },
    { { { "reserve", "u", "g", -3 } }, FOLD_INCOMPLETE, { 0, 0, 0, 0 } },
    { { { "commit", "u", "g", 0 } }, FOLD_INCOMPLETE, { 0, 0, 0, 0 } },
};

START_TEST(entries_are_applied_once_by_their_entity)
{
    struct book book = { 0 };
    enum fold last = FOLD_APPLIED;
    for (const struct entry_row *row = fold_cases[_i].rows; row->kind; row++)
        last = fold_row(&book, row);
    const struct balance *balance = book_balance(&book, "u"), *want = &fold_cases[_i].want;
    ck_assert_int_eq(last, fold_cases[_i].last);
    ck_assert_int_eq(balance->granted, want->granted);
    ck_assert_int_eq(balance->available, want->available);
    ck_assert_int_eq(balance->reserved, want->reserved);
    ck_assert_int_eq(balance->spent, want->spent);
    ck_assert_int_eq(balance->granted, balance->available + balance->reserved + balance->spent);
    book_free(&book);
}
END_TEST

START_TEST(many_users_and_generations_keep_their_rows)
{
    enum { COUNT = 5000 };
    struct book book = { 0 };
    for (int i = 0; i < COUNT; i++) {
        char user[16], id[16];
        snprintf(user, sizeof user, "u%d", i % 777);
        snprintf(id, sizeof id, "x%d", i);
        fold_row(&book, &(struct entry_row){ "grant", user, id, 3 });
        fold_row(&book, &(struct entry_row){ "reserve", user, id, 2 });
        if (i % 2 == 0)
            fold_row(&book, &(struct entry_row){ "commit", user, id, 2 });
    }
    struct balance sum = { 0 };
    ck_assert_uint_eq(book.users.count, 777);
    ck_assert_uint_eq(book.generations.count, COUNT);
    ck_assert_uint_eq(book.grants.count, COUNT);
    for (size_t i = 0; i < book.users.count; i++) {
        sum.granted += book.balances[i].granted;
        sum.available += book.balances[i].available;
        sum.reserved += book.balances[i].reserved;
        sum.spent += book.balances[i].spent;
    }
    ck_assert_int_eq(sum.granted, 3 * COUNT);
    ck_assert_int_eq(sum.available, COUNT);
    ck_assert_int_eq(sum.reserved, COUNT);
    ck_assert_int_eq(sum.spent, COUNT);
    ck_assert_int_eq(names_find(&book.generations, "x4999"), 4999);
    ck_assert_int_eq(names_find(&book.generations, "x5000"), NAME_NONE);
    book_free(&book);
    ck_assert_int_eq(names_find(&book.generations, "x1"), NAME_NONE);
}
END_TEST

CHECK_MAIN("cli book",
    tcase_add_loop_test(tests, entries_are_applied_once_by_their_entity, 0, ROWS(fold_cases));
    tcase_add_test(tests, many_users_and_generations_keep_their_rows);)
