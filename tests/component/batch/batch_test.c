/* The batch worker's promises, with admission as its stage, on a real broker and a real Redis: every
 * record is answered once for a read_committed consumer, whatever breaks between its effect in Redis and
 * its commit. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "component/batch/world.h"
#include "unit/check_main.h"

static struct world world;

static void open_all(void)
{
    world_open(&world);
}

static void close_all(void)
{
    world_close(&world);
}

static size_t accepted(const char *generation_id)
{
    char id[100];
    snprintf(id, sizeof id, "\"generationId\":\"%s\"", generation_id);
    return count_in(world_topic(&world, TOPIC_RESULTS), (const char *const[]){ id, "\"quote\"", NULL });
}

static size_t all_of(enum topic topic)
{
    return count_in(world_topic(&world, topic), (const char *const[]){ NULL });
}

static void expect_account(const char *user_id, int64_t available, int64_t reserved)
{
    char key[100], want[60];
    snprintf(key, sizeof key, "HMGET rg:{%d}:user:%s available reserved",
             bucket_of(user_id, strlen(user_id), BUCKETS),
             user_id);
    snprintf(want, sizeof want, "%lld %lld", (long long)available, (long long)reserved);
    ck_assert_str_eq(redis_server_ask(world.redis, key), want);
}

static int held(const char *user_id)
{
    char command[100];
    snprintf(command, sizeof command, "HGET rg:{%d}:user:%s reserved",
             bucket_of(user_id, strlen(user_id), BUCKETS), user_id);
    return atoi(redis_server_ask(world.redis, command));
}

static void request_many(int count, const char *user_id)
{
    for (int i = 0; i < count; i++) {
        char id[40];
        snprintf(id, sizeof id, "%s-%d", user_id, i);
        world_request(&world, id, user_id);
    }
}

/* Exactly one accepted, one job and one entry for each of user's requests, and the tokens held once. */
static void expect_each_once(int count, const char *user_id, int64_t granted)
{
    for (int i = 0; i < count; i++) {
        char id[40];
        snprintf(id, sizeof id, "%s-%d", user_id, i);
        ck_assert_uint_eq(accepted(id), 1);
    }
    ck_assert_uint_eq(all_of(TOPIC_RESULTS), (size_t)count);
    ck_assert_uint_eq(all_of(TOPIC_JOBS), (size_t)count);
    ck_assert_uint_eq(all_of(TOPIC_JOURNAL), (size_t)count);
    expect_account(user_id, granted - count, count);
}

START_TEST(each_request_has_one_answer)
{
    struct rig rig;
    world_grant(&world, "ann", 2);
    world_request(&world, "g1", "ann");
    world_request(&world, "g2", "ann");
    world_request(&world, "g3", "ann");                  /* nothing is left for it */
    world_request(&world, "g1", "ann");                  /* a duplicate */
    broker_publish(world_topic(&world, TOPIC_REQUESTS), 0, "ann", "not JSON");
    rig_open(&rig, &world, "0");
    rig_run_until_commits(&rig, 5);
    rig_close(&rig);
    ck_assert_uint_eq(accepted("g1"), 1);
    ck_assert_uint_eq(accepted("g2"), 1);
    ck_assert_uint_eq(count_in(world_topic(&world, TOPIC_RESULTS),
                               (const char *const[]){ "\"g3\"", "insufficient_tokens",
                                                      "\"reservedTokens\":2", NULL }), 1);
    ck_assert_uint_eq(all_of(TOPIC_RESULTS), 3);
    ck_assert_uint_eq(all_of(TOPIC_JOBS), 2);
    ck_assert_uint_eq(all_of(TOPIC_JOURNAL), 2);
    ck_assert_uint_eq(count_in(world_topic(&world, TOPIC_DEAD_LETTERS),
                               (const char *const[]){ "not JSON", NULL }), 1);
    expect_account("ann", 0, 2);
}
END_TEST

START_TEST(a_restarted_worker_goes_on_behind_what_is_committed)
{
    struct rig rig;
    world_grant(&world, "ann", 10);
    request_many(2, "ann");
    rig_open(&rig, &world, "0");
    rig_run_until_commits(&rig, 2);
    rig_close(&rig);
    world_request(&world, "ann-2", "ann");
    rig_open(&rig, &world, "0");
    rig_run_until_commits(&rig, 1);
    rig_run_for(&rig, 300);
    ck_assert_int_eq(rig.commits, 1);
    rig_close(&rig);
    expect_each_once(3, "ann", 10);
}
END_TEST

START_TEST(order_within_a_partition_is_kept)
{
    enum { COUNT = 120 };                                /* more than two batches of 50 */
    struct rig rig;
    world_grant(&world, "ann", COUNT);
    request_many(COUNT, "ann");
    rig_open(&rig, &world, "0");
    rig_run_until_commits(&rig, COUNT);
    rig_close(&rig);
    struct seen_list list = broker_read_all(world_topic(&world, TOPIC_RESULTS));
    ck_assert_uint_eq(list.count, COUNT);
    for (size_t i = 0; i < list.count; i++) {
        char want[60];
        snprintf(want, sizeof want, "\"generationId\":\"ann-%d\"", (int)i);
        ck_assert_ptr_nonnull(strstr(list.rows[i].value, want));
    }
    broker_seen_free(&list);
}
END_TEST

/* ---- a batch that runs twice */

static enum trouble break_once(struct rig *rig, const struct kafka_record *record)
{
    const enum trouble *trouble = rig->self;
    (void)record;
    /* in the middle: some outputs are written already */
    return rig->answers == 4 ? *trouble : TROUBLE_NONE;
}

static enum trouble break_with[] = { TROUBLE_ABORT_BATCH, TROUBLE_RENEW, TROUBLE_RETRY };

START_TEST(an_aborted_batch_runs_again_and_shows_once)
{
    struct rig rig;
    world_grant(&world, "ann", 20);
    request_many(10, "ann");
    rig_open(&rig, &world, "0");
    rig.after_answer = break_once;
    rig.self = &break_with[_i];
    rig_run_until_commits(&rig, 10);
    ck_assert_int_gt(rig.answers, 10);
    ck_assert(rig_metric(&rig, "reelgate_batch_aborts_total", "reason=\"produce\"") == 1);
    ck_assert(rig_metric(&rig, "reelgate_admission_decisions_total", "decision=\"accepted\"") == 10);
    rig_close(&rig);
    expect_each_once(10, "ann", 20);
}
END_TEST

static enum trouble die(struct rig *rig, const struct kafka_record *record)
{
    (void)record;
    if (rig->answers == 6)
        _exit(9);                    /* as kill -9: Redis has moved, the transaction is open */
    return TROUBLE_NONE;
}

START_TEST(a_worker_that_dies_in_the_transaction_leaves_nothing_twice)
{
    world_grant(&world, "ann", 20);
    request_many(10, "ann");
    pid_t pid = fork();              /* no Kafka handle is open in this process yet */
    if (pid == 0) {
        struct rig doomed;
        rig_open(&doomed, &world, "0");
        doomed.after_answer = die;
        rig_run_until_commits(&doomed, 10);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    size_t told = all_of(TOPIC_RESULTS);     /* how the ten fell into batches is a matter of luck */
    ck_assert_uint_lt(told, 6);
    ck_assert_int_gt(held("ann"), (int)told);        /* tokens are held of which nobody has been told */

    struct rig rig;
    rig_open(&rig, &world, "0");
    rig_run_until_commits(&rig, 10 - (int)told);
    rig_close(&rig);
    expect_each_once(10, "ann", 20);
}
END_TEST

/* ---- Redis */

static enum trouble stop_redis(struct rig *rig, const struct kafka_record *record)
{
    (void)record;
    if (rig->answers == 3)
        redis_server_down(world.redis);      /* between the answers and the second guard */
    return TROUBLE_NONE;
}

START_TEST(without_redis_requests_wait_and_are_then_answered_once)
{
    struct rig rig;
    world_grant(&world, "ann", 20);
    request_many(10, "ann");
    rig_open(&rig, &world, "0");
    rig.after_answer = stop_redis;
    int64_t until_ms = clock_mono_ms() + 40000;
    while (rig.answers < 3 && clock_mono_ms() < until_ms)
        rig_turn(&rig);
    rig_run_for(&rig, 1500);
    int before = rig.commits;
    ck_assert_int_lt(before, 10);
    ck_assert_uint_eq(all_of(TOPIC_RESULTS), (size_t)before);

    /* its data are there, but it is another server: nobody has verified it */
    redis_server_up(world.redis);
    rig_run_for(&rig, 1500);
    ck_assert_int_eq(rig.commits, before);
    ck_assert(rig_metric(&rig, "reelgate_ready", NULL) == 0);
    ck_assert(rig_metric(&rig, "reelgate_redis_epoch_mismatches_total", NULL) > 0);

    world_verify(&world);
    rig_run_until_commits(&rig, 10);
    ck_assert(rig_metric(&rig, "reelgate_ready", NULL) == 1);
    rig_close(&rig);
    expect_each_once(10, "ann", 20);
}
END_TEST

static enum trouble unverify(struct rig *rig, const struct kafka_record *record)
{
    (void)record;
    if (rig->answers == 2)
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            char command[60];
            snprintf(command, sizeof command, "HDEL rg:{%d}:meta verified", bucket);
            redis_server_ask(world.redis, command);      /* a recovery has begun */
        }
    return TROUBLE_NONE;
}

START_TEST(a_recovery_that_begins_under_a_batch_stops_its_commit)
{
    struct rig rig;
    world_grant(&world, "ann", 20);
    request_many(4, "ann");
    rig_open(&rig, &world, "0");
    rig.after_answer = unverify;
    int64_t until_ms = clock_mono_ms() + 40000;
    while (rig.answers < 2 && clock_mono_ms() < until_ms)
        rig_turn(&rig);
    int before = rig.commits;
    rig_run_for(&rig, 500);
    ck_assert_int_eq(rig.commits, before);
    ck_assert_uint_eq(all_of(TOPIC_RESULTS), (size_t)before);
    ck_assert(rig_metric(&rig, "reelgate_batch_aborts_total", "reason=\"guard\"") == 1);
    world_verify(&world);
    rig_run_until_commits(&rig, 4);
    rig_close(&rig);
    expect_each_once(4, "ann", 20);
}
END_TEST

/* ---- the group */

START_TEST(partitions_move_between_instances_and_nothing_is_answered_twice)
{
    static const char *const users[] = { "ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ida" };
    enum { USERS = ROWS(users), EACH = 8 };
    struct rig one, two;
    for (int i = 0; i < USERS; i++)
        world_grant(&world, users[i], 100);
    rig_open(&one, &world, "0");
    for (int round = 0; round < EACH; round++) {
        for (int i = 0; i < USERS; i++) {
            char id[40];
            snprintf(id, sizeof id, "%s-%d", users[i], round);
            world_request(&world, id, users[i]);
        }
        if (round == 2)
            rig_open(&two, &world, "1");                 /* joins while the first is at work */
        for (int i = 0; i < 10; i++) {
            rig_turn(&one);
            if (round >= 2)
                rig_turn(&two);
        }
    }
    int64_t until_ms = clock_mono_ms() + 40000;
    while (two.commits == 0 && clock_mono_ms() < until_ms) {
        rig_turn(&one);
        rig_turn(&two);
    }
    ck_assert_int_gt(two.commits, 0);
    int before = one.commits;
    rig_close(&one);                                     /* leaves; the other one takes over everything */
    rig_run_until_commits(&two, USERS * EACH - before);
    rig_run_for(&two, 300);
    ck_assert_int_eq(two.commits + before, USERS * EACH);
    rig_close(&two);
    ck_assert_uint_eq(all_of(TOPIC_RESULTS), USERS * EACH);
    ck_assert_uint_eq(all_of(TOPIC_JOURNAL), USERS * EACH);
    for (int i = 0; i < USERS; i++)
        expect_account(users[i], 100 - EACH, EACH);
}
END_TEST

static void request_in_a_transaction(struct kafka_producer *upstream)
{
    ck_assert_int_eq(kafka_producer_renew(upstream, "start", 20000), TROUBLE_NONE);
    ck_assert_int_eq(kafka_producer_begin(upstream), TROUBLE_NONE);
    const char value[] = "{\"generationId\":\"g1\",\"userId\":\"ann\",\"prompt\":\"a cat\"}";
    ck_assert_int_eq(kafka_producer_produce(upstream, &(struct kafka_message){ .partition = 0,
        .topic = world_topic(&world, TOPIC_REQUESTS), .value = value, .value_length = sizeof value - 1 },
            NULL), TROUBLE_NONE);
}

START_TEST(a_quiet_group_commits_past_the_markers_and_has_no_lag)
{
    struct kafka_config config = broker_config("test-upstream");
    struct kafka_producer *upstream = kafka_producer_open(&config, broker_name("upstream", 1));
    request_in_a_transaction(upstream);
    ck_assert_int_eq(kafka_producer_commit(upstream), TROUBLE_NONE);
    kafka_producer_close(&upstream);

    struct rig rig;
    rig_open(&rig, &world, "0");
    rig_run_until_commits(&rig, 1);
    rig_run_for(&rig, 2500);
    ck_assert(rig_metric(&rig, "reelgate_consumer_lag_records", NULL) == 0);
    ck_assert(rig_metric(&rig, "reelgate_ready", NULL) == 1);
    rig_close(&rig);
}
END_TEST

static void run_until_metric(struct rig *rig, const char *name, const char *labels, double least)
{
    int64_t until_ms = clock_mono_ms() + 20000;
    while (rig_metric(rig, name, labels) < least) {
        ck_assert_msg(clock_mono_ms() < until_ms, "%s stays below %g", name, least);
        rig_turn(rig);
    }
}

/* Hazards K3: what an upstream's transaction holds back shows, for as long as it stays open, and no longer. */
START_TEST(a_transaction_that_stays_open_is_seen)
{
    struct kafka_config config = broker_config("test-upstream");
    struct kafka_producer *upstream = kafka_producer_open(&config, broker_name("upstream", 1));
    struct rig rig;
    rig_open(&rig, &world, "0");
    run_until_metric(&rig, "reelgate_ready", NULL, 1);
    request_in_a_transaction(upstream);
    ck_assert_int_eq(kafka_producer_flush(upstream), TROUBLE_NONE);
    run_until_metric(&rig, "reelgate_unstable_seconds", "reads=\"input\"", 1);
    ck_assert(rig_metric(&rig, "reelgate_unstable_records", "reads=\"input\"") == 1);
    ck_assert_int_eq(kafka_producer_commit(upstream), TROUBLE_NONE);
    rig_run_until_commits(&rig, 1);
    rig_run_for(&rig, 1500);         /* the metrics follow twice a second */
    ck_assert(rig_metric(&rig, "reelgate_unstable_records", "reads=\"input\"") == 0);
    ck_assert(rig_metric(&rig, "reelgate_unstable_seconds", "reads=\"input\"") == 0);
    rig_close(&rig);
    kafka_producer_close(&upstream);
}
END_TEST

CHECK_MAIN("worker/batch",
    tcase_add_test(tests, a_transaction_that_stays_open_is_seen);
    tcase_set_timeout(tests, 90);
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, each_request_has_one_answer);
    tcase_add_test(tests, a_restarted_worker_goes_on_behind_what_is_committed);
    tcase_add_test(tests, order_within_a_partition_is_kept);
    tcase_add_loop_test(tests, an_aborted_batch_runs_again_and_shows_once, 0, ROWS(break_with));
    tcase_add_test(tests, a_worker_that_dies_in_the_transaction_leaves_nothing_twice);
    tcase_add_test(tests, without_redis_requests_wait_and_are_then_answered_once);
    tcase_add_test(tests, a_recovery_that_begins_under_a_batch_stops_its_commit);
    tcase_add_test(tests, partitions_move_between_instances_and_nothing_is_answered_twice);
    tcase_add_test(tests, a_quiet_group_commits_past_the_markers_and_has_no_lag);
)
