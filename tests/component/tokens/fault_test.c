/* What Redis may do to a batch: be away, forget, restart, be recovered by somebody else, fill up. Never half
 * an answer, never a batch that passes its second guard on a ground that has changed. */
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "bench.h"
#include "unit/check_main.h"

#define U "u1"

static void append(struct tokens_batch *batch, const char *generation, int64_t offset, int64_t amount)
{
    struct reservation reservation = bench_reservation(U, generation, offset, amount);
    tokens_reserve(batch, &reservation);
}

static struct tokens_batch *fresh_batch(const char *generation, int64_t offset, int64_t amount)
{
    tokens_batch_clear(bench.batch);
    append(bench.batch, generation, offset, amount);
    return bench.batch;
}

static void retries(struct tokens_batch *batch, int32_t bucket, const char *says)
{
    const char *reason;
    ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_RETRY);
    int32_t bad = tokens_unverified(bench.tokens, &reason);
    ck_assert_msg(bad == bucket && strstr(reason, says), "bucket %d: %s", bad, reason);
}

static enum reserve_outcome outcome(const struct tokens_batch *batch, size_t call)
{
    struct reserve_answer answer;
    tokens_reserve_answer(batch, call, &answer);
    return answer.outcome;
}

START_TEST(an_unverified_bucket_is_not_written)
{
    bench_ask("FLUSHALL");
    retries(fresh_batch("g1", 1, 1), 0, "not verified");
    retries(fresh_batch("g1", 1, 1), 0, "not verified");
    ck_assert_str_eq(bench_ask("DBSIZE"), "0");
    bench_verify(bench.tokens, 0);
    ck_assert_int_eq(tokens_batch_receive(fresh_batch("g1", 1, 1)), TROUBLE_NONE);
    ck_assert_int_eq(tokens_batch_guard(bench.batch), TROUBLE_NONE);
}
END_TEST

/* Between the scripts and the commit: */
static const char *const grounds[] = { "FLUSHALL", "HDEL rg:{0}:meta verified", "begin", "recovered",
                                       "restart", NULL };

START_TEST(a_changed_ground_aborts_at_the_second_guard)
{
    struct recovery recovery;
    bench_grant(U, "top-up", 1, 10);
    ck_assert_int_eq(tokens_batch_receive(fresh_batch("g1", 1, 1)), TROUBLE_NONE);
    ck_assert_int_eq(tokens_batch_guard(bench.batch), TROUBLE_NONE);
    struct tokens *other = bench_open(1, 2000);
    if (strcmp(grounds[_i], "begin") == 0)
        ck_assert_int_eq(recovery_begin(other, 0, &recovery), TROUBLE_NONE);
    else if (strcmp(grounds[_i], "recovered") == 0)
        bench_verify(other, 0);
    else if (strcmp(grounds[_i], "restart") == 0)
        redis_server_restart(bench.server);
    else
        bench_ask("%s", grounds[_i]);
    /* After a restart the old connection is gone: whether it says so or the guard does, the batch is not
     * committed. */
    ck_assert_int_ne(tokens_batch_guard(bench.batch), TROUBLE_NONE);
    ck_assert_int_eq(tokens_batch_guard(bench.batch), TROUBLE_ABORT_BATCH);
    tokens_close(&other);
}
END_TEST

/* An AOF brings back everything, verified included; but it was verified for a process that is no more. */
START_TEST(a_restart_that_keeps_all_is_unverified_until_recovered)
{
    static const char *const aof[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };
    bench_stop();
    bench.server = redis_server_start(aof);
    bench.tokens = bench_open(1, 2000);
    bench.batch = tokens_batch_open(bench.tokens);
    bench_verify(bench.tokens, 0);
    bench_grant(U, "top-up", 1, 10);
    ck_assert_int_eq(bench_reserve(U, "g1", 1, 4).outcome, RESERVE_HELD);
    redis_server_restart(bench.server);
    ck_assert_str_eq(bench_ask("HEXISTS rg:{0}:meta verified"), "1");
    ck_assert_int_eq(tokens_batch_receive(fresh_batch("g2", 2, 1)), TROUBLE_RETRY);   /* the connection */
    retries(fresh_batch("g2", 2, 1), 0, "not verified");
    ck_assert_str_eq(bench_ask("HEXISTS rg:{0}:meta verified"), "0");        /* guard has cleared it */
    bench_verify(bench.tokens, 0);
    /* the recorded answer is still there */
    ck_assert_int_eq(bench_reserve(U, "g1", 1, 9).outcome, RESERVE_HELD);
    bench_balance_is(U, 10, 6, 4, 0);
}
END_TEST

START_TEST(another_process_adopts_what_stands_in_one_go)
{
    bench_grant(U, "top-up", 1, 10);
    struct tokens *other = bench_open(1, 2000);
    struct tokens_batch *batch = tokens_batch_open(other);
    append(batch, "g1", 1, 4);
    ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_NONE);
    bench_verify(bench.tokens, 0);                   /* recovered meanwhile: its value is an old one */
    tokens_batch_clear(batch);
    append(batch, "g2", 2, 4);
    ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_RETRY);
    ck_assert_str_eq(bench_ask("EXISTS rg:{0}:gen:g2"), "0");
    tokens_batch_clear(batch);
    append(batch, "g2", 2, 4);
    ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_NONE);
    ck_assert_int_eq(tokens_batch_guard(batch), TROUBLE_NONE);
    tokens_batch_close(&batch);
    tokens_close(&other);
}
END_TEST

START_TEST(another_count_of_partitions_is_never_adopted)
{
    struct tokens *other = bench_open(3, 2000);
    struct tokens_batch *batch = tokens_batch_open(other);
    int in_bucket_0 = 0;
    for (int i = 0; i < 20; i++) {
        char user[16];
        snprintf(user, sizeof user, "user-%d", i);
        if (bucket_of(user, strlen(user), 3) != 0)
            continue;
        in_bucket_0++;
        tokens_batch_clear(batch);
        tokens_grant(batch, &(struct grant){ user, user, { "grants", 0, i }, 1, AT(i) });
        ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_RETRY);
    }
    ck_assert_int_gt(in_bucket_0, 0);
    ck_assert_str_eq(bench_ask("KEYS rg:{0}:user:*"), "");
    tokens_batch_close(&batch);
    tokens_close(&other);
}
END_TEST

START_TEST(lost_scripts_cost_one_retry)
{
    bench_grant(U, "top-up", 1, 10);
    bench_ask("SCRIPT FLUSH");
    retries(fresh_batch("g1", 1, 1), -1, "NOSCRIPT");
    ck_assert_int_eq(tokens_batch_receive(fresh_batch("g1", 1, 1)), TROUBLE_NONE);
    bench_ask("SCRIPT FLUSH");                       /* and over the side connection */
    ck_assert_int_ne(tokens_batch_guard(bench.batch), TROUBLE_NONE);
    ck_assert_int_eq(tokens_batch_guard(bench.batch), TROUBLE_NONE);
}
END_TEST

/* Scripts vanish half way through a batch: its first half has run, the caller gets nothing of it, and the
 * second run answers for both halves. */
START_TEST(half_a_batch_is_no_batch)
{
    bench_grant(U, "top-up", 1, 10);
    fresh_batch("g1", 1, 4);
    ck_assert_int_eq(tokens_batch_send(bench.batch), TROUBLE_NONE);
    clock_sleep_ms(50);
    bench_ask("SCRIPT FLUSH");
    append(bench.batch, "g2", 2, 4);
    retries(bench.batch, -1, "NOSCRIPT");
    bench_balance_is(U, 10, 6, 4, 0);
    fresh_batch("g1", 1, 4);
    append(bench.batch, "g2", 2, 4);
    ck_assert_int_eq(tokens_batch_receive(bench.batch), TROUBLE_NONE);
    ck_assert_int_eq(outcome(bench.batch, 0), RESERVE_HELD);
    ck_assert_int_eq(outcome(bench.batch, 1), RESERVE_HELD);
    bench_balance_is(U, 10, 2, 8, 0);
}
END_TEST

START_TEST(two_batches_are_outstanding_and_answered_in_order)
{
    struct tokens_batch *second = tokens_batch_open(bench.tokens);
    bench_grant(U, "top-up", 1, 5);
    for (int turn = 0; turn < 20; turn++) {
        char generation[16];
        snprintf(generation, sizeof generation, "a-%d", turn);
        fresh_batch(generation, 2 * turn, 1);
        ck_assert_int_eq(tokens_batch_send(bench.batch), TROUBLE_NONE);
        tokens_batch_clear(second);
        snprintf(generation, sizeof generation, "b-%d", turn);
        append(second, generation, 2 * turn + 1, 1);
        append(second, generation, 2 * turn + 1, 1);
        ck_assert_int_eq(tokens_batch_send(second), TROUBLE_NONE);
        ck_assert_int_eq(tokens_batch_receive(bench.batch), TROUBLE_NONE);
        /* while the second is still to be read */
        ck_assert_int_eq(tokens_batch_guard(bench.batch), TROUBLE_NONE);
        ck_assert_int_eq(tokens_batch_receive(second), TROUBLE_NONE);
        ck_assert_int_eq(outcome(bench.batch, 0), turn < 3 ? RESERVE_HELD : RESERVE_INSUFFICIENT);
        ck_assert_int_eq(outcome(second, 1), turn < 2 ? RESERVE_HELD : RESERVE_INSUFFICIENT);
    }
    tokens_batch_close(&second);
    bench_balance_is(U, 5, 0, 5, 0);
}
END_TEST

START_TEST(a_failed_batch_fails_the_one_behind_it)
{
    struct tokens_batch *second = tokens_batch_open(bench.tokens);
    bench_grant(U, "top-up", 1, 5);
    bench_ask("SCRIPT FLUSH");
    fresh_batch("g1", 1, 1);
    append(second, "g2", 2, 1);
    ck_assert_int_eq(tokens_batch_receive(bench.batch), TROUBLE_RETRY);
    ck_assert_int_eq(tokens_batch_receive(second), TROUBLE_RETRY);
    fresh_batch("g1", 1, 1);
    tokens_batch_clear(second);
    append(second, "g2", 2, 1);
    /* dropped unread: what is behind it can't be read either */
    tokens_batch_clear(bench.batch);
    ck_assert_int_eq(tokens_batch_receive(second), TROUBLE_RETRY);
    tokens_batch_clear(second);
    append(second, "g2", 2, 1);
    ck_assert_int_eq(tokens_batch_receive(second), TROUBLE_NONE);
    ck_assert_int_eq(outcome(second, 0), RESERVE_HELD);
    tokens_batch_close(&second);
}
END_TEST

/* The answers of a batch that timed out arrive later; they must not be taken for those of the next. */
START_TEST(a_late_answer_belongs_to_nobody)
{
    tokens_batch_close(&bench.batch);
    tokens_close(&bench.tokens);
    bench.tokens = bench_open(1, 200);
    bench.batch = tokens_batch_open(bench.tokens);
    bench_grant(U, "top-up", 1, 100);
    redis_server_freeze(bench.server);
    int64_t began_ms = clock_mono_ms();
    retries(fresh_batch("late", 1, 60), -1, "no answer");
    ck_assert_int_lt(clock_mono_ms() - began_ms, 3000);
    ck_assert_int_eq(tokens_batch_receive(fresh_batch("late", 1, 60)), TROUBLE_RETRY);
    redis_server_thaw(bench.server);
    fresh_batch("next", 2, 7);
    enum trouble trouble = tokens_batch_receive(bench.batch);
    if (trouble != TROUBLE_NONE)                     /* it may still be catching up */
        trouble = tokens_batch_receive(fresh_batch("next", 2, 7));
    ck_assert_int_eq(trouble, TROUBLE_NONE);
    struct reserve_answer answer;
    tokens_reserve_answer(bench.batch, 0, &answer);
    ck_assert_int_eq(answer.required_tokens, 7);
    answer = bench_reserve(U, "late", 1, 60);        /* run or not run at that time: now it is held, once */
    ck_assert_int_eq(answer.outcome, RESERVE_HELD);
    bench_balance_is(U, 100, 33, 67, 0);
}
END_TEST

START_TEST(a_full_redis_is_a_retry_never_a_refusal)
{
    bench_grant(U, "top-up", 1, 10);
    const char *before = bench_state();
    ck_assert_str_eq(bench_ask("CONFIG SET maxmemory 1"), "OK");
    retries(fresh_batch("g1", 1, 1), -1, "OOM");
    ck_assert_str_eq(bench_ask("CONFIG SET maxmemory 0"), "OK");
    ck_assert_str_eq(before, bench_state());
    ck_assert_int_eq(bench_reserve(U, "g1", 1, 1).outcome, RESERVE_HELD);
}
END_TEST

static const struct { const char *policy; enum trouble want; } policies[] = {
    { "noeviction", TROUBLE_NONE }, { "allkeys-lru", TROUBLE_RESTART }, { "volatile-ttl", TROUBLE_RESTART },
    { "volatile-lru", TROUBLE_RESTART },
};

START_TEST(a_server_that_evicts_is_refused)
{
    char reason[200];
    bench_ask("CONFIG SET maxmemory-policy %s", policies[_i].policy);
    ck_assert_int_eq(tokens_check(bench.tokens, reason), policies[_i].want);
    ck_assert_msg(policies[_i].want == TROUBLE_NONE || strstr(reason, policies[_i].policy), "%s", reason);
}
END_TEST

START_TEST(away_is_a_retry_with_words)
{
    char reason[200];
    redis_server_down(bench.server);
    ck_assert_int_eq(tokens_check(bench.tokens, reason), TROUBLE_RETRY);
    ck_assert_msg(strstr(reason, "onnect"), "%s", reason);
    struct tokens_batch *batch = fresh_batch("g1", 1, 1);
    ck_assert_int_eq(tokens_batch_count(batch), 1);
    ck_assert_int_eq(tokens_batch_send(batch), TROUBLE_RETRY);
    retries(batch, -1, "onnect");
}
END_TEST

static void wait_for(const char *section, const char *text)
{
    for (int i = 0; i < 500 && !strstr(bench_ask("INFO %s", section), text); i++)
        clock_sleep_ms(20);
    ck_assert_msg(strstr(bench_ask("INFO %s", section), text), "%s never came", text);
}

START_TEST(replicas_are_refused_as_address_and_waited_for_as_company)
{
    char reason[200], port[8];
    snprintf(port, sizeof port, "%d", redis_server_port(bench.server));
    const char *const options[] = { "--replicaof", "127.0.0.1", port, NULL };
    struct redis_server *primary = bench.server;
    struct redis_server *replica = redis_server_start(options);
    wait_for("replication", "state=online");
    bench.server = replica;
    struct tokens *wrong = bench_open(1, 2000);
    ck_assert_int_eq(tokens_check(wrong, reason), TROUBLE_RESTART);
    ck_assert_msg(strstr(reason, "replica"), "%s", reason);
    tokens_close(&wrong);
    bench.server = primary;

    ck_assert_int_eq(tokens_check(bench.tokens, reason), TROUBLE_RESTART);
    ck_assert_msg(strstr(reason, "min-replicas-to-write"), "%s", reason);
    bench_ask("CONFIG SET min-replicas-to-write 1");
    ck_assert_int_eq(tokens_check(bench.tokens, reason), TROUBLE_NONE);
    /* with its first replica a server takes a new replication id */
    retries(fresh_batch("g1", 1, 4), 0, "not verified");
    bench_verify(bench.tokens, 0);
    bench_grant(U, "top-up", 1, 10);
    ck_assert_int_eq(bench_reserve(U, "g1", 1, 4).outcome, RESERVE_HELD);
    /* WAIT has seen to it */
    ck_assert_str_eq(redis_server_ask(replica, "HGET rg:{0}:user:" U " reserved"), "4");
    redis_server_freeze(replica);
    ck_assert_int_eq(tokens_batch_receive(fresh_batch("g2", 2, 4)), TROUBLE_RETRY);
    redis_server_thaw(replica);
    redis_server_stop(&replica);
}
END_TEST

/* A long outage says so once in a while, not once a batch. */
START_TEST(the_log_says_it_once)
{
    char path[] = "/tmp/reelgate-log-XXXXXX", text[8192];
    int file = mkstemp(path), kept = dup(STDERR_FILENO);
    redis_server_down(bench.server);
    dup2(file, STDERR_FILENO);
    log_open("test", "1", LOG_LEVEL_INFO);
    for (int i = 0; i < 20; i++)
        tokens_batch_receive(fresh_batch("g1", 1, 1));
    dup2(kept, STDERR_FILENO);
    ssize_t length = pread(file, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    unlink(path);
    const char *first = strstr(text, "Failed to check token balance");
    ck_assert_msg(first != NULL, "%s", text);
    ck_assert_ptr_null(strstr(first + 1, "Failed to check token balance"));
    ck_assert_msg(strstr(text, "\"reason\":"), "%s", text);
}
END_TEST

CHECK_MAIN("tokens-fault", tcase_add_checked_fixture(tests, bench_start,
                                                     bench_stop); tcase_set_timeout(tests, 40);
           tcase_add_test(tests, an_unverified_bucket_is_not_written);
           tcase_add_loop_test(tests, a_changed_ground_aborts_at_the_second_guard, 0, ROWS(grounds) - 1);
           tcase_add_test(tests, a_restart_that_keeps_all_is_unverified_until_recovered);
           tcase_add_test(tests, another_process_adopts_what_stands_in_one_go);
           tcase_add_test(tests, another_count_of_partitions_is_never_adopted);
           tcase_add_test(tests, lost_scripts_cost_one_retry);
           tcase_add_test(tests, half_a_batch_is_no_batch);
           tcase_add_test(tests, two_batches_are_outstanding_and_answered_in_order);
           tcase_add_test(tests, a_failed_batch_fails_the_one_behind_it);
           tcase_add_test(tests, a_late_answer_belongs_to_nobody);
           tcase_add_test(tests, a_full_redis_is_a_retry_never_a_refusal);
           tcase_add_loop_test(tests, a_server_that_evicts_is_refused, 0, ROWS(policies));
           tcase_add_test(tests, away_is_a_retry_with_words);
           tcase_add_test(tests, replicas_are_refused_as_address_and_waited_for_as_company);
           tcase_add_test(tests, the_log_says_it_once);)
