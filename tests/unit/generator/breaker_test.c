#include <stdlib.h>

#include "unit/check_main.h"
#include "worker/breaker.h"
#include "worker/due.h"
#include "worker/provider.h"

START_TEST(an_open_breaker_lets_only_probes_through)
{
    struct breaker breaker;
    breaker_init(&breaker, 5000, 60000);
    ck_assert(breaker_allows(&breaker, 15));
    ck_assert(breaker_trip(&breaker, 1000));
    ck_assert(!breaker_trip(&breaker, 1001));            /* the other fifteen calls say the same: told once */
    ck_assert(!breaker_allows(&breaker, 0));
    ck_assert(!breaker_probe_due(&breaker, 1000));
    ck_assert(breaker_probe_due(&breaker, 6000));
    ck_assert(!breaker_probe_due(&breaker, 60000));      /* one at a time */
    breaker_probed(&breaker, false, 6100);
    ck_assert(!breaker_allows(&breaker, 0));
    ck_assert(!breaker_probe_due(&breaker, 6200));
    ck_assert(breaker_probe_due(&breaker, 16100));
}
END_TEST

START_TEST(after_a_good_probe_one_call_goes_ahead)
{
    struct breaker breaker;
    breaker_init(&breaker, 5000, 60000);
    breaker_trip(&breaker, 1000);
    ck_assert(!breaker_passed(&breaker, 1500));          /* a call from before says nothing */
    ck_assert(breaker_probe_due(&breaker, 6000));
    breaker_probed(&breaker, true, 6100);
    ck_assert(breaker_allows(&breaker, 0));
    ck_assert(!breaker_allows(&breaker, 1));
    ck_assert_int_eq(breaker_open_ms(&breaker, 8000), 7000);
    ck_assert(breaker_passed(&breaker, 8000));
    ck_assert(breaker_allows(&breaker, 15));
    ck_assert_int_eq(breaker_open_ms(&breaker, 99000), 7000);
    breaker_trip(&breaker, 100000);
    ck_assert_int_eq(breaker_open_ms(&breaker, 101000), 8000);
}
END_TEST

START_TEST(a_call_that_fails_again_opens_it_again_without_telling_twice)
{
    struct breaker breaker;
    breaker_init(&breaker, 5000, 60000);
    breaker_trip(&breaker, 1000);
    breaker_probe_due(&breaker, 6000);
    breaker_probed(&breaker, true, 6100);
    ck_assert(!breaker_trip(&breaker, 6500));
    ck_assert(!breaker_allows(&breaker, 0));
    ck_assert_int_ge(breaker.probe_at_ms, 6500 + 5000);  /* the second wait is longer */
}
END_TEST

enum { NODES = 500 };

START_TEST(what_is_due_comes_in_order_of_time)
{
    static struct due_node nodes[NODES];
    struct due due = { 0 };
    for (int i = 0; i < NODES; i++)
        due_set(&due, &nodes[i], (int64_t)(random_u64() % 1000));
    for (int i = 0; i < NODES; i += 3)
        due_set(&due, &nodes[i], (int64_t)(random_u64() % 1000));        /* moved */
    int removed = 0;
    for (int i = 0; i < NODES; i += 7, removed++)
        due_unset(&due, &nodes[i]);
    due_unset(&due, &nodes[0]);                                          /* twice does no harm */
    ck_assert_ptr_null(due_take(&due, -1));
    int64_t last_ms = 0;
    int taken = 0;
    for (struct due_node *node; (node = due_take(&due, 2000)) != NULL; taken++) {
        ck_assert_int_ge(node->at_ms, last_ms);
        ck_assert_int_ne((node - nodes) % 7, 0);
        last_ms = node->at_ms;
    }
    ck_assert_int_eq(taken, NODES - removed);
    ck_assert_int_eq(due_wait_ms(&due, 0, 500), 500);
    due_set(&due, &nodes[1], 120);
    ck_assert_int_eq(due_wait_ms(&due, 100, 500), 20);
    ck_assert_int_eq(due_wait_ms(&due, 130, 500), 0);
    due_free(&due);
}
END_TEST

static const struct { const char *foreign; size_t most; const char *want; } words[] = {
    { "Validation of body failed", 100, "Validation of body failed" },
    { "a\nb\tc\x7f", 100, "a b c " },
    { "\xff\xfe" "ok", 100, "??ok" },
    { "\xc0\xaf", 100, "??" },                       /* overlong */
    { "\xed\xa0\x80", 100, "???" },                  /* a surrogate */
    { "caf\xc3\xa9", 5, "caf\xc3\xa9" },
    { "caf\xc3\xa9", 4, "caf" },                     /* never half a character */
    { "", 10, "" },
    { NULL, 10, "" },
};

START_TEST(words_from_outside_become_whole_utf8)
{
    struct text out = { 0 };
    text_add_foreign(&out, words[_i].foreign, words[_i].most);
    ck_assert_str_eq(out.bytes, words[_i].want);
    text_free(&out);
}
END_TEST

START_TEST(headers_come_line_by_line)
{
    const struct provider_settings settings = { .headers = "\nX-One: 1\r\nX-Two: a b\n" };
    char **headers = provider_headers(&settings);
    ck_assert_str_eq(headers[0], "X-One: 1");
    ck_assert_str_eq(headers[1], "X-Two: a b");
    ck_assert_ptr_null(headers[2]);
    provider_headers_free(&headers);
    ck_assert_ptr_null(provider_headers(&(struct provider_settings){ .headers = NULL }));
}
END_TEST

CHECK_MAIN("breaker",
    tcase_add_test(tests, an_open_breaker_lets_only_probes_through);
    tcase_add_test(tests, after_a_good_probe_one_call_goes_ahead);
    tcase_add_test(tests, a_call_that_fails_again_opens_it_again_without_telling_twice);
    tcase_add_test(tests, what_is_due_comes_in_order_of_time);
    tcase_add_loop_test(tests, words_from_outside_become_whole_utf8, 0, ROWS(words));
    tcase_add_test(tests, headers_come_line_by_line);)
