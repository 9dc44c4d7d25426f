/* The work set on a real broker: what it promises when items end out of order, when it dies, when others
 * write, when a transaction fails or its end is not known. The outputs are counted by an independent
 * read_committed reader. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "component/workset/crew.h"
#include "kafka/producer_priv.h"
#include "unit/check_main.h"

enum { HOUR_MS = 3600 * 1000, WAIT_MS = 30000 };

/* ---- commits whose answer is lost: this program links kafka_producer_commit through here */
enum lost_answer { ANSWERED, LOST_AFTER, LOST_BEFORE };      /* the broker did commit, or it did not */
static enum lost_answer lost_answer;
enum trouble __real_kafka_producer_commit(struct kafka_producer *producer);
enum trouble __wrap_kafka_producer_commit(struct kafka_producer *producer);
enum trouble __wrap_kafka_producer_commit(struct kafka_producer *producer)
{
    enum lost_answer lost = lost_answer;
    lost_answer = ANSWERED;
    if (lost == LOST_AFTER)
        ck_assert_int_eq(__real_kafka_producer_commit(producer), TROUBLE_NONE);
    return lost == ANSWERED ? __real_kafka_producer_commit(producer)
        : kafka_producer_lose(producer, "timed_out");
}

/* ---- a worker that the machine puts to sleep at the worst moment */
static bool stop_before_begin;
enum trouble __real_kafka_producer_begin(struct kafka_producer *producer);
enum trouble __wrap_kafka_producer_begin(struct kafka_producer *producer);
enum trouble __wrap_kafka_producer_begin(struct kafka_producer *producer)
{
    if (stop_before_begin) {
        stop_before_begin = false;
        raise(SIGSTOP);
    }
    return __real_kafka_producer_begin(producer);
}

/* ---- small words */
static int wanted;
static bool has_live(struct crew *crew) { return crew->live >= wanted; }
static bool has_ended(struct crew *crew) { return crew->ended >= wanted; }
static bool has_intended(struct crew *crew) { return crew->intended >= wanted; }
static bool has_closed(struct crew *crew) { return crew->closed >= wanted; }
static bool is_restored(struct crew *crew) { return workset_restored(crew->set); }

static void until(struct crew *crew, bool (*what)(struct crew *crew), int count)
{
    wanted = count;
    ck_assert(crew_until(crew, what, WAIT_MS));
}

static int64_t put(const char *prefix, const char *key)
{
    return broker_publish(crew_topic(prefix, TOPIC_JOBS), 0, key, "{}");
}

static void end(struct crew *crew, const char *key)
{
    struct job *job = crew_job(crew, key);
    ck_assert_ptr_nonnull(job);
    workset_end(crew->set, &job->item, NULL);
}

/* How often this key is among the results. */
static int results(const char *prefix, const char *key)
{
    struct seen_list list = broker_read_all(crew_topic(prefix, TOPIC_RESULTS));
    int count = 0;
    for (size_t i = 0; i < list.count; i++)
        count += strcmp(list.rows[i].key, key) == 0;
    broker_seen_free(&list);
    return count;
}

static int marks(const char *prefix, const char *kind)
{
    struct seen_list list = broker_read_all(crew_topic(prefix, TOPIC_JOBS));
    int count = 0;
    for (size_t i = 0; i < list.count; i++)
        count += strcmp(list.rows[i].mark, kind) == 0;
    broker_seen_free(&list);
    return count;
}

START_TEST(items_that_end_out_of_order_keep_the_watermark)
{
    const char *prefix = crew_topics(1);
    for (const char *key = "abc"; *key; key++)
        put(prefix, (char[]){ *key, 0 });
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 3);
    end(crew, "b");
    until(crew, has_ended, 1);
    crew_close(&crew);
    ck_assert_int_eq(crew_committed(prefix), 0);
    crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 2);                            /* b's end is found in the topic */
    ck_assert_ptr_null(crew_job(crew, "b"));
    end(crew, "a");
    workset_end_with(crew->set, &crew_job(crew, "a")->item, &crew_job(crew, "c")->item);
    ck_assert(workset_queued(&crew_job(crew, "c")->item));
    ck_assert(workset_commit(crew->set));
    ck_assert_int_eq(crew->ended, 2);
    /* the marks come back, the end is seen, watermarks are committed */
    crew_turn_for(crew, 3000);
    crew_close(&crew);
    /* 3 items, b, its marker, a and c, their marker: nothing left */
    ck_assert_int_eq(crew_committed(prefix), 8);
    ck_assert_int_eq(results(prefix, "a"), 1);
    ck_assert_int_eq(results(prefix, "b"), 1);
    ck_assert_int_eq(results(prefix, "c"), 0);           /* ended with a: no outputs of its own */
}
END_TEST

/* A worker of its own process; it ends items at random moments until it is killed. */
static pid_t worker_start(const char *prefix, const char *instance, int items_a_turn)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct crew *crew = crew_open(prefix, instance, HOUR_MS);
    for (;;) {
        crew_turn_for(crew, 5);
        for (int i = 0; i < items_a_turn && crew->count > 0; i++) {
            struct job *job = crew->jobs[random_u64() % crew->count];
            if (!workset_queued(&job->item))
                workset_end(crew->set, &job->item, NULL);
        }
    }
}

static void worker_kill(pid_t pid)
{
    int status;
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the worker ended by itself: %d",
                  status);
}

static void publish_many(const char *prefix, int count, int32_t partitions)
{
    struct kafka_config config = broker_config("test-publisher");
    struct kafka_publisher *publisher = kafka_publisher_open(&config);
    for (int i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        struct kafka_message message = { .topic = crew_topic(prefix, TOPIC_JOBS),
                                         .partition = i % partitions, .key = key,
                                         .key_length = strlen(key), .value = "{}", .value_length = 2 };
        ck_assert_int_eq(kafka_publish(publisher, &message, 20000, NULL, NULL), TROUBLE_NONE);
    }
    kafka_publisher_close(&publisher);
}

static void each_exactly_once(const char *prefix, int count)
{
    struct seen_list list = broker_read_all(crew_topic(prefix, TOPIC_RESULTS));
    int *times = calloc((size_t)count, sizeof *times);
    for (size_t i = 0; i < list.count; i++)
        times[atoi(list.rows[i].key + 1)]++;
    for (int i = 0; i < count; i++)
        ck_assert_msg(times[i] == 1, "k%d ended %d times", i, times[i]);
    ck_assert_uint_eq(list.count, (size_t)count);
    free(times);
    broker_seen_free(&list);
}

/* The first goes at once; what ends within its rest waits, and shares the next transaction. */
START_TEST(what_ends_close_together_shares_a_transaction)
{
    const char *prefix = crew_topics(1);
    for (const char *key = "abc"; *key; key++)
        put(prefix, (char[]){ *key, 0 });
    struct crew *crew = crew_open_unhurried(prefix, "0", 2000);
    until(crew, has_live, 3);
    int64_t began_ms = clock_mono_ms();
    end(crew, "a");
    until(crew, has_ended, 1);
    int64_t first_ms = clock_mono_ms();
    ck_assert_int_eq(workset_wait_ms(crew->set, first_ms, 5000), 5000);      /* nothing waits */
    end(crew, "b");
    ck_assert_int_le(workset_wait_ms(crew->set, first_ms, 5000), 2000);
    crew_turn_for(crew, 100);
    end(crew, "c");
    while (crew->ended < 3) {
        crew_turn_for(crew, 1);
        ck_assert_int_ne(crew->ended, 2);
    }
    ck_assert_int_ge(clock_mono_ms() - began_ms, 2000);
    crew_close(&crew);
}
END_TEST

START_TEST(workers_that_are_killed_lose_and_double_nothing)
{
    /* Two of them end at most 80 a second, and are killed within 20 s: some are left for the last one. */
    enum { ITEMS = 1600 };
    const char *prefix = crew_topics(4);
    publish_many(prefix, ITEMS, 4);
    pid_t first = worker_start(prefix, "0", 1), second = worker_start(prefix, "1", 1);
    for (int kills = 0; kills < 3; kills++) {
        clock_sleep_ms(2500 + jitter_ms(0, 1500));
        worker_kill(first);
        first = worker_start(prefix, "0", 1);
    }
    worker_kill(first);
    worker_kill(second);
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    crew->end_at_once = true;
    ck_assert(crew_until(crew, crew_quiet, WAIT_MS));
    ck_assert_int_gt(crew->ended, 0);                    /* the killed ones had left some */
    crew_close(&crew);
    each_exactly_once(prefix, ITEMS);
}
END_TEST

/* Holds the items of one partition, has all their ends queued, and is stopped right before it writes them. */
static pid_t late_worker_start(const char *prefix)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    crew_turn_for(crew, 4000);
    for (size_t i = 0; i < crew->count; i++)
        workset_end(crew->set, &crew->jobs[i]->item, NULL);
    stop_before_begin = true;
    crew_turn_for(crew, 60000);
    _exit(1);
}

static pid_t late;
static bool late_is_stopped(struct crew *crew)
{
    int status;
    (void)crew;
    return waitpid(late, &status, WNOHANG | WUNTRACED) == late && WIFSTOPPED(status);
}

START_TEST(a_worker_that_wakes_up_late_is_fenced)
{
    enum { ITEMS = 200 };
    const char *prefix = crew_topics(2);
    publish_many(prefix, ITEMS, 2);
    late = late_worker_start(prefix);
    struct crew *crew = crew_open(prefix, "1", HOUR_MS);
    until(crew, late_is_stopped, 0);
    ck_assert_uint_eq(crew->count, ITEMS / 2);           /* each holds a partition */
    crew->end_at_once = true;
    for (size_t i = 0; i < crew->count; i++)
        workset_end(crew->set, &crew->jobs[i]->item, NULL);
    until(crew, has_ended, ITEMS);                       /* its session ends, its partition comes over */
    /* it goes on where it stood: its group is another by now */
    ck_assert_int_eq(kill(late, SIGCONT), 0);
    crew_turn_for(crew, 4000);
    worker_kill(late);
    crew_close(&crew);
    each_exactly_once(prefix, ITEMS);
}
END_TEST

START_TEST(done_marks_behind_an_open_transaction_are_waited_for)
{
    const char *prefix = crew_topics(1);
    put(prefix, "stays");
    put(prefix, "ends");
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 2);
    struct kafka_config config = broker_config("test-upstream");
    struct kafka_producer *upstream = kafka_producer_open(&config, broker_name("upstream", 3));
    ck_assert_int_eq(kafka_producer_renew(upstream, "start", 20000), TROUBLE_NONE);
    ck_assert_int_eq(kafka_producer_begin(upstream), TROUBLE_NONE);
    struct kafka_message later = { .topic = crew_topic(prefix, TOPIC_JOBS), .partition = 0, .key = "later",
                                   .key_length = 5,
                                   .value = "{}", .value_length = 2 };
    ck_assert_int_eq(kafka_producer_produce(upstream, &later, NULL), TROUBLE_NONE);
    ck_assert_int_eq(kafka_producer_flush(upstream), TROUBLE_NONE);
    end(crew, "ends");                                   /* committed, but behind the open transaction */
    until(crew, has_ended, 1);
    crew_close(&crew);

    crew = crew_open(prefix, "0", HOUR_MS);
    crew_turn_for(crew, 4000);
    ck_assert(!workset_restored(crew->set));
    /* at the last stable offset "ends" would be live again */
    ck_assert_int_eq(crew->live, 0);
    ck_assert_int_eq(kafka_producer_commit(upstream), TROUBLE_NONE);
    until(crew, has_live, 2);
    crew_turn_for(crew, 500);
    ck_assert_int_eq(crew->live, 2);
    ck_assert_ptr_nonnull(crew_job(crew, "stays"));
    ck_assert_ptr_nonnull(crew_job(crew, "later"));
    crew_close(&crew);
    kafka_producer_close(&upstream);
    ck_assert_int_eq(results(prefix, "ends"), 1);
}
END_TEST

START_TEST(an_aborted_transaction_leaves_its_effects_queued)
{
    const char *prefix = crew_topics(1);
    put(prefix, "a");
    put(prefix, "b");
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 2);
    crew->refusals = 3;
    end(crew, "a");
    workset_intent(crew->set, &crew_job(crew, "b")->item);
    ck_assert(!workset_commit(crew->set));
    ck_assert(workset_queued(&crew_job(crew, "a")->item));
    ck_assert_int_eq(crew->ended + crew->intended, 0);
    until(crew, has_ended, 1);
    ck_assert_int_eq(crew->intended, 1);
    ck_assert_int_eq(crew->refusals, 0);
    crew_close(&crew);
    ck_assert_int_eq(results(prefix, "a"), 1);
    ck_assert_int_eq(marks(prefix, "intent"), 1);
}
END_TEST

/* {what the broker did, whether the effect had to be written a second time} */
static const struct { enum lost_answer lost; int written; } lost_cases[] = {
    { LOST_AFTER, 1 }, { LOST_BEFORE, 2 },
};

START_TEST(a_commit_without_an_answer_is_looked_up_not_guessed)
{
    const char *prefix = crew_topics(1);
    put(prefix, "a");
    put(prefix, "b");
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 2);
    end(crew, "a");
    workset_intent(crew->set, &crew_job(crew, "b")->item);
    lost_answer = lost_cases[_i].lost;
    ck_assert(!workset_commit(crew->set));
    ck_assert_int_eq(crew->ended + crew->intended, 0);   /* nobody knows yet: no POST may start */
    ck_assert(!workset_commit(crew->set));
    until(crew, has_ended, 1);
    until(crew, has_intended, 1);
    crew_turn_for(crew, 1000);
    ck_assert_int_eq(crew->ended, 1);
    ck_assert_int_eq(crew->intended, 1);
    ck_assert_int_eq(crew->written, lost_cases[_i].written);
    ck_assert_int_eq(crew_job(crew, "b")->item.attempts, 1);
    crew_close(&crew);
    ck_assert_int_eq(results(prefix, "a"), 1);
    ck_assert_int_eq(marks(prefix, "done"), 1);
    ck_assert_int_eq(marks(prefix, "intent"), 1);
}
END_TEST

START_TEST(intents_are_restored_open_and_closed)
{
    const char *prefix = crew_topics(1);
    put(prefix, "tried");
    put(prefix, "refused");
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 2);
    workset_intent(crew->set, &crew_job(crew, "tried")->item);
    workset_intent(crew->set, &crew_job(crew, "refused")->item);
    until(crew, has_intended, 2);
    workset_close_intent(crew->set, &crew_job(crew, "refused")->item);
    until(crew, has_closed, 1);
    int64_t intent_at_ms = crew_job(crew, "tried")->item.intent_at_ms;
    crew_turn_for(crew, 500);                            /* our own marks come back: they change nothing */
    ck_assert_int_eq(crew_job(crew, "refused")->item.intent_at_ms, 0);
    ck_assert_int_eq(crew_job(crew, "refused")->item.attempts, 0);
    crew_close(&crew);
    crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 2);
    const struct work_item *tried = &crew_job(crew, "tried")->item;
    ck_assert_int_eq(tried->attempts, 1);
    ck_assert_int_lt(llabs(tried->intent_at_ms - intent_at_ms), 2000);
    ck_assert_int_eq(crew_job(crew, "refused")->item.attempts, 0);
    ck_assert_int_eq(crew_job(crew, "refused")->item.intent_at_ms, 0);
    crew_close(&crew);
}
END_TEST

static bool all_moved(struct crew *crew)
{
    return crew_job(crew, "old")->item.offset > 2 && crew_job(crew, "other")->item.offset > 2;
}

START_TEST(old_items_are_rewritten_behind_their_done_mark_and_stay_one_item)
{
    const char *prefix = crew_topics(1);
    put(prefix, "old");
    put(prefix, "tried");
    put(prefix, "other");
    struct crew *crew = crew_open(prefix, "0", 1500);
    until(crew, has_live, 3);
    workset_intent(crew->set, &crew_job(crew, "tried")->item);
    until(crew, has_intended, 1);
    until(crew, all_moved, 0);
    /* an open intent names its offset: it stays */
    ck_assert_int_eq(crew_job(crew, "tried")->item.offset, 1);
    /* at once: its copy may not have been read back yet */
    end(crew, "other");
    until(crew, has_ended, 1);
    /* the copies come back, "old" is copied again and again */
    crew_turn_for(crew, 2500);
    ck_assert_int_eq(crew->live, 3);
    ck_assert_ptr_null(crew_job(crew, "other"));
    crew_close(&crew);
    ck_assert_int_eq(crew_committed(prefix), 1);         /* pinned by the open intent alone */
    crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 2);
    ck_assert_int_gt(crew_job(crew, "old")->item.offset, 2);
    end(crew, "old");
    end(crew, "tried");
    until(crew, has_ended, 2);
    crew_close(&crew);
    ck_assert_int_eq(results(prefix, "old"), 1);
    ck_assert_int_eq(results(prefix, "other"), 1);
    ck_assert_int_eq(results(prefix, "tried"), 1);
}
END_TEST

START_TEST(a_rewrite_without_an_answer_is_looked_up_too)
{
    const char *prefix = crew_topics(1);
    put(prefix, "old");
    put(prefix, "other");
    put(prefix, "third");
    struct crew *crew = crew_open(prefix, "0", 1500);
    until(crew, has_live, 3);
    lost_answer = lost_cases[_i].lost;
    until(crew, all_moved, 0);
    crew_turn_for(crew, 300);
    ck_assert_int_eq(crew->live, 3);
    crew_close(&crew);
    crew = crew_open(prefix, "0", HOUR_MS);
    crew->end_at_once = true;
    until(crew, crew_quiet, 0);
    crew_close(&crew);
    ck_assert_int_eq(results(prefix, "old"), 1);
    ck_assert_int_eq(results(prefix, "other"), 1);
}
END_TEST

START_TEST(what_can_not_be_understood_is_a_dead_letter_once)
{
    const char *prefix = crew_topics(1);
    put(prefix, "good");
    broker_publish(crew_topic(prefix, TOPIC_JOBS), 0, "broken", "bad");
    broker_publish(crew_topic(prefix, TOPIC_JOBS), 0, "empty", NULL);
    for (int round = 0; round < 2; round++) {
        struct crew *crew = crew_open(prefix, "0", HOUR_MS);
        until(crew, has_live, 1);
        crew_turn_for(crew, 1000);
        ck_assert_uint_eq(workset_live(crew->set), 1);
        ck_assert_int_eq(crew->live, 1);
        crew_close(&crew);
    }
    struct seen_list list = broker_read_all(crew_topic(prefix, TOPIC_DEAD_LETTERS));
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(list.rows[0].key, "broken");
    ck_assert_str_eq(list.rows[0].value, "bad");
    ck_assert_str_eq(list.rows[1].key, "empty");
    broker_seen_free(&list);
}
END_TEST

START_TEST(two_sets_share_and_hand_over)
{
    enum { ITEMS = 300 };
    const char *prefix = crew_topics(4);
    publish_many(prefix, ITEMS, 4);
    struct crew *first = crew_open(prefix, "0", HOUR_MS), *second = NULL;
    int64_t until_ms = clock_mono_ms() + 60000;
    for (int turn = 0; !crew_quiet(second ? second : first) || first; turn++) {
        ck_assert(clock_mono_ms() < until_ms);
        struct crew *both[2] = { first, second };
        for (int i = 0; i < 2; i++) {
            if (!both[i])
                continue;
            crew_turn_for(both[i], 5);
            for (int ends = 0; ends < 1 && both[i]->count > 0; ends++) {
                struct job *job = both[i]->jobs[random_u64() % both[i]->count];
                if (!workset_queued(&job->item))
                    workset_end(both[i]->set, &job->item, NULL);
            }
        }
        if (!second && first->ended > ITEMS / 5)
            second = crew_open(prefix, "1", HOUR_MS);
        if (first && second && second->ended > ITEMS / 5) {
            ck_assert_int_gt(first->dropped, 0);         /* its partitions went over */
            ck_assert_int_gt(first->revokings, 0);
            crew_close(&first);
        }
    }
    ck_assert_int_gt(second->ended, ITEMS / 5);
    crew_close(&second);
    each_exactly_once(prefix, ITEMS);
}
END_TEST

START_TEST(a_paused_set_reads_no_more_and_goes_on)
{
    const char *prefix = crew_topics(1);
    put(prefix, "a");
    struct crew *crew = crew_open(prefix, "0", HOUR_MS);
    until(crew, has_live, 1);
    workset_pause(crew->set, true);
    crew_turn_for(crew, 300);
    put(prefix, "b");
    crew_turn_for(crew, 1000);
    ck_assert_int_eq(crew->live, 1);
    end(crew, "a");
    until(crew, has_ended, 1);                           /* what is in flight is finished */
    workset_pause(crew->set, false);
    until(crew, has_live, 2);
    ck_assert(is_restored(crew));
    crew_close(&crew);
}
END_TEST

CHECK_MAIN("work set",
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, items_that_end_out_of_order_keep_the_watermark);
    tcase_add_test(tests, done_marks_behind_an_open_transaction_are_waited_for);
    tcase_add_test(tests, an_aborted_transaction_leaves_its_effects_queued);
    tcase_add_loop_test(tests, a_commit_without_an_answer_is_looked_up_not_guessed, 0, ROWS(lost_cases));
    tcase_add_test(tests, intents_are_restored_open_and_closed);
    tcase_add_test(tests, old_items_are_rewritten_behind_their_done_mark_and_stay_one_item);
    tcase_add_loop_test(tests, a_rewrite_without_an_answer_is_looked_up_too, 0, ROWS(lost_cases));
    tcase_add_test(tests, what_can_not_be_understood_is_a_dead_letter_once);
    tcase_add_test(tests, a_paused_set_reads_no_more_and_goes_on);
    tcase_add_test(tests, two_sets_share_and_hand_over);
    tcase_add_test(tests, a_worker_that_wakes_up_late_is_fenced);
    tcase_add_test(tests, what_ends_close_together_shares_a_transaction);
    tcase_add_test(tests, workers_that_are_killed_lose_and_double_nothing);)
