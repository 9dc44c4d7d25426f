/* The ledger's pure parts: journal entries there and back, the steps of a bucket's recovery, the view. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/bucket.h"
#include "ledger/view.h"

static struct event money(const char *kind, int64_t amount)
{
    struct event event;
    event_init(&event, EVENT_TOKENS_ENTRY);
    event.kind = kind;
    event.user_id = "u";
    if (strcmp(kind, "grant") == 0)
        event.grant_id = "x";
    else
        event.generation_id = "x";
    event.amount = amount;
    event.origin = "requests/0@1";
    event.has_balance = true;
    event.at = 1;
    return event;
}

static struct event opened(const char *nonce)
{
    struct event event;
    event_init(&event, EVENT_TOKENS_ENTRY);
    event.kind = "open";
    event.nonce = nonce;
    event.at = 1;
    return event;
}

/* ---- entries that recovery reads: money, open, or a reason to stop. Never skipped. */

static const struct { const char *kind; int64_t amount; enum entry_read want; } READ_ROWS[] = {
    { "grant", 5, ENTRY_READ_MONEY },
    { "grant", -5, ENTRY_READ_MONEY },       /* a correction */
    { "reserve", 5, ENTRY_READ_MONEY },
    { "commit", 1, ENTRY_READ_MONEY },
    { "release", 1, ENTRY_READ_MONEY },
    { "grant", 0, ENTRY_READ_BROKEN },
    { "reserve", -5, ENTRY_READ_BROKEN },
    { "commit", 0, ENTRY_READ_BROKEN },
    { "release", EVENT_ABSENT, ENTRY_READ_BROKEN },
    { "expire", 5, ENTRY_READ_BROKEN },      /* a kind of a newer release: stop, never guess */
};

START_TEST(entry_is_read_by_kind_and_amount)
{
    struct event event = money(READ_ROWS[_i].kind, READ_ROWS[_i].amount);
    struct recovery_entry entry;
    const char *error = NULL;
    ck_assert_int_eq(entry_read(&event, &entry, &error), READ_ROWS[_i].want);
    if (READ_ROWS[_i].want == ENTRY_READ_MONEY) {
        ck_assert_str_eq(entry.id, "x");
        ck_assert_int_eq(entry.amount_tokens, READ_ROWS[_i].amount);
    } else {
        ck_assert_ptr_nonnull(error);
    }
}
END_TEST

START_TEST(entry_without_a_part_is_broken)
{
    struct recovery_entry entry;
    const char *error;
    struct event event = money("reserve", 1);
    event.user_id = NULL;
    ck_assert_int_eq(entry_read(&event, &entry, &error), ENTRY_READ_BROKEN);
    event = money("reserve", 1);
    event.generation_id = NULL;
    event.grant_id = "x";                    /* a grant's id does not name a hold */
    ck_assert_int_eq(entry_read(&event, &entry, &error), ENTRY_READ_BROKEN);
    event = money("grant", 1);
    event.has_balance = false;
    ck_assert_int_eq(entry_read(&event, &entry, &error), ENTRY_READ_BROKEN);
    event = opened(NULL);
    ck_assert_int_eq(entry_read(&event, &entry, &error), ENTRY_READ_BROKEN);
}
END_TEST

START_TEST(partly_charged_settlement_makes_two_entries)
{
    const struct settlement settlement = { .user_id = "u", .generation_id = "g", .status = "failed" };
    const struct settle_answer answer = { .committed_tokens = 2, .released_tokens = 3, .at_ms = 7,
                                          .quote = { .model = "m", .units = 5, .tokens = 5, .policy_version = "1" },
                                          .after_commit = { 10, 5, 3, 2 }, .after_release = { 10, 8, 0, 2 } };
    struct text scratch = { 0 };
    struct event event;
    entry_of_commit(&settlement, &answer, "results/1@2", &scratch, &event);
    ck_assert_str_eq(event.kind, "commit");
    ck_assert_str_eq(event.description, "Video generation: g");
    ck_assert_int_eq(event.amount, 2);
    ck_assert_int_eq(event.balance.reserved, 3);
    entry_of_release(&settlement, &answer, "results/1@2", &scratch, &event);
    ck_assert_str_eq(event.kind, "release");
    ck_assert_int_eq(event.amount, 3);
    ck_assert_int_eq(event.balance.available, 8);
    ck_assert_str_eq(event.origin, "results/1@2");
    text_free(&scratch);
}
END_TEST

/* ---- steps */

static struct bucket bucket_in(enum bucket_step step, const char *line)
{
    struct bucket bucket = { .step = step, .high = 10 };
    strncpy(bucket.recovery.line, line, sizeof bucket.recovery.line - 1);
    strncpy(bucket.line, line, sizeof bucket.line - 1);
    return bucket;
}

START_TEST(scan_finds_an_open_record_of_another_line)
{
    struct bucket bucket = bucket_in(BUCKET_SCAN, "mine");
    const char *error;
    struct event event = money("reserve", 1);
    ck_assert(bucket_take(&bucket, &event, 3, &error));
    ck_assert_int_eq(bucket.held_count, 0);              /* looking only: nothing is kept */
    event = opened("mine");
    ck_assert(bucket_take(&bucket, &event, 4, &error));
    ck_assert(!bucket.from_zero);
    event = opened("other");
    ck_assert(bucket_take(&bucket, &event, 9, &error));
    ck_assert(bucket.from_zero);
    ck_assert(bucket_at_high(&bucket));
}
END_TEST

/* A tail that stood still for longer than Redis remembers what ended: the whole journal, on an empty bucket. */
static const struct { const char *kind; int64_t at; bool from_zero; } AGE_ROWS[] = {
    { "reserve", 999, true },
    { "commit", 999, true },
    { "release", 999, true },
    { "reserve", 1000, false },
    { "grant", 1, false },                               /* Redis never forgets one */
};

START_TEST(scan_finds_what_redis_may_have_forgotten)
{
    struct bucket bucket = bucket_in(BUCKET_SCAN, "mine");
    const char *error;
    struct event event = money(AGE_ROWS[_i].kind, 1);
    event.at = AGE_ROWS[_i].at;
    bucket.forgotten_before_ms = 1000;
    ck_assert(bucket_take(&bucket, &event, 3, &error));
    ck_assert(bucket.from_zero == AGE_ROWS[_i].from_zero);
}
END_TEST

START_TEST(replay_holds_money_and_passes_open_records)
{
    struct bucket bucket = bucket_in(BUCKET_REPLAY, "");
    const char *error;
    for (int i = 0; i < BUCKET_REPLAY_MAX; i++) {
        ck_assert(!bucket_full(&bucket));
        struct event event = money("grant", 1);
        ck_assert(bucket_take(&bucket, &event, 2 * i, &error));
        event = opened("whoever");
        ck_assert(bucket_take(&bucket, &event, 2 * i + 1, &error));
    }
    ck_assert(bucket_full(&bucket));
    ck_assert_int_eq(bucket.position, 2 * BUCKET_REPLAY_MAX);
    bucket_to(&bucket, BUCKET_CHECK);                    /* starting over forgets what was held */
    ck_assert_int_eq(bucket.held_count, 0);
    ck_assert_ptr_null(bucket.held);
}
END_TEST

START_TEST(tail_never_passes_an_open_record_of_another_line)
{
    struct bucket bucket = bucket_in(BUCKET_TAIL, "mine");
    const char *error;
    struct event event = opened("mine");
    ck_assert(bucket_take(&bucket, &event, 5, &error));
    ck_assert_int_eq(bucket.position, 6);
    event = opened("other");
    ck_assert(bucket_take(&bucket, &event, 6, &error));
    ck_assert_int_eq(bucket.step, BUCKET_ALARM);
    ck_assert_int_eq(bucket.position, 6);
    ck_assert(!bucket_reads(&bucket));
}
END_TEST

START_TEST(unreadable_entry_is_refused)
{
    struct bucket bucket = bucket_in(BUCKET_REPLAY, "");
    const char *error = NULL;
    struct event event = money("expire", 1);
    ck_assert(!bucket_take(&bucket, &event, 0, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(bucket.position, 0);
}
END_TEST

/* ---- the view */

START_TEST(view_is_one_json_object)
{
    struct text out = { 0 };
    struct event event;
    event_init(&event, EVENT_GENERATION_COMPLETED);
    event.task_id = "t-1";
    event.output_count = 2;
    event.outputs[0] = "https://a/\"quoted\"";
    event.outputs[1] = "https://b";
    view_of_result(&event, &out);
    ck_assert_str_eq(out.bytes, "{\"taskId\":\"t-1\",\"output\":[\"https://a/\\\"quoted\\\"\",\"https://b\"]}");
    event_init(&event, EVENT_GENERATION_FAILED);
    view_of_result(&event, &out);
    ck_assert_str_eq(out.bytes, "{\"status\":\"reelgate.generation.failed\"}");
    text_free(&out);
}
END_TEST

START_TEST(view_leaves_out_what_does_not_fit)
{
    struct text out = { 0 };
    char *huge = calloc(1, VIEW_BYTES_MAX);
    memset(huge, 'a', VIEW_BYTES_MAX - 1);
    struct event event;
    event_init(&event, EVENT_GENERATION_COMPLETED);
    event.task_id = "t";
    event.output_count = 2;
    event.outputs[0] = huge;
    event.outputs[1] = "https://b";
    view_of_result(&event, &out);
    ck_assert_str_eq(out.bytes, "{\"taskId\":\"t\",\"output\":[\"https://b\"]}");
    free(huge);
    text_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *rows = tcase_create("ledger");
    tcase_add_loop_test(rows, entry_is_read_by_kind_and_amount, 0, (int)(sizeof READ_ROWS / sizeof READ_ROWS[0]));
    tcase_add_test(rows, entry_without_a_part_is_broken);
    tcase_add_test(rows, partly_charged_settlement_makes_two_entries);
    tcase_add_test(rows, scan_finds_an_open_record_of_another_line);
    tcase_add_loop_test(rows, scan_finds_what_redis_may_have_forgotten, 0, (int)(sizeof AGE_ROWS / sizeof AGE_ROWS[0]));
    tcase_add_test(rows, replay_holds_money_and_passes_open_records);
    tcase_add_test(rows, tail_never_passes_an_open_record_of_another_line);
    tcase_add_test(rows, unreadable_entry_is_refused);
    tcase_add_test(rows, view_is_one_json_object);
    tcase_add_test(rows, view_leaves_out_what_does_not_fit);
    suite_add_tcase(suite, rows);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
