/* Whatever id an operator was given leads to what it belongs to, and nothing else does. */
#include <stdio.h>
#include <string.h>

#include "gateway/keys.h"
#include "gateway/search.h"
#include "unit/check_main.h"
#include "unit/gateway/records.h"

static struct view *view;

static struct event submitted(const char *user, const char *id, const char *task)
{
    struct event event = record_of(EVENT_GENERATION_SUBMITTED, user, id);
    event.task_id = task;
    event.provider = "runway";
    return event;
}

static void setup(void)
{
    char keyed[UUID_BYTES];
    view = view_open(64 * 1024 * 1024, "gen4.5");
    view_lock(view);
    key_id("generation", "bob", "order 4711", keyed);
    take(view, AT(REQUESTS, 0, 1), requested("ada", "g-1", "A paper boat"));
    take(view, AT(RESULTS, 3, 17), submitted("ada", "g-1", "task-99"));
    take(view, AT(JOURNAL, 17, 55), entry("reserve", "ada", "g-1", 1));
    take(view, AT(JOURNAL, 4, 2), entry("grant", "bob", "grant-7", 5));
    take(view, AT(REQUESTS, 1, 9), requested("bob", keyed, "A BOAT in a storm"));
    view_take_letter(view, &(struct letter){ .partition = 2, .offset = 42, .original_topic = "reelgate.requests",
                     .original_partition = 5, .original_offset = 6, .code = "malformed_json" });
}

static void teardown(void)
{
    view_unlock(view);
    view_close(&view);
}

static const struct { const char *words; enum hit_kind kind; const char *user, *generation; } exact_rows[] = {
    { "ada", HIT_USER, "ada", NULL },
    { "g-1", HIT_GENERATION, "ada", "g-1" },
    { "task-99", HIT_TASK, "ada", "g-1" },
    { "order 4711", HIT_KEY, "bob", NULL },
    { "grant-7", HIT_GRANT, "bob", NULL },
    { "reelgate.results/3@17", HIT_RECORD, "ada", "g-1" },
    { "17@55", HIT_RECORD, "ada", "g-1" },               /* as the ledger names its entries */
    { "2-42", HIT_LETTER, NULL, NULL },
    { "reelgate.requests/5@6", HIT_LETTER, NULL, NULL },
};

START_TEST(an_id_leads_to_what_it_belongs_to)
{
    struct hit hits[10];
    ck_assert_uint_eq(search_view(view, exact_rows[_i].words, hits, 10), 1);
    ck_assert(hits[0].exact);
    ck_assert_str_eq(HIT_NAMES[hits[0].kind], HIT_NAMES[exact_rows[_i].kind]);
    if (exact_rows[_i].user)
        ck_assert_str_eq(hits[0].user->id, exact_rows[_i].user);
    if (exact_rows[_i].generation)
        ck_assert_str_eq(hits[0].generation->id, exact_rows[_i].generation);
    ck_assert(hits[0].kind != HIT_LETTER || hits[0].letter->offset == 42);
}
END_TEST

static const char *const nothing[] = { "g-", "task-9", "task-999", "order 4712", "grant-", "3@17", "results/3@18",
                                       "journal/3@17", "reelgate.results/3@17x", "2-43", "elgate.requests/5@6", "%" };

START_TEST(a_part_of_an_id_leads_nowhere)
{
    struct hit hits[10];
    ck_assert_msg(search_view(view, nothing[_i], hits, 10) == 0, "%s found a %s", nothing[_i], HIT_NAMES[hits[0].kind]);
}
END_TEST

START_TEST(words_of_a_prompt_and_parts_of_a_name_are_found_newest_user_first)
{
    struct hit hits[10];
    ck_assert_uint_eq(search_view(view, "boat", hits, 10), 2);
    ck_assert_int_eq(hits[0].kind, HIT_PROMPT);
    ck_assert(!hits[0].exact);
    ck_assert_str_ne(hits[0].user->id, hits[1].user->id);
    ck_assert_uint_eq(search_view(view, "boat", hits, 1), 1);
    ck_assert_uint_eq(search_view(view, "Ad", hits, 10), 1);
    ck_assert(hits[0].kind == HIT_USER && !hits[0].exact);
}
END_TEST

CHECK_MAIN("search",
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, an_id_leads_to_what_it_belongs_to, 0, ROWS(exact_rows));
    tcase_add_loop_test(tests, a_part_of_an_id_leads_nowhere, 0, ROWS(nothing));
    tcase_add_test(tests, words_of_a_prompt_and_parts_of_a_name_are_found_newest_user_first);)
