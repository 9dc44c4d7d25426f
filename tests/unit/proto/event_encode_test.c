/* Encoding: exact bytes for exact events, and what comes back when they are decoded. */
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proto/event.h"

static struct event request(void)
{
    struct event event;
    event_init(&event, EVENT_GENERATION_REQUESTED);
    event.generation_id = "gen-1";
    event.user_id = "user-1";
    event.prompt = "a red fox";
    return event;
}

static struct event entry(const char *kind)
{
    struct event event;
    event_init(&event, EVENT_TOKENS_ENTRY);
    event.kind = kind;
    event.user_id = "user-1";
    event.generation_id = "gen-1";
    event.amount = 3;
    event.origin = "reelgate.requests/0@7";
    event.at = 1795413288123;
    event.has_quote = event.has_balance = true;
    event.quote = (struct quote){ .model = "gen4.5", .units = 1, .tokens = 3, .policy_version = "2026-11" };
    event.balance = (struct balance){ .granted = 10, .available = 7, .reserved = 3, .spent = 0 };
    return event;
}

static struct event failed(void)
{
    struct event event;
    event_init(&event, EVENT_GENERATION_FAILED);
    event.generation_id = "gen-1";
    event.user_id = "user-1";
    event.charge = 0;
    event.has_error = true;
    event.error = (struct event_error){ .code = ERROR_GENERATION, .message = "it failed" };
    return event;
}

static void ck_encodes(const struct event *event, const char *wanted)
{
    struct text out = { 0 };
    event_encode(event, &out);
    ck_assert_str_eq(out.bytes, wanted);
    ck_assert_uint_eq(out.length, strlen(wanted));
    text_free(&out);
}

START_TEST(absent_fields_are_left_out)
{
    struct event event = request();
    ck_encodes(&event, "{\"generationId\":\"gen-1\",\"userId\":\"user-1\",\"prompt\":\"a red fox\"}");
}
END_TEST

START_TEST(it_appends_behind_what_is_there)
{
    struct event event = request();
    struct text out = { 0 };
    text_add_string(&out, "before ");
    event_encode(&event, &out);
    ck_assert_str_eq(out.bytes,
                     "before {\"generationId\":\"gen-1\",\"userId\":\"user-1\",\"prompt\":\"a red fox\"}");
    text_free(&out);
}
END_TEST

START_TEST(every_kind_of_value_is_written)
{
    struct event event = entry("reserve");
    event.description = "a \"quote\" \\ \n\xc3\xa9";
    ck_encodes(&event,
               "{\"kind\":\"reserve\",\"userId\":\"user-1\",\"generationId\":\"gen-1\",\"amount\":3,"
               "\"description\":\"a \\\"quote\\\" \\\\ \\n\xc3\xa9\",\"origin\":\"reelgate.requests/0@7\","
               "\"quote\":{\"model\":\"gen4.5\",\"units\":1,\"tokens\":3,\"policyVersion\":\"2026-11\"},"
               "\"balance\":{\"granted\":10,\"available\":7,\"reserved\":3,\"spent\":0},"
               "\"at\":\"2026-11-23T05:54:48.123Z\"}");
}
END_TEST

START_TEST(spans_come_from_the_times)
{
    struct event event = failed();
    event.has_timings = true;
    event.timings =
        (struct event_timings){ .accepted_at_ms = 1000, .submitted_at_ms = 1500, .finished_at_ms = 4000 };
    event.timings.total_ms = 99;     /* ignored: the times decide */
    ck_encodes(
        &event,
        "{\"generationId\":\"gen-1\",\"userId\":\"user-1\","
        "\"error\":{\"code\":\"generation_error\",\"message\":\"it failed\"},\"charge\":0,"
        "\"timings\":{\"acceptedAt\":\"1970-01-01T00:00:01.000Z\",\"submittedAt\":\"1970-01-01T00:00:01."
        "500Z\","
        "\"finishedAt\":\"1970-01-01T00:00:04.000Z\",\"queueMs\":500,\"renderMs\":2500,\"totalMs\":3000}}");
    event.timings = (struct event_timings){ 0 };
    ck_encodes(
        &event,
        "{\"generationId\":\"gen-1\",\"userId\":\"user-1\","
        "\"error\":{\"code\":\"generation_error\",\"message\":\"it failed\"},\"charge\":0,\"timings\":{}}");
}
END_TEST

START_TEST(times_are_those_of_the_clock)
{
    struct event event = entry("reserve");
    struct text out = { 0 };
    char wanted[RFC3339_BYTES];
    for (int64_t day = 0; day < 80 * 366 + 3000000;
         day += day < 80 * 366 ? 1 : 997) { /* each day to 2050, then to 9999 */
        event.at = day * 86400000 + day % 86400 * 1000 + day % 1000;
        if (event.at > TIME_MAX_MS)
            break;
        clock_format(event.at, wanted);
        text_clear(&out);
        event_encode(&event, &out);
        ck_assert_mem_eq(out.bytes + out.length - 26, wanted, RFC3339_BYTES - 1);
    }
    event.at = TIME_MAX_MS;
    text_clear(&out);
    event_encode(&event, &out);
    ck_assert_ptr_nonnull(strstr(out.bytes, "\"at\":\"9999-12-31T23:59:59.999Z\"}"));
    text_free(&out);
}
END_TEST

static const struct { double value; const char *wanted; } number_cases[] = {
    { 0, "0" },
    { 114, "114" },
    { 0.1, "0.1" },
    { 2.5, "2.5" },
    { 1.0 / 3, "0.3333333333333333" },           /* 16 digits are needed, and enough */
    { 0.1 + 0.2, "0.30000000000000004" },        /* 17 are needed */
    { 5e-324, "4.94065645841247e-324" },
    { 9007199254740991.0, "9007199254740991" },
    { -1, NULL },                                /* absent */
    { NAN, NULL },
    { INFINITY, NULL },
    { 1e300, NULL },                             /* a provider's nonsense */
};

START_TEST(credits_read_back_exactly)
{
    double value = number_cases[_i].value;
    struct event event = failed();
    event.provider_credits = value;
    struct text out = { 0 };
    event_encode(&event, &out);
    const char *at = strstr(out.bytes, "\"providerCredits\":");
    if (!number_cases[_i].wanted) {
        ck_assert_ptr_null(at);
    } else {
        ck_assert_ptr_nonnull(at);
        at += strlen("\"providerCredits\":");
        ck_assert_int_eq(strncmp(at, number_cases[_i].wanted, strlen(number_cases[_i].wanted)), 0);
        ck_assert(strtod(at, NULL) == value);
    }
    text_free(&out);
}
END_TEST

static const struct { const char *said, *wanted; } prose_cases[] = {
    { "plain", "\"plain\"" },
    { "", "\"\"" },
    { "a\x01" "b\x7f" "c\td", "\"a b c\\td\"" },
    { "cut \xc3", "\"cut ?\"" },                             /* half a character at the end */
    { "\xff\xfe", "\"??\"" },
    { "\xed\xa0\x80", "\"???\"" },                           /* a surrogate is no UTF-8 */
    { "\xc0\xaf", "\"??\"" },                                /* nor is an overlong slash */
    { "\xf0\x9f\xa6\x8a \xe2\x82\xac", "\"\xf0\x9f\xa6\x8a \xe2\x82\xac\"" },
};

START_TEST(words_from_outside_never_break_an_event)
{
    struct event event = failed();
    event.error.message = prose_cases[_i].said;
    struct text out = { 0 };
    event_encode(&event, &out);
    const char *at = strstr(out.bytes, "\"message\":");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(strncmp(at + 10, prose_cases[_i].wanted, strlen(prose_cases[_i].wanted)), 0);
    text_free(&out);
}
END_TEST

START_TEST(long_words_and_contexts_are_cut)
{
    static char words[3001], context[CONTEXT_BYTES_MAX + 2];
    memset(words, 'x', sizeof words - 1);
    memset(context, ' ', sizeof context - 1);
    context[0] = '{';
    context[sizeof context - 2] = '}';
    struct event event = failed();
    event.error.message = words;
    event.error.context = context;
    struct text out = { 0 };
    event_encode(&event, &out);
    ck_assert_ptr_nonnull(strstr(out.bytes, "x\",\"context\":{\"cut\":true}"));
    ck_assert_uint_gt(out.length, 2000);
    ck_assert_uint_lt(out.length, 2200);
    text_free(&out);
}
END_TEST

/* A Redis that was lost took a grant with it that was spent already. */
START_TEST(available_may_be_below_zero)
{
    struct event event = entry("release");
    struct text out = { 0 };
    event.balance = (struct balance){ .granted = 3, .available = -2, .reserved = 5, .spent = 0 };
    event_encode(&event, &out);
    ck_assert_ptr_nonnull(strstr(out.bytes, "{\"granted\":3,\"available\":-2,\"reserved\":5,\"spent\":0}"));
    text_free(&out);
}
END_TEST

/* Our own mistakes end the process: each row spoils one thing of a good event. */
static void spoil_id(struct event *event)          { event->generation_id = "with space"; }
static void spoil_missing(struct event *event)     { event->user_id = NULL; }
static void spoil_amount(struct event *event)      { event->amount = 0; }
static void spoil_kind(struct event *event)        { event->kind = "expire"; }
static void spoil_condition(struct event *event)   { event->has_balance = false; }
static void spoil_quote(struct event *event)       { event->quote.tokens = 0; }
static void spoil_label(struct event *event)       { event->quote.model[0] = '\0'; }
static void spoil_balance(struct event *event)     { event->balance.reserved = -1; }
static void spoil_time(struct event *event)        { event->at = -1; }
static void spoil_text(struct event *event)        { event->description = "bell \a"; }
static void spoil_type(struct event *event)        { event->type = EVENT_TYPE_COUNT; }
static void (*const spoils[])(struct event *) = {
    spoil_id,    spoil_missing, spoil_amount, spoil_kind, spoil_condition, spoil_quote,
    spoil_label, spoil_balance, spoil_time,   spoil_text, spoil_type,
};

START_TEST(our_own_mistakes_are_not_published)
{
    struct event event = entry("reserve");
    spoils[_i](&event);
    struct text out = { 0 };
    event_encode(&event, &out);      /* must abort: the case is registered with SIGABRT */
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("event_encode");
    TCase *bytes = tcase_create("bytes");
    tcase_add_test(bytes, absent_fields_are_left_out);
    tcase_add_test(bytes, it_appends_behind_what_is_there);
    tcase_add_test(bytes, every_kind_of_value_is_written);
    tcase_add_test(bytes, spans_come_from_the_times);
    tcase_add_test(bytes, times_are_those_of_the_clock);
    tcase_add_loop_test(bytes, credits_read_back_exactly, 0, sizeof number_cases / sizeof number_cases[0]);
    tcase_add_loop_test(bytes, words_from_outside_never_break_an_event, 0,
                        sizeof prose_cases / sizeof prose_cases[0]);
    tcase_add_test(bytes, long_words_and_contexts_are_cut);
    tcase_add_test(bytes, available_may_be_below_zero);
    suite_add_tcase(suite, bytes);
    TCase *mistakes = tcase_create("mistakes");
    tcase_add_loop_test_raise_signal(mistakes, our_own_mistakes_are_not_published, SIGABRT, 0,
                                     sizeof spoils / sizeof spoils[0]);
    suite_add_tcase(suite, mistakes);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
