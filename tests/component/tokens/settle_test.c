/* settle and progress: a hold ends once, in the parts that its message says; views follow and never harm. */
#include "bench.h"
#include "unit/check_main.h"

#define U "u1"
#define G "g1"

static const struct { int64_t hold, charge, committed; } charges[] = {
    { 7, SETTLE_ALL, 7 }, { 7, 7, 7 }, { 7, 0, 0 }, { 7, 3, 3 }, { 7, 8, 7 }, { 7, 9007199254740991, 7 },
        { 1, SETTLE_ALL, 1 },
};

START_TEST(a_hold_ends_in_commit_and_release)
{
    int64_t hold = charges[_i].hold, committed = charges[_i].committed, released = hold - committed;
    bench_grant(U, "top-up", 1, 100);
    bench_reserve(U, "bystander", 1, 10);
    bench_reserve(U, G, 2, hold);
    struct settle_answer answer = bench_settle(U, G, 5, charges[_i].charge);
    ck_assert_int_eq(answer.outcome, SETTLE_DONE);
    ck_assert_int_eq(answer.committed_tokens, committed);
    ck_assert_int_eq(answer.released_tokens, released);
    ck_assert_int_eq(answer.at_ms, AT(5));
    ck_assert_str_eq(answer.quote.model, "gen4_turbo");
    ck_assert_int_eq(answer.quote.tokens, hold);
    ck_assert_int_eq(answer.after_commit.available, 90 - hold);
    ck_assert_int_eq(answer.after_commit.reserved, 10 + released);
    ck_assert_int_eq(answer.after_commit.spent, committed);
    ck_assert(balance_adds_up(&answer.after_commit));
    ck_assert_int_eq(answer.after_release.available, 90 - committed);
    ck_assert_int_eq(answer.after_release.reserved, 10);
    ck_assert(balance_adds_up(&answer.after_release));
    bench_balance_is(U, 100, 90 - committed, 10, committed);
    ck_assert_str_eq(bench_ask("ZRANGE rg:{0}:open 0 -1"), "bystander");
    ck_assert_str_eq(bench_ask("HGET rg:{0}:user:" U " %s", committed ? "charged" : "freed"), "1");
    long ttl = atol(bench_ask("PTTL rg:{0}:gen:" G));
    ck_assert_msg(ttl > 604700000 && ttl <= 604800000, "%ld", ttl);

    /* the second run: as recorded, nothing moves */
    struct settle_answer again = bench_settle(U, G, 5, 1);
    ck_assert_int_eq(again.outcome, SETTLE_DONE);
    ck_assert_int_eq(again.committed_tokens, committed);
    ck_assert_int_eq(again.released_tokens, released);
    ck_assert_mem_eq(&again.after_commit, &answer.after_commit, sizeof again.after_commit);
    ck_assert_mem_eq(&again.after_release, &answer.after_release, sizeof again.after_release);
    ck_assert_int_eq(bench_settle(U, G, 6, SETTLE_ALL).outcome, SETTLE_DUPLICATE);
    bench_balance_is(U, 100, 90 - committed, 10, committed);
}
END_TEST

START_TEST(without_a_hold_nothing_moves)
{
    bench_grant(U, "top-up", 1, 10);
    bench_reserve(U, G, 1, 4);
    bench_reserve(U, "refused", 2, 40);
    const char *before = bench_state();
    ck_assert_int_eq(bench_settle(U, "unheard", 1, SETTLE_ALL).outcome, SETTLE_NO_HOLD);
    ck_assert_int_eq(bench_settle(U, "refused", 1, SETTLE_ALL).outcome, SETTLE_NO_HOLD);
    ck_assert_int_eq(bench_settle("u2", G, 1, SETTLE_ALL).outcome, SETTLE_NO_HOLD);
    ck_assert_str_eq(before, bench_state());
}
END_TEST

START_TEST(the_view_follows_and_news_that_is_late_is_ignored)
{
    struct tokens_generation seen;
    bool found;
    bench_grant(U, "top-up", 1, 10);
    bench_reserve(U, G, 1, 4);
    ck_assert_int_eq(tokens_generation(bench.tokens, U, G, &seen, &found), TROUBLE_NONE);
    ck_assert(found && !seen.status && !seen.view);
    ck_assert_str_eq(seen.state, "reserved");
    ck_assert_str_eq(seen.origin, "requests/0@1");
    ck_assert_int_eq(seen.held_tokens, 4);
    tokens_generation_free(&seen);

    bench_progress(U, G, "accepted");
    bench_progress(U, G, "submitted");
    ck_assert_int_eq(tokens_generation(bench.tokens, U, G, &seen, &found), TROUBLE_NONE);
    ck_assert_str_eq(seen.status, "submitted");
    ck_assert_str_eq(seen.view, "{\"progress\": 0.5}");
    tokens_generation_free(&seen);

    bench_settle(U, G, 2, 3);
    bench_progress(U, G, "submitted");
    ck_assert_int_eq(tokens_generation(bench.tokens, U, G, &seen, &found), TROUBLE_NONE);
    ck_assert_str_eq(seen.state, "settled");
    ck_assert_str_eq(seen.status, "completed");
    ck_assert_str_eq(seen.view, "{\"task\": \"t 1\"}");
    ck_assert_int_eq(seen.committed_tokens, 3);
    ck_assert_int_eq(seen.released_tokens, 1);
    tokens_generation_free(&seen);
    ck_assert_int_eq(tokens_generation(bench.tokens, "u2", G, &seen, &found), TROUBLE_NONE);
    ck_assert(!found);
    ck_assert_str_eq(bench_ask("ZRANGE rg:{0}:recent:" U " 0 -1"), G);
    ck_assert_str_eq(bench_ask("ZRANGE rg:{0}:top 0 -1 WITHSCORES"), U " 3");
}
END_TEST

START_TEST(the_day_counts_each_token_once)
{
    bench_grant(U, "top-up", 1, 10);
    bench_grant(U, "top-up", 1, 10);
    bench_grant(U, "correction", 2, -2);
    bench_reserve(U, G, 1, 4);
    for (int again = 0; again < 2; again++) {
        bench_progress(U, G, "accepted");
        bench_progress(U, G, "submitted");
    }
    bench_settle(U, G, 2, 3);
    bench_settle(U, G, 2, 3);
    bench_progress(U, G, "accepted");
    ck_assert_str_eq(bench_ask("HMGET rg:{0}:day:20251123 grant reserve commit release"), "8 4 3 1");
    ck_assert_int_gt(atol(bench_ask("TTL rg:{0}:day:20251123")), 34000000);
}
END_TEST

/* A ledger need not tell of every step: the end alone counts the hold too, and lists it. */
START_TEST(the_end_alone_is_counted_and_listed_whole)
{
    bench_grant(U, "top-up", 1, 10);
    bench_reserve(U, G, 1, 4);
    bench_settle(U, G, 2, 3);
    ck_assert_str_eq(bench_ask("HMGET rg:{0}:day:20251123 grant reserve commit release"), "10 4 3 1");
    ck_assert_str_eq(bench_ask("ZRANGE rg:{0}:recent:" U " 0 -1"), G);
    bench_reserve(U, "g2", 2, 4);
    bench_progress(U, "g2", "submitted");
    bench_settle(U, "g2", 3, SETTLE_ALL);
    ck_assert_str_eq(bench_ask("HMGET rg:{0}:day:20251123 grant reserve commit release"), "10 8 7 1");
    ck_assert_str_eq(bench_ask("ZRANGE rg:{0}:recent:" U " 0 -1"), G " g2");
}
END_TEST

START_TEST(a_rejection_is_shown_although_it_holds_nothing)
{
    struct tokens_generation seen;
    bool found;
    bench_reserve(U, G, 1, 4);
    bench_progress(U, G, "rejected");
    ck_assert_int_eq(tokens_generation(bench.tokens, U, G, &seen, &found), TROUBLE_NONE);
    ck_assert(found);
    ck_assert_str_eq(seen.state, "refused");
    ck_assert_str_eq(seen.status, "rejected");
    tokens_generation_free(&seen);
    bench_ask("DEL rg:{0}:gen:" G);                  /* an hour later */
    ck_assert_int_eq(tokens_generation(bench.tokens, U, G, &seen, &found), TROUBLE_NONE);
    ck_assert(found && !seen.state);
    ck_assert_str_eq(seen.status, "rejected");
    tokens_generation_free(&seen);
}
END_TEST

START_TEST(a_hundred_recent_generations_are_kept)
{
    for (int i = 0; i < 120; i++) {
        char id[16];
        snprintf(id, sizeof id, "g-%03d", i);
        tokens_batch_clear(bench.batch);
        tokens_progress(bench.batch, U, id, "rejected", NULL, AT(i));
        ck_assert_int_eq(tokens_batch_receive(bench.batch), TROUBLE_NONE);
    }
    ck_assert_str_eq(bench_ask("ZCARD rg:{0}:recent:" U), "100");
    ck_assert_str_eq(bench_ask("ZRANGE rg:{0}:recent:" U " 0 0"), "g-020");
}
END_TEST

/* A journal that holds one half of a settlement (hazards K1), replayed, leaves a hold that is settled in
 * part. */
START_TEST(the_rest_of_a_torn_settlement_is_settled)
{
    bench_grant(U, "top-up", 1, 10);
    bench_reserve(U, G, 1, 7);
    bench_ask("HSET rg:{0}:gen:" G " committed 3");
    bench_ask("HSET rg:{0}:user:" U " reserved 4 spent 3");
    struct settle_answer answer = bench_settle(U, G, 5, 3);
    ck_assert_int_eq(answer.outcome, SETTLE_DONE);
    ck_assert_int_eq(answer.committed_tokens, 3);
    ck_assert_int_eq(answer.released_tokens, 4);
    bench_balance_is(U, 10, 7, 0, 3);
}
END_TEST

CHECK_MAIN("tokens-settle", tcase_add_checked_fixture(tests, bench_start,
                                                      bench_stop); tcase_set_timeout(tests, 30);
           tcase_add_loop_test(tests, a_hold_ends_in_commit_and_release, 0, ROWS(charges));
           tcase_add_test(tests, without_a_hold_nothing_moves);
           tcase_add_test(tests, the_view_follows_and_news_that_is_late_is_ignored);
           tcase_add_test(tests, the_day_counts_each_token_once);
           tcase_add_test(tests, the_end_alone_is_counted_and_listed_whole);
           tcase_add_test(tests, a_rejection_is_shown_although_it_holds_nothing);
           tcase_add_test(tests, a_hundred_recent_generations_are_kept);
           tcase_add_test(tests, the_rest_of_a_torn_settlement_is_settled);)
