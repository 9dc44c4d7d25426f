#include <stdio.h>
#include <string.h>

#include "cli/compare.h"
#include "entries.h"
#include "unit/check_main.h"

enum { ENTRIES_MAX = 6, FINDINGS_MAX = 4 };

/* Both books are folded from entries; what is found must be exactly these, in this order. */
static const struct {
    struct entry_row journal[ENTRIES_MAX], redis[ENTRIES_MAX];
    const char *want[FINDINGS_MAX];
} compare_cases[] = {
    { { { 0 } }, { { 0 } }, { NULL } },
    { { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 2 } }, { { "grant", "u", "a", 5 },
                                                                  { "reserve", "u", "g", 2 } },
      { NULL } },
    /* an effect without its entry, and an entry without its effect */
    { { { "grant", "u", "a", 5 } }, { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 2 } },
      { "balance_differs u", "generation_not_in_journal g" } },
    { { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 2 } }, { { "grant", "u", "a", 5 } },
      { "balance_differs u", "hold_not_in_redis g" } },
    { { { 0 } }, { { "grant", "u", "a", 5 } }, { "balance_differs u", "grant_not_in_journal a" } },
    { { { "grant", "u", "a", 5 } }, { { 0 } }, { "balance_differs u", "grant_not_in_redis a" } },
    { { { "grant", "u", "a", 5 } }, { { "grant", "u", "a", 6 } }, { "balance_differs u",
                                                                    "grant_differs a" } },
    /* settled on one side only; with other amounts; for another user */
    { { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 2 }, { "commit", "u", "g", 2 } },
      { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 2 } }, { "balance_differs u",
                                                                  "generation_differs g" } },
    { { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 2 }, { "commit", "u", "g", 2 } },
      { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 2 }, { "release", "u", "g", 2 } },
      { "balance_differs u", "generation_differs g" } },
    { { { "grant", "u", "a", 2 }, { "grant", "v", "b", 2 }, { "reserve", "u", "g", 2 }, { "commit", "u", "g",
                                                                                          2 } },
      { { "grant", "u", "a", 2 }, { "grant", "v", "b", 2 }, { "reserve", "v", "g", 2 }, { "commit", "v", "g",
                                                                                          2 } },
      { "balance_differs u", "balance_differs v", "generation_differs g" } },
    /* what the journal alone shows */
    { { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 3 }, { "commit", "u", "g", 1 } },
      { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 3 }, { "commit", "u", "g", 1 } },
      { "settled_in_part g" } },
    { { { "grant", "u", "a", 5 }, { "commit", "u", "g", 1 } }, { { "grant", "u", "a", 5 },
                                                                 { "commit", "u", "g", 1 } },
      { "settled_without_hold g" } },
    { { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 1 }, { "commit", "u", "g", 1 },
        { "release", "u", "g", 1 } },
      { { "grant", "u", "a", 5 }, { "reserve", "u", "g", 1 }, { "commit", "u", "g", 1 },
        { "release", "u", "g", 1 } },
      { "settled_more_than_held g" } },
    { { { "reserve", "u", "g", 1 } }, { { "reserve", "u", "g", 1 } }, { "available_below_zero u" } },
};

START_TEST(differences_are_found_and_nothing_else)
{
    struct book journal = { 0 }, redis = { 0 };
    struct findings findings = { 0 };
    fold_rows(&journal, compare_cases[_i].journal);
    fold_rows(&redis, compare_cases[_i].redis);
    compare_books(&journal, &redis, &findings);
    size_t wanted = 0;
    for (; wanted < FINDINGS_MAX && compare_cases[_i].want[wanted]; wanted++) {
        ck_assert_uint_lt(wanted, findings.count);
        char found[128];
        snprintf(found, sizeof found, "%s %s", finding_name(findings.rows[wanted].kind),
                 findings.rows[wanted].id);
        ck_assert_str_eq(found, compare_cases[_i].want[wanted]);
    }
    ck_assert_uint_eq(findings.count, wanted);
    findings_free(&findings);
    book_free(&journal);
    book_free(&redis);
}
END_TEST

START_TEST(redis_may_forget_what_has_ended)
{
    static const struct entry_row entries[] = {
        { "grant", "u", "a", 5 }, { "reserve", "u", "g", 2 }, { "commit", "u", "g", 2 }, { 0 },
    };
    struct book journal = { 0 }, redis = { 0 };
    struct findings findings = { 0 };
    fold_rows(&journal, entries);
    *book_balance(&redis, "u") = (struct balance){ 5, 3, 0, 2 };
    *book_grant(&redis, "a") = 5;
    compare_books(&journal, &redis, &findings);
    ck_assert_uint_eq(findings.count, 0);
    findings_free(&findings);
    book_free(&journal);
    book_free(&redis);
}
END_TEST

START_TEST(every_kind_has_a_name_and_a_subject)
{
    for (int i = FINDING_ENTRY_UNREADABLE; i <= FINDING_GRANT; i++) {
        enum finding_kind kind = (enum finding_kind)i;
        ck_assert_ptr_nonnull(finding_name(kind));
        if (finding_may_pass(kind))
            /* else nothing could be looked at again */
            ck_assert_int_ne(finding_about(kind), ABOUT_ENTRY);
    }
}
END_TEST

CHECK_MAIN("cli compare",
    tcase_add_loop_test(tests, differences_are_found_and_nothing_else, 0, ROWS(compare_cases));
    tcase_add_test(tests, redis_may_forget_what_has_ended);
    tcase_add_test(tests, every_kind_has_a_name_and_a_subject);)
