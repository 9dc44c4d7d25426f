/* The batch worker's order of steps, and its way back from every step that breaks. */
#include <string.h>

#include "base/clock.h"
#include "unit/check_main.h"
#include "unit/worker/batch_fakes.h"

/* The time stands still where a test has set it: whether a transaction is right behind another is not left to the machine. */
static int64_t still_at_ms;
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void) { return still_at_ms ? still_at_ms : __real_clock_mono_ms(); }

static struct worker_settings settings = { .kafka_bootstrap_servers = "nowhere:1", .topic_prefix = "t.",
                                           .instance_id = "0" };
enum { RECORDS_MAX = 20 };
static struct metrics *metrics;
static struct health *health;
static struct batch *batch;

/* ---- a stage that only leaves its trace */

struct item { int64_t offset; bool asked; };

static void ask(void *self, void *scratch, const struct kafka_record *record, enum topic topic,
                struct tokens_batch *calls)
{
    struct item *item = scratch;
    (void)self;
    ck_assert_int_eq(topic, TOPIC_REQUESTS);
    ck_assert(!item->asked);                 /* zeroed scratch, also when the batch runs again */
    item->asked = true;
    item->offset = record->offset;
    tokens_lookup(calls, "u", "g");
    fakes_trace("ask%d", (int)record->offset);
}

static enum trouble answer(void *self, void *scratch, const struct kafka_record *record, enum topic topic,
                           const struct tokens_batch *calls, struct outbox *outbox)
{
    const struct item *item = scratch;
    (void)self, (void)topic, (void)calls, (void)outbox;
    ck_assert_int_eq(item->offset, record->offset);
    fakes_trace("answer%d", (int)record->offset);
    return TROUBLE_NONE;
}

static void committed(void *self, void *scratch)
{
    (void)self;
    fakes_trace("done%d", (int)((struct item *)scratch)->offset);
}

static void dispose(void *self, void *scratch)
{
    (void)self, (void)scratch;
}

static const enum topic reads[] = { TOPIC_REQUESTS }, writes[] = { TOPIC_RESULTS };

static void turns(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(batch_turn(batch, 0), TROUBLE_NONE);
}

/* Runs until the wait that follows trouble is over; at most a second. */
static void turns_until(const char *word)
{
    int64_t until_ms = clock_mono_ms() + 3000;
    while (!fakes.trace.bytes || !strstr(fakes.trace.bytes, word)) {
        ck_assert_msg(clock_mono_ms() < until_ms, "no %s in: %s", word, fakes.trace.bytes);
        turns(1);
    }
}

static void open_only(int64_t commit_every_ms)
{
    char error[200];
    fakes_reset();
    still_at_ms = 0;
    metrics = metrics_open();
    health = health_open("127.0.0.1:0", metrics, 60000, error);
    const struct batch_stage stage = { .program = "reelgate-test", .reads = reads, .read_count = 1,
        .writes = writes, .write_count = 1, .item_bytes = sizeof(struct item), .ask = ask, .answer = answer,
        .committed = committed, .dispose = dispose };
    batch = batch_open(&(struct batch_config){ .worker = &settings, .metrics = metrics, .health = health,
                                               .records_max = RECORDS_MAX, .linger_ms = 1000,
                                               .commit_every_ms = commit_every_ms }, &stage);
}

static void open_with(int64_t commit_every_ms)
{
    open_only(commit_every_ms);
    fakes_poll(FAKE_ASSIGN, 0, 5);
    turns(6);
    ck_assert_int_eq(fakes.poll_next, fakes.poll_count);
    text_clear(&fakes.trace);
}

static void open_all(void) { open_with(0); }

static void close_all(void)
{
    if (batch)
        batch_close(&batch);
    health_close(&health);
    metrics_close(&metrics);
    text_free(&fakes.trace);
}

static void expect(const char *trace)
{
    ck_assert_str_eq(fakes.trace.bytes, trace);
    text_clear(&fakes.trace);
}

START_TEST(the_next_batch_is_asked_while_this_one_is_committed)
{
    fakes_poll(FAKE_RECORD, 0, 5);
    fakes_poll(FAKE_RECORD, 0, 6);
    fakes_poll(FAKE_NOTHING, 0, 0);
    fakes_poll(FAKE_RECORD, 0, 7);
    still_at_ms = clock_mono_ms();
    turns(1);
    expect("ask5 ask6 send receive ask7 send begin answer5 answer6 offset[0:7] offsets flush guard commit "
           "done5 done6 release release ");
    still_at_ms += 20;
    turns(1);
    expect("receive begin answer7 offset[0:8] offsets flush guard commit done7 release ");
}
END_TEST

/* The broker still writes the markers of the one before: it answers the offsets sooner than the outputs. */
START_TEST(right_behind_another_transaction_the_offsets_go_first)
{
    still_at_ms = clock_mono_ms();
    fakes_poll(FAKE_RECORD, 0, 5);
    turns(1);
    fakes_poll(FAKE_RECORD, 0, 6);
    still_at_ms += 19;
    text_clear(&fakes.trace);
    turns(1);
    expect("ask6 send receive begin offset[0:7] offsets answer6 flush guard commit done6 release ");
    fakes_poll(FAKE_RECORD, 0, 7);
    still_at_ms += 20;
    turns(1);
    expect("ask7 send receive begin answer7 offset[0:8] offsets flush guard commit done7 release ");
}
END_TEST

START_TEST(small_loads_rest_and_share_a_transaction)
{
    close_all();
    open_with(100);
    still_at_ms = clock_mono_ms();
    fakes_poll(FAKE_RECORD, 0, 5);
    fakes_poll(FAKE_NOTHING, 0, 0);
    fakes_poll(FAKE_RECORD, 0, 6);                   /* read while the first was written */
    turns(1);
    text_clear(&fakes.trace);
    fakes_poll(FAKE_RECORD, 0, 7);
    still_at_ms += 99;
    turns(2);
    ck_assert_uint_eq(fakes.trace.length, 0);
    still_at_ms += 1;
    turns(1);
    expect("ask7 send receive begin answer6 answer7 offset[0:8] offsets flush guard commit done6 done7 release release ");
}
END_TEST

START_TEST(a_load_that_is_not_small_is_followed_at_once)
{
    close_all();
    open_with(100);
    still_at_ms = clock_mono_ms();
    fakes_poll(FAKE_RECORD, 0, 5);
    fakes_poll(FAKE_RECORD, 0, 6);
    fakes_poll(FAKE_NOTHING, 0, 0);
    fakes_poll(FAKE_RECORD, 0, 7);
    turns(1);
    text_clear(&fakes.trace);
    turns(1);
    expect("receive begin offset[0:8] offsets answer7 flush guard commit done7 release ");
}
END_TEST

START_TEST(a_full_batch_does_not_wait_for_more)
{
    for (int i = 0; i < RECORDS_MAX + 1; i++)
        fakes_poll(FAKE_RECORD, 0, 5 + i);
    turns(1);
    ck_assert_ptr_nonnull(strstr(fakes.trace.bytes, "ask24 send receive ask25 send begin answer5 "));
    ck_assert_ptr_nonnull(strstr(fakes.trace.bytes, "answer24 offset[0:25] offsets flush guard commit done5 "));
}
END_TEST

/* What was read before partitions were taken away belongs to somebody else now. */
START_TEST(a_rebalance_between_two_records_drops_what_was_read)
{
    fakes_poll(FAKE_RECORD, 0, 5);
    fakes_poll(FAKE_REVOKE, 0, 0);
    turns(1);
    ck_assert_ptr_null(strstr(fakes.trace.bytes, "begin"));
    text_clear(&fakes.trace);
    fakes_poll(FAKE_ASSIGN, 1, 40);
    fakes.committed = 40;
    fakes_poll(FAKE_RECORD, 1, 40);
    turns(4);
    ck_assert_ptr_null(strstr(fakes.trace.bytes, "offset[0:"));
    ck_assert_ptr_nonnull(strstr(fakes.trace.bytes, "answer40 offset[1:41] offsets"));
}
END_TEST

/* Nothing of the batch whose answers are there was written yet: the next owner decides both, by the recorded answers. */
START_TEST(a_rebalance_under_the_next_batch_drops_both)
{
    fakes_poll(FAKE_RECORD, 0, 5);
    fakes_poll(FAKE_NOTHING, 0, 0);
    fakes_poll(FAKE_RECORD, 0, 6);
    fakes_poll(FAKE_REVOKE, 0, 0);
    turns(1);
    expect("ask5 send receive ask6 send release receive release ");
    turns(3);
    ck_assert_ptr_null(strstr(fakes.trace.bytes, "begin"));
    ck_assert_ptr_null(strstr(fakes.trace.bytes, "answer"));
}
END_TEST

static const struct { const char *at; enum trouble with; bool aborts, renews; } breaks[] = {
    { "receive", TROUBLE_RETRY, false, false },
    { "begin", TROUBLE_RENEW, false, true },
    { "offsets", TROUBLE_ABORT_BATCH, true, false },
    { "offsets", TROUBLE_RENEW, false, true },
    { "flush", TROUBLE_ABORT_BATCH, true, false },
    { "guard", TROUBLE_ABORT_BATCH, true, false },
    { "guard", TROUBLE_RETRY, true, false },
    { "commit", TROUBLE_ABORT_BATCH, true, false },
    { "commit", TROUBLE_RENEW, false, true },
};

START_TEST(whatever_breaks_both_run_again_from_what_is_committed)
{
    fakes.fail_at = breaks[_i].at;
    fakes.fail_with = breaks[_i].with;
    fakes_poll(FAKE_RECORD, 0, 5);
    fakes_poll(FAKE_NOTHING, 0, 0);
    fakes_poll(FAKE_RECORD, 0, 6);
    turns(1);
    ck_assert_ptr_null(strstr(fakes.trace.bytes, "done"));
    ck_assert_int_eq(strstr(fakes.trace.bytes, "abort ") != NULL, breaks[_i].aborts);
    turns_until("seek[0:5]");
    ck_assert_int_eq(strstr(fakes.trace.bytes, "renew ") != NULL, breaks[_i].renews);
    text_clear(&fakes.trace);
    fakes.poll_next = fakes.poll_count;
    fakes_poll(FAKE_RECORD, 0, 5);
    fakes_poll(FAKE_RECORD, 0, 6);
    turns(1);
    expect("ask5 ask6 send receive begin answer5 answer6 offset[0:7] offsets flush guard commit "
           "done5 done6 release release ");
}
END_TEST

START_TEST(a_failing_abort_makes_a_new_producer)
{
    fakes.fail_at = "flush";
    fakes.fail_with = TROUBLE_ABORT_BATCH;
    fakes.then_fail_at = "abort";
    fakes_poll(FAKE_RECORD, 0, 5);
    turns_until("abort");
    turns_until("renew");
    turns_until("seek[0:5]");
}
END_TEST

START_TEST(without_redis_nothing_is_read_on)
{
    fakes.redis_away = true;
    fakes.fail_at = "receive";
    fakes.fail_with = TROUBLE_RETRY;
    fakes_poll(FAKE_RECORD, 0, 5);
    turns(1);
    text_clear(&fakes.trace);
    for (int i = 0; i < 8; i++)
        fakes_poll(FAKE_RECORD, 0, 6 + i);       /* heartbeats bring records: they are let go, not kept */
    turns(8);
    ck_assert(!fakes.trace.length || !strstr(fakes.trace.bytes, "ask"));
    fakes.redis_away = false;
    fakes.poll_next = fakes.poll_count;
    turns_until("seek[0:5]");
}
END_TEST

static void meet_an_unverified_bucket(void)
{
    fakes.unverified = true;
    fakes.fail_at = "receive";
    fakes.fail_with = TROUBLE_RETRY;
    fakes_poll(FAKE_RECORD, 0, 5);
    turns_until("ask_verified3");
}

/* While a bucket is recovered its guard is asked, often and for little; nothing is read again until it is verified. */
START_TEST(an_unverified_bucket_is_asked_for_and_nothing_is_read_again)
{
    meet_an_unverified_bucket();
    for (int i = 0; i < 3; i++) {                    /* no longer and longer waits: each within the test's patience */
        text_clear(&fakes.trace);
        turns_until("ask_verified3");
        ck_assert_ptr_null(strstr(fakes.trace.bytes, "seek"));
    }
    fakes.unverified = false;
    turns_until("seek[0:5]");
}
END_TEST

START_TEST(an_unverified_bucket_of_partitions_that_left_holds_nothing_up)
{
    meet_an_unverified_bucket();
    fakes_poll(FAKE_REVOKE, 0, 0);
    fakes_poll(FAKE_ASSIGN, 1, 40);
    fakes.committed = 40;
    turns_until("seek[1:40]");
}
END_TEST

START_TEST(a_group_without_an_offset_goes_back_to_the_first_record)
{
    fakes.committed = -1;
    fakes.fail_at = "flush";
    fakes.fail_with = TROUBLE_ABORT_BATCH;
    fakes_poll(FAKE_RECORD, 0, 5);
    turns_until("seek[0:2]");
}
END_TEST

START_TEST(the_end_of_a_partition_is_committed_when_it_is_quiet)
{
    fakes_poll(FAKE_END, 0, 9);                  /* markers lie behind the last record */
    turns(1);
    expect("begin offset[0:9] offsets flush commit ");
    fakes_poll(FAKE_END, 0, 9);
    turns(2);
    ck_assert_uint_eq(fakes.trace.length, 0);    /* it has not moved */
    fakes_poll(FAKE_END, 0, 12);
    turns(2);
    ck_assert_uint_eq(fakes.trace.length, 0);    /* not so soon again */
}
END_TEST

START_TEST(closing_finishes_what_is_asked_and_reads_no_more)
{
    fakes_poll(FAKE_RECORD, 0, 5);
    fakes_poll(FAKE_NOTHING, 0, 0);
    fakes_poll(FAKE_RECORD, 0, 6);
    still_at_ms = clock_mono_ms();
    turns(1);
    text_clear(&fakes.trace);
    fakes_poll(FAKE_RECORD, 0, 7);
    batch_close(&batch);
    expect("receive begin offset[0:7] offsets answer6 flush guard commit done6 release leave ");
}
END_TEST

static const struct { const char *at; } fatal[] = { { "begin" }, { "offsets" }, { "flush" }, { "commit" } };

START_TEST(what_only_a_restart_cures_is_told)
{
    fakes.fail_at = fatal[_i].at;
    fakes.fail_with = TROUBLE_RESTART;
    fakes_poll(FAKE_RECORD, 0, 5);
    ck_assert_int_eq(batch_turn(batch, 0), TROUBLE_RESTART);
}
END_TEST

/* The server may have become another one, and the journal may have been given partitions: then every bucket moves. */
static const struct { int32_t partitions; bool refused; enum trouble told; } watched[] = {
    { 4, false, TROUBLE_NONE }, { 5, false, TROUBLE_RESTART }, { 4, true, TROUBLE_RESTART },
};

START_TEST(what_it_stands_on_is_looked_at_once_a_minute)
{
    fakes.partitions = watched[_i].partitions;
    fakes.redis_refused = watched[_i].refused;
    still_at_ms = clock_mono_ms() + 61 * 1000;
    ck_assert_int_eq(batch_turn(batch, 0), watched[_i].told);
}
END_TEST

START_TEST(a_redis_that_may_not_be_used_is_refused_before_anything_is_read)
{
    close_all();
    open_only(0);
    fakes.redis_refused = true;
    enum trouble trouble = TROUBLE_NONE;
    for (int i = 0; i < 10 && trouble == TROUBLE_NONE; i++)
        trouble = batch_turn(batch, 0);
    ck_assert_int_eq(trouble, TROUBLE_RESTART);
    ck_assert_int_eq(fakes.poll_next, 0);
    ck_assert_ptr_null(strstr(fakes.trace.bytes, "ask"));
}
END_TEST

CHECK_MAIN("worker/batch (fakes)",
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, the_next_batch_is_asked_while_this_one_is_committed);
    tcase_add_test(tests, right_behind_another_transaction_the_offsets_go_first);
    tcase_add_test(tests, small_loads_rest_and_share_a_transaction);
    tcase_add_test(tests, a_load_that_is_not_small_is_followed_at_once);
    tcase_add_test(tests, a_full_batch_does_not_wait_for_more);
    tcase_add_test(tests, a_rebalance_between_two_records_drops_what_was_read);
    tcase_add_test(tests, a_rebalance_under_the_next_batch_drops_both);
    tcase_add_loop_test(tests, whatever_breaks_both_run_again_from_what_is_committed, 0, ROWS(breaks));
    tcase_add_test(tests, a_failing_abort_makes_a_new_producer);
    tcase_add_test(tests, without_redis_nothing_is_read_on);
    tcase_add_test(tests, an_unverified_bucket_is_asked_for_and_nothing_is_read_again);
    tcase_add_test(tests, an_unverified_bucket_of_partitions_that_left_holds_nothing_up);
    tcase_add_test(tests, a_group_without_an_offset_goes_back_to_the_first_record);
    tcase_add_test(tests, the_end_of_a_partition_is_committed_when_it_is_quiet);
    tcase_add_test(tests, closing_finishes_what_is_asked_and_reads_no_more);
    tcase_add_loop_test(tests, what_only_a_restart_cures_is_told, 0, ROWS(fatal));
    tcase_add_loop_test(tests, what_it_stands_on_is_looked_at_once_a_minute, 0, ROWS(watched));
    tcase_add_test(tests, a_redis_that_may_not_be_used_is_refused_before_anything_is_read);
)
