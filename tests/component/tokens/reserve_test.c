/* reserve: every outcome, and that a recorded answer outranks whatever the second run would say. */
#include "bench.h"
#include "unit/check_main.h"

#define U "u1"
#define G "g1"

static void is(struct reserve_answer answer, enum reserve_outcome outcome, int64_t available,
               int64_t reserved)
{
    ck_assert_int_eq(answer.outcome, outcome);
    ck_assert_int_eq(answer.balance.available, available);
    ck_assert_int_eq(answer.balance.reserved, reserved);
}

static const struct { int64_t balance, amount; enum reserve_outcome want; int64_t left; } by_balance[] = {
    { 0, 1, RESERVE_INSUFFICIENT, 0 },
    { 1, 1, RESERVE_HELD, 0 },                       /* the exact amount */
    { 1, 2, RESERVE_INSUFFICIENT, 1 },
    { 5, 2, RESERVE_HELD, 3 },
    { 2147483647, 2147483647, RESERVE_HELD, 0 },
};

START_TEST(answers_by_balance)
{
    if (by_balance[_i].balance)
        bench_grant(U, "top-up", 1, by_balance[_i].balance);
    struct reserve_answer answer = bench_reserve(U, G, 1, by_balance[_i].amount);
    int64_t held = answer.outcome == RESERVE_HELD ? by_balance[_i].amount : 0;
    is(answer, by_balance[_i].want, by_balance[_i].left, held);
    ck_assert_int_eq(answer.required_tokens, by_balance[_i].amount);
    ck_assert_int_eq(answer.balance.granted, by_balance[_i].balance);
    ck_assert_int_eq(answer.at_ms, AT(1));
    ck_assert_int_eq(answer.quote.units, 5);
    ck_assert_int_eq(answer.quote.tokens, by_balance[_i].amount);
    ck_assert_str_eq(answer.quote.model, "gen4_turbo");
    ck_assert_str_eq(answer.quote.policy_version, "v 1%");      /* blanks and % survive the record */
    bench_balance_is(U, by_balance[_i].balance, by_balance[_i].left, held, 0);
    ck_assert_str_eq(bench_ask("ZCARD rg:{0}:open"), held ? "1" : "0");
}
END_TEST

START_TEST(the_same_origin_gets_the_recorded_answer)
{
    bench_grant(U, "top-up", 1, 10);
    is(bench_reserve(U, G, 1, 4), RESERVE_HELD, 6, 4);
    bench_reserve(U, "another", 2, 1);
    /* the price was raised between the two runs */
    struct reservation again = bench_reservation(U, G, 1, 9);
    again.at_ms = AT(999);
    again.refusal = "{\"code\":\"validation_error\"}";               /* and the model removed */
    struct reserve_answer answer = bench_reserve_full(&again);
    is(answer, RESERVE_HELD, 6, 4);
    ck_assert_int_eq(answer.required_tokens, 4);
    ck_assert_int_eq(answer.at_ms, AT(1));
    bench_balance_is(U, 10, 5, 5, 0);
}
END_TEST

START_TEST(another_origin_under_a_held_id_is_a_duplicate)
{
    bench_grant(U, "top-up", 1, 10);
    bench_reserve(U, G, 5, 4);
    ck_assert_int_eq(bench_reserve(U, G, 6, 4).outcome, RESERVE_DUPLICATE);
    ck_assert_int_eq(bench_reserve(U, G, 4, 4).outcome, RESERVE_DUPLICATE);
    struct reservation elsewhere = bench_reservation(U, G, 5, 4);
    elsewhere.origin.partition = 3;
    ck_assert_int_eq(bench_reserve_full(&elsewhere).outcome, RESERVE_DUPLICATE);
    bench_balance_is(U, 10, 6, 4, 0);
}
END_TEST

START_TEST(once_moved_on_its_own_origin_is_a_duplicate_too)
{
    bench_grant(U, "top-up", 1, 10);
    bench_reserve(U, G, 5, 4);
    bench_progress(U, G, "accepted");
    ck_assert_int_eq(bench_reserve(U, G, 5, 4).outcome, RESERVE_DUPLICATE);
    bench_reserve(U, "g2", 6, 4);
    bench_settle(U, "g2", 1, SETTLE_ALL);
    ck_assert_int_eq(bench_reserve(U, "g2", 6, 4).outcome, RESERVE_DUPLICATE);
    bench_balance_is(U, 10, 2, 4, 4);
}
END_TEST

/* After a refusal the id may be asked for again; the ledger's news of that refusal must not make the new
 * hold, whose transaction is still open, look finished. */
START_TEST(news_of_a_refusal_does_not_move_on_a_later_hold)
{
    is(bench_reserve(U, G, 1, 4), RESERVE_INSUFFICIENT, 0, 0);
    bench_grant(U, "top-up", 1, 10);
    is(bench_reserve(U, G, 2, 4), RESERVE_HELD, 6, 4);
    bench_progress(U, G, "rejected");
    is(bench_reserve(U, G, 2, 4), RESERVE_HELD, 6, 4);
}
END_TEST

START_TEST(another_user_or_request_under_a_known_id_is_a_conflict)
{
    bench_grant(U, "top-up", 1, 10);
    bench_grant("u2", "top-up-2", 1, 10);
    bench_reserve(U, G, 1, 4);
    /* even from the same record */
    ck_assert_int_eq(bench_reserve("u2", G, 1, 4).outcome, RESERVE_CONFLICT);
    ck_assert_int_eq(bench_reserve("u2", G, 2, 4).outcome, RESERVE_CONFLICT);
    struct reservation other = bench_reservation(U, G, 1, 4);
    other.fingerprint = "f2";
    ck_assert_int_eq(bench_reserve_full(&other).outcome, RESERVE_CONFLICT);
    bench_settle(U, G, 1, SETTLE_ALL);
    ck_assert_int_eq(bench_reserve_full(&other).outcome, RESERVE_CONFLICT);
    bench_balance_is("u2", 10, 10, 0, 0);
    bench_reserve("u3", "refused", 1, 4);
    ck_assert_int_eq(bench_reserve(U, "refused", 2, 4).outcome, RESERVE_CONFLICT);
}
END_TEST

/* refused at offset 10 of partition 0, then asked again: */
static const struct { int32_t partition; int64_t offset; enum reserve_outcome want; } after_refusal[] = {
    /* our own second run, although there would be enough now */
    { 0, 10, RESERVE_INSUFFICIENT },
    { 0, 9, RESERVE_DUPLICATE },                     /* a late call of a paused worker */
    { 0, 11, RESERVE_HELD },                         /* asked again after a top-up */
    { 1, 3, RESERVE_HELD },
};

START_TEST(a_refusal_is_remembered_with_its_origin)
{
    is(bench_reserve(U, G, 10, 4), RESERVE_INSUFFICIENT, 0, 0);
    int ttl = atoi(bench_ask("PTTL rg:{0}:gen:" G));
    ck_assert_msg(ttl > 3500000 && ttl <= 3600000, "%d", ttl);
    bench_grant(U, "top-up", 1, 10);
    struct reservation again = bench_reservation(U, G, after_refusal[_i].offset, 4);
    again.origin.partition = after_refusal[_i].partition;
    struct reserve_answer answer = bench_reserve_full(&again);
    ck_assert_int_eq(answer.outcome, after_refusal[_i].want);
    if (answer.outcome == RESERVE_HELD) {
        ck_assert_str_eq(bench_ask("PTTL rg:{0}:gen:" G), "-1");     /* a hold never expires */
        bench_balance_is(U, 10, 6, 4, 0);
    } else {
        bench_balance_is(U, 10, 10, 0, 0);
    }
    if (answer.outcome == RESERVE_INSUFFICIENT)
        ck_assert_int_eq(answer.balance.available, 0);       /* as it was told then */
}
END_TEST

START_TEST(a_given_refusal_is_recorded_and_given_again)
{
    static const char error[] = "{\"code\": \"validation_error\", \"message\": \"ratio  'x' is \\u00fcber\"}";
    /* a request that is wrong may have no price */
    struct reservation wrong = bench_reservation(U, G, 10, 0);
    wrong.refusal = error;
    bench_grant(U, "top-up", 1, 10);
    struct reserve_answer answer = bench_reserve_full(&wrong);
    ck_assert_int_eq(answer.outcome, RESERVE_REFUSED);
    ck_assert_str_eq(answer.error, error);
    /* the rule was dropped between the two runs */
    struct reserve_answer again = bench_reserve(U, G, 10, 4);
    ck_assert_int_eq(again.outcome, RESERVE_REFUSED);
    ck_assert_str_eq(again.error, error);
    is(bench_reserve(U, G, 11, 4), RESERVE_HELD, 6, 4);
    ck_assert_str_eq(bench_ask("HEXISTS rg:{0}:gen:" G " error"), "0");
}
END_TEST

START_TEST(a_user_below_zero_waits_and_so_does_the_batch)
{
    bench_ask("HSET rg:{0}:user:" U " granted 5 available -1 reserved 6 spent 0");
    struct reservation reservation = bench_reservation(U, G, 1, 1);
    tokens_batch_clear(bench.batch);
    tokens_reserve(bench.batch, &reservation);
    ck_assert_int_eq(tokens_batch_receive(bench.batch), TROUBLE_RETRY);
    const char *reason;
    ck_assert_int_eq(tokens_unverified(bench.tokens, &reason), 0);
    ck_assert_msg(strstr(reason, "below zero"), "%s", reason);
    ck_assert_str_eq(bench_ask("EXISTS rg:{0}:gen:" G), "0");
    bench_grant(U, "the-lost-one", 1, 5);
    is(bench_reserve(U, G, 1, 1), RESERVE_HELD, 3, 7);
}
END_TEST

/* Ten processes, or connections, at once on a balance of one: one wins. */
START_TEST(a_balance_of_one_is_won_once)
{
    enum { RACERS = 10 };
    struct tokens *tokens[RACERS];
    struct tokens_batch *batches[RACERS];
    int held = 0, refused = 0;
    bench_grant(U, "top-up", 1, 1);
    for (int i = 0; i < RACERS; i++) {
        char generation[16];
        snprintf(generation, sizeof generation, "race-%d", i);
        tokens[i] = bench_open(1, 2000);
        batches[i] = tokens_batch_open(tokens[i]);
        struct reservation reservation = bench_reservation(U, generation, i, 1);
        tokens_reserve(batches[i], &reservation);
    }
    for (int i = 0; i < RACERS; i++)
        ck_assert_int_eq(tokens_batch_send(batches[i]), TROUBLE_NONE);
    for (int i = RACERS - 1; i >= 0; i--) {
        struct reserve_answer answer;
        ck_assert_int_eq(tokens_batch_receive(batches[i]), TROUBLE_NONE);
        tokens_reserve_answer(batches[i], 0, &answer);
        held += answer.outcome == RESERVE_HELD;
        refused += answer.outcome == RESERVE_INSUFFICIENT;
        tokens_batch_close(&batches[i]);
        tokens_close(&tokens[i]);
    }
    ck_assert_int_eq(held, 1);
    ck_assert_int_eq(refused, RACERS - 1);
    bench_balance_is(U, 1, 0, 1, 0);
}
END_TEST

START_TEST(lookup_knows_only_its_own_users_generations)
{
    bench_grant(U, "top-up", 1, 10);
    ck_assert_int_eq(bench_lookup(U, G), LOOKUP_UNKNOWN);
    bench_reserve(U, G, 1, 4);
    ck_assert_int_eq(bench_lookup(U, G), LOOKUP_HELD);
    ck_assert_int_eq(bench_lookup("u2", G), LOOKUP_UNKNOWN);
    bench_settle(U, G, 1, 0);
    ck_assert_int_eq(bench_lookup(U, G), LOOKUP_ENDED);
    bench_reserve(U, "too much", 2, 40);
    ck_assert_int_eq(bench_lookup(U, "too much"), LOOKUP_ENDED);
}
END_TEST

CHECK_MAIN("tokens-reserve", tcase_add_checked_fixture(tests, bench_start,
                                                       bench_stop); tcase_set_timeout(tests, 30);
           tcase_add_loop_test(tests, answers_by_balance, 0, ROWS(by_balance));
           tcase_add_test(tests, the_same_origin_gets_the_recorded_answer);
           tcase_add_test(tests, another_origin_under_a_held_id_is_a_duplicate);
           tcase_add_test(tests, once_moved_on_its_own_origin_is_a_duplicate_too);
           tcase_add_test(tests, news_of_a_refusal_does_not_move_on_a_later_hold);
           tcase_add_test(tests, another_user_or_request_under_a_known_id_is_a_conflict);
           tcase_add_loop_test(tests, a_refusal_is_remembered_with_its_origin, 0, ROWS(after_refusal));
           tcase_add_test(tests, a_given_refusal_is_recorded_and_given_again);
           tcase_add_test(tests, a_user_below_zero_waits_and_so_does_the_batch);
           tcase_add_test(tests, a_balance_of_one_is_won_once);
           tcase_add_test(tests, lookup_knows_only_its_own_users_generations);)
