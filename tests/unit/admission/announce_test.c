/* The messages of a decision, as they go on the wire. Encoding asserts what the contract demands, so a
 * message that is not whole would not get here. */
#include <string.h>

#include "admission/announce.h"
#include "unit/check_main.h"

static struct admit_request request;
static struct reserve_answer answer;
static struct announcement from;
static struct text words, wire;
static struct event out;

static void open_all(void)
{
    memset(&request, 0, sizeof request);
    event_init(&request.event, EVENT_GENERATION_REQUESTED);
    request.event.generation_id = "g1";
    request.event.user_id = "u1";
    request.event.project_id = "p1";
    request.event.prompt = "a cat";
    request.complete = true;
    strcpy(request.fingerprint, "abcdef");
    strcpy(request.ratio, "1280:720");
    request.duration_seconds = 5;
    answer = (struct reserve_answer){ .outcome = RESERVE_HELD, .required_tokens = 3,
                                      .at_ms = INT64_C(1790000000000),
        .quote = { "one", 1, 3, "test-1" }, .balance = { 10, 4, 5, 1 } };
    from = (struct announcement){ .request = &request, .answer = &answer, .origin = "reelgate.requests/2@77",
        .default_deadline_ms = 900000, .words = &words };
}

static void close_all(void)
{
    text_free(&words);
    text_free(&wire);
}

static const char *encoded(void)
{
    text_clear(&wire);
    event_encode(&out, &wire);
    return wire.bytes;
}

#define HAS(part) ck_assert_msg(strstr(encoded(), part) != NULL, "no %s in %s", part, encoded())

START_TEST(accepted_carries_price_and_balance)
{
    announce_accepted(&from, &out);
    HAS("\"generationId\":\"g1\"");
    HAS("\"projectId\":\"p1\"");
    HAS("\"requiredTokens\":3");
    HAS("\"policyVersion\":\"test-1\"");
    HAS("\"available\":4");
}
END_TEST

START_TEST(the_job_carries_what_is_to_be_submitted)
{
    request.event.seed = 7;
    announce_job(&from, &out);
    ck_assert_str_eq(out.prompt, "a cat");
    ck_assert_str_eq(out.model, "one");
    ck_assert_str_eq(out.ratio, "1280:720");
    ck_assert_int_eq(out.duration_seconds, 5);
    ck_assert_int_eq(out.seed, 7);
    ck_assert_int_eq(out.accepted_at, answer.at_ms);
    HAS("\"requiredTokens\":3");
}
END_TEST

static const struct { int64_t asked_seconds, want_ms; } deadlines[] = {
    { EVENT_ABSENT, 900000 }, { 60, 60000 }, { 86400, 86400000 },
};

START_TEST(the_deadline_counts_from_the_recorded_decision)
{
    request.event.deadline_seconds = deadlines[_i].asked_seconds;
    announce_job(&from, &out);
    ck_assert_int_eq(out.deadline_at, answer.at_ms + deadlines[_i].want_ms);
}
END_TEST

/* What was paid for outranks a policy that was reloaded between two runs. */
static const struct { int64_t asked, policy, units, want; } durations[] = {
    { 8, 8, 1, 8 },
    { EVENT_ABSENT, 5, 1, 5 },
    { EVENT_ABSENT, 5, 10, 10 },             /* the default was 10 s when it was priced by the second */
    { EVENT_ABSENT, 0, 1, EVENT_ABSENT },
};

START_TEST(the_duration_is_the_one_that_was_priced)
{
    request.event.duration_seconds = durations[_i].asked;
    request.duration_seconds = durations[_i].policy;
    answer.quote.units = durations[_i].units;
    announce_job(&from, &out);
    ck_assert_int_eq(out.duration_seconds, durations[_i].want);
}
END_TEST

START_TEST(a_request_that_the_policy_no_longer_takes_keeps_its_own_wishes)
{
    request.refused = true;
    request.ratio[0] = '\0';
    request.event.ratio = "720:1280";
    announce_job(&from, &out);
    ck_assert_str_eq(out.ratio, "720:1280");
    ck_assert_str_eq(out.model, "one");
}
END_TEST

START_TEST(the_entry_can_rebuild_the_hold)
{
    announce_entry(&from, &out);
    HAS("\"kind\":\"reserve\"");
    HAS("\"amount\":3");
    HAS("\"origin\":\"reelgate.requests/2@77\"");
    HAS("\"fingerprint\":\"abcdef\"");
    HAS("\"description\":\"Hold for video generation: g1\"");
    HAS("\"reserved\":5");
    ck_assert_int_eq(out.at, answer.at_ms);
}
END_TEST

START_TEST(insufficient_tokens_says_what_is_there_and_what_is_needed)
{
    announce_insufficient(&from, &out);
    HAS("\"code\":\"insufficient_tokens\"");
    HAS("\"message\":\"Insufficient tokens for video generation\"");
    HAS("{\"userId\":\"u1\",\"currentBalance\":4,\"requiredTokens\":3,\"reservedTokens\":5}");
}
END_TEST

START_TEST(a_refusal_is_told_as_it_was_recorded)
{
    answer.outcome = RESERVE_REFUSED;
    answer.error = "{\"code\":\"validation_error\",\"message\":\"ratio \\\"1:1\\\" no\","
                   "\"context\":{\"field\":\"ratio\"}}";
    announce_refused(&from, &out);
    ck_assert_str_eq(out.error.code, "validation_error");
    ck_assert_str_eq(out.error.message, "ratio \"1:1\" no");
    ck_assert_str_eq(out.error.context, "{\"field\":\"ratio\"}");
    HAS("\"context\":{\"field\":\"ratio\"}");
}
END_TEST

static const char *const unreadable[] = { NULL, "", "{", "{\"code\":\"x\"}",
                                          "{\"code\":1,\"message\":\"m\",\"context\":{}}" };

START_TEST(a_refusal_whose_record_is_unreadable_stays_a_refusal)
{
    answer.error = unreadable[_i];
    announce_refused(&from, &out);
    HAS("\"code\":\"validation_error\"");
    HAS("\"context\":{}");
}
END_TEST

START_TEST(a_cancel_names_its_generation_and_nothing_else)
{
    announce_cancel(&request, &out);
    ck_assert_str_eq(encoded(), "{\"generationId\":\"g1\",\"userId\":\"u1\"}");
}
END_TEST

CHECK_MAIN("admission/announce",
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, accepted_carries_price_and_balance);
    tcase_add_test(tests, the_job_carries_what_is_to_be_submitted);
    tcase_add_loop_test(tests, the_deadline_counts_from_the_recorded_decision, 0, ROWS(deadlines));
    tcase_add_loop_test(tests, the_duration_is_the_one_that_was_priced, 0, ROWS(durations));
    tcase_add_test(tests, a_request_that_the_policy_no_longer_takes_keeps_its_own_wishes);
    tcase_add_test(tests, the_entry_can_rebuild_the_hold);
    tcase_add_test(tests, insufficient_tokens_says_what_is_there_and_what_is_needed);
    tcase_add_test(tests, a_refusal_is_told_as_it_was_recorded);
    tcase_add_loop_test(tests, a_refusal_whose_record_is_unreadable_stays_a_refusal, 0, ROWS(unreadable));
    tcase_add_test(tests, a_cancel_names_its_generation_and_nothing_else);
)
