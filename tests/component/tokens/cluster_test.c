/* Accounts in a Redis Cluster, and on a primary with a replica: a batch over several nodes, a bucket that moves, a
 * promotion under open connections, a primary that is cut off. */
#include "base/clock.h"
#include "bench.h"
#include "harness/redis_nodes.h"
#include "unit/check_main.h"

enum { BUCKETS = 8, USERS = 40 };

static struct redis_nodes *nodes;
static struct tokens *tokens;
static struct tokens_batch *batch;

static struct tokens *open_at(const char *url, int32_t partitions)
{
    char error[200];
    struct tokens *opened = tokens_open(&(struct tokens_config){
        .redis_url = url, .timeout_ms = 2000, .dedupe_window_ms = INT64_C(604800000),
        .refusal_window_ms = 3600000 }, error);
    ck_assert_msg(opened != NULL, "%s", error);
    tokens_partitions(opened, partitions);
    return opened;
}

static void up(void)
{
    nodes = redis_nodes_start(3);
    tokens = open_at(redis_nodes_url(nodes), BUCKETS);
    batch = tokens_batch_open(tokens);
    for (int32_t bucket = 0; bucket < BUCKETS; bucket++)
        bench_verify(tokens, bucket);
}

static void down(void)
{
    tokens_batch_close(&batch);
    tokens_close(&tokens);
    redis_nodes_stop(&nodes);
}

static const char *user(int number)
{
    static char name[16];
    snprintf(name, sizeof name, "user-%d", number);
    return name;
}

static void append_grants(int64_t offset)
{
    tokens_batch_clear(batch);
    for (int i = 0; i < USERS; i++) {
        char grant[32];
        snprintf(grant, sizeof grant, "grant-%d-%d", i, (int)offset);
        tokens_grant(batch, &(struct grant){ user(i), grant, { "grants", 0, offset * USERS + i }, 5, AT(offset) });
    }
}

static void received(void)
{
    const char *reason;
    enum trouble trouble = tokens_batch_receive(batch);
    tokens_unverified(tokens, &reason);
    ck_assert_msg(trouble == TROUBLE_NONE, "%s", reason);
}

static int32_t bucket_of_user(int number) { return bucket_of(user(number), strlen(user(number)), BUCKETS); }

static void available_is(int number, int64_t want)
{
    struct balance balance;
    bool verified;
    if (tokens_balance(tokens, user(number), &balance, &verified) != TROUBLE_NONE)
        ck_assert_int_eq(tokens_balance(tokens, user(number), &balance, &verified), TROUBLE_NONE);
    ck_assert_int_eq(balance.available, want);
}

START_TEST(a_batch_over_all_nodes_is_answered_in_its_order)
{
    int owners = 0;
    for (int32_t bucket = 0; bucket < BUCKETS; bucket++)
        owners |= 1 << redis_nodes_owner(nodes, bucket);
    ck_assert_int_eq(owners, 7);                             /* all three have some of it */
    append_grants(1);
    received();
    for (int i = 0; i < USERS; i++) {
        struct grant_answer answer;
        tokens_grant_answer(batch, (size_t)i, &answer);
        ck_assert_int_eq(answer.outcome, GRANT_DONE);
        ck_assert_int_eq(answer.at_ms, AT(1));
    }
    ck_assert_int_eq(tokens_batch_guard(batch), TROUBLE_NONE);
    for (int i = 0; i < USERS; i++)
        available_is(i, 5);
}
END_TEST

/* Between the scripts and the commit the bucket of user 0 moves: the second guard does not pass. The new node calls it
 * unverified, and its recovery reads from zero: a move is not atomic. */
START_TEST(a_moved_bucket_is_recovered_from_zero)
{
    const char *reason;
    struct recovery recovery, *row = &recovery;
    uint64_t cursor = 0;
    int32_t bucket = bucket_of_user(0);
    append_grants(1);
    received();
    redis_nodes_move(nodes, bucket, (redis_nodes_owner(nodes, bucket) + 1) % 3);
    ck_assert_int_ne(tokens_batch_guard(batch), TROUBLE_NONE);
    append_grants(2);
    ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_RETRY);            /* MOVED */
    append_grants(2);
    ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_RETRY);
    ck_assert_msg(tokens_unverified(tokens, &reason) == bucket, "bucket %d: %s", bucket, reason);
    ck_assert_int_eq(recovery_begin(tokens, bucket, &recovery), TROUBLE_NONE);
    ck_assert_str_eq(recovery.line, "");
    ck_assert_int_gt(recovery.pause_ms, 0);
    do
        ck_assert_int_eq(recovery_empty(tokens, &row, 1, &cursor), TROUBLE_NONE);
    while (cursor != 0);
    ck_assert(!recovery.over);
    ck_assert_int_eq(recovery_verify(tokens, &recovery, 0), TROUBLE_NONE);
    append_grants(2);
    received();
    ck_assert_int_eq(tokens_batch_guard(batch), TROUBLE_NONE);
    for (int i = 0; i < USERS; i++)
        available_is(i, bucket_of_user(i) == bucket ? 5 : 10);   /* nobody has replayed the journal here */
    /* Where it stays, a recovery goes on from what it knows. */
    ck_assert_int_eq(recovery_begin(tokens, bucket, &recovery), TROUBLE_NONE);
    ck_assert_int_eq(strlen(recovery.line), 32);
}
END_TEST

START_TEST(nothing_is_done_in_a_bucket_on_its_way)
{
    int32_t bucket = bucket_of_user(0);
    int to = (redis_nodes_owner(nodes, bucket) + 1) % 3;
    append_grants(1);
    received();
    redis_nodes_move_begin(nodes, bucket, to);
    append_grants(2);
    ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_RETRY);            /* ASK, for the new grant's key */
    redis_nodes_move_end(nodes, bucket, to);
    bench_verify(tokens, bucket);
    available_is(0, 5);
}
END_TEST

static void count_user(void *self, const struct audit_user *row)
{
    ck_assert_int_eq(row->balance.available, 5);
    ++*(int *)self;
}

static void pass_grant(void *self, const struct audit_grant *row)
{
    (void)self, (void)row;
}

START_TEST(an_audit_sees_every_node)
{
    int seen = 0;
    append_grants(1);
    received();
    const struct audit_visitor visitor = { .self = &seen, .user = count_user, .grant = pass_grant };
    ck_assert_int_eq(tokens_audit(tokens, &visitor), TROUBLE_NONE);
    ck_assert_int_eq(seen, USERS);
}
END_TEST

START_TEST(a_cluster_must_want_replicas)
{
    char reason[200];
    ck_assert_int_eq(tokens_check(tokens, reason), TROUBLE_RESTART);
    ck_assert_msg(strstr(reason, "min-replicas-to-write") && strstr(reason, "Cluster"), "%s", reason);
    for (int i = 0; i < 3; i++)
        redis_server_ask(redis_nodes_at(nodes, i), "CONFIG SET min-replicas-to-write 1");
    ck_assert_int_eq(tokens_check(tokens, reason), TROUBLE_RETRY);           /* they have none yet */
    ck_assert_msg(strstr(reason, "0 of 1 replicas"), "%s", reason);
    for (int i = 0; i < 3; i++)
        redis_server_ask(redis_nodes_at(nodes, i), "CONFIG SET min-replicas-to-write 0");
}
END_TEST

/* ---- a primary and its replica */

static struct redis_server *primary, *replica;

static void pair_up(void)
{
    static const char *const options[] = { "--min-replicas-to-write", "1", "--min-replicas-max-lag", "3",
                                           "--repl-diskless-sync-delay", "0", NULL };
    char command[64], reason[200];
    primary = redis_server_start(options);
    replica = redis_server_start(options);
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", redis_server_port(primary));
    redis_server_ask(replica, command);
    tokens = open_at(redis_server_url(primary), 1);
    batch = tokens_batch_open(tokens);
    for (int i = 0; i < 500 && tokens_check(tokens, reason) != TROUBLE_NONE; i++)
        clock_sleep_ms(20);
    ck_assert_msg(tokens_check(tokens, reason) == TROUBLE_NONE, "%s", reason);
    bench_verify(tokens, 0);
}

static void pair_down(void)
{
    tokens_batch_close(&batch);
    tokens_close(&tokens);
    redis_server_stop(&primary);
    redis_server_stop(&replica);
}

START_TEST(a_batch_is_on_the_replica_before_it_is_answered)
{
    append_grants(1);
    received();
    ck_assert_int_eq(tokens_batch_guard(batch), TROUBLE_NONE);
    ck_assert_str_eq(redis_server_ask(replica, "HGET rg:{0}:user:user-7 available"), "5");
}
END_TEST

/* The replica is gone between the scripts and the commit: what may be cut off must not pass. */
START_TEST(the_second_guard_of_a_primary_without_replicas_does_not_pass)
{
    const char *reason;
    append_grants(1);
    received();
    redis_server_down(replica);
    ck_assert_int_eq(tokens_batch_guard(batch), TROUBLE_RETRY);
    tokens_unverified(tokens, &reason);
    ck_assert_msg(strstr(reason, "NOREPLICAS"), "%s", reason);
}
END_TEST

/* Demoted and promoted again under one open connection, between two scripts of one pipeline. */
START_TEST(a_promotion_under_an_open_connection_is_seen_by_each_script)
{
    char command[64];
    struct reservation reservation = bench_reservation("user-0", "g1", 1, 1);
    append_grants(1);
    received();
    tokens_batch_clear(batch);
    tokens_reserve(batch, &reservation);
    ck_assert_int_eq(tokens_batch_send(batch), TROUBLE_NONE);
    for (int i = 0; i < 500 && strcmp(redis_server_ask(primary, "EXISTS rg:{0}:gen:g1"), "1") != 0; i++)
        clock_sleep_ms(10);
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", redis_server_port(replica));
    redis_server_ask(replica, "REPLICAOF NO ONE");
    redis_server_ask(primary, command);
    redis_server_ask(primary, "REPLICAOF NO ONE");
    redis_server_ask(primary, "CONFIG SET min-replicas-to-write 0");         /* so that only the ids can tell */
    reservation = bench_reservation("user-0", "g2", 2, 1);
    tokens_reserve(batch, &reservation);
    ck_assert_int_eq(tokens_batch_receive(batch), TROUBLE_RETRY);
    ck_assert_str_eq(redis_server_ask(primary, "EXISTS rg:{0}:gen:g2"), "0");
}
END_TEST

START_TEST(a_recovery_outlasts_a_primary_that_is_cut_off)
{
    struct recovery recovery;
    ck_assert_int_eq(recovery_begin(tokens, 0, &recovery), TROUBLE_NONE);
    ck_assert_int_eq(recovery.pause_ms, 3000 + 2000);
    redis_server_ask(replica, "CONFIG SET min-replicas-to-write 0");
    redis_server_ask(replica, "REPLICAOF NO ONE");
    struct tokens *other = open_at(redis_server_url(replica), 1);
    ck_assert_int_eq(recovery_begin(other, 0, &recovery), TROUBLE_NONE);
    ck_assert_int_eq(recovery.pause_ms, 10000 + 2000);       /* promoted, and its own limits say nothing */
    tokens_close(&other);
}
END_TEST

START_TEST(replicas_without_a_least_are_refused)
{
    char reason[200];
    redis_server_ask(primary, "CONFIG SET min-replicas-max-lag 0");
    ck_assert_int_eq(tokens_check(tokens, reason), TROUBLE_RESTART);
    ck_assert_msg(strstr(reason, "min-replicas-max-lag"), "%s", reason);
    ck_assert_ptr_null(strchr(reason, '\n'));
}
END_TEST

START_TEST(a_replica_is_refused_at_start_and_waited_for_later)
{
    char reason[200], command[64];
    struct tokens *other = open_at(redis_server_url(replica), 1);
    ck_assert_int_eq(tokens_check(other, reason), TROUBLE_RESTART);
    ck_assert_msg(strstr(reason, "replica's"), "%s", reason);
    tokens_close(&other);
    redis_server_ask(replica, "REPLICAOF NO ONE");
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", redis_server_port(replica));
    redis_server_ask(primary, command);
    ck_assert_int_eq(tokens_check(tokens, reason), TROUBLE_RETRY);
    ck_assert_msg(strstr(reason, "replica now"), "%s", reason);
}
END_TEST

static TCase *of_pair(Suite *suite)
{
    TCase *tests = tcase_create("pair");
    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, pair_up, pair_down);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("tokens-cluster");
    TCase *tests = tcase_create("cluster");
    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, up, down);
    tcase_add_test(tests, a_batch_over_all_nodes_is_answered_in_its_order);
    tcase_add_test(tests, a_moved_bucket_is_recovered_from_zero);
    tcase_add_test(tests, nothing_is_done_in_a_bucket_on_its_way);
    tcase_add_test(tests, an_audit_sees_every_node);
    tcase_add_test(tests, a_cluster_must_want_replicas);
    tests = of_pair(suite);
    tcase_add_test(tests, a_batch_is_on_the_replica_before_it_is_answered);
    tcase_add_test(tests, the_second_guard_of_a_primary_without_replicas_does_not_pass);
    tcase_add_test(tests, a_promotion_under_an_open_connection_is_seen_by_each_script);
    tcase_add_test(tests, a_recovery_outlasts_a_primary_that_is_cut_off);
    tcase_add_test(tests, replicas_without_a_least_are_refused);
    tcase_add_test(tests, a_replica_is_refused_at_start_and_waited_for_later);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
