/* Decoding: modes of CloudEvents, what is refused and with which words, and that what was encoded comes
 * back. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/event.h"

#define REQUEST_TYPE "reelgate.generation.requested"
#define CANCEL_TYPE "reelgate.generation.cancel_requested"
#define ENTRY_TYPE "reelgate.tokens.entry"
#define IDS "\"generationId\":\"g\",\"userId\":\"u\""
#define GOOD "{" IDS ",\"prompt\":\"p\"}"

static struct event event;
static struct decode_error error;

static enum decode decode_as(enum topic topic, const char *content_type, const char *ce_type,
                             const char *value)
{
    struct event_source source = {
        .value = value, .length = value ? strlen(value) : 0, .topic = topic,
        .content_type = content_type, .content_type_length = content_type ? strlen(content_type) : 0,
        .ce_type = ce_type, .ce_type_length = ce_type ? strlen(ce_type) : 0,
    };
    return event_decode(&source, &event, &error);
}

/* ---- which message it is */

#define STRUCTURED(type, data)                                                                               \
    "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"" type "\",\"data\":" data "}"
static const struct {
    enum topic topic;
    const char *content_type, *ce_type, *value;
    enum decode wanted;
    enum event_type type;
    const char *reason;
} mode_cases[] = {
    { TOPIC_REQUESTS, "application/json", REQUEST_TYPE, GOOD, DECODE_OK, EVENT_GENERATION_REQUESTED, "" },
    { TOPIC_REQUESTS, NULL, CANCEL_TYPE, GOOD, DECODE_OK, EVENT_GENERATION_CANCEL_REQUESTED, "" },
    { TOPIC_JOBS, NULL, CANCEL_TYPE, GOOD, DECODE_OK, EVENT_GENERATION_CANCEL_REQUESTED, "" },
    { TOPIC_REQUESTS, NULL, "generation.requested", GOOD, DECODE_MALFORMED, 0, "unknown_type" },
    { TOPIC_REQUESTS, NULL, "acme.generation.requested", GOOD, DECODE_MALFORMED, 0, "unknown_type" },
    { TOPIC_REQUESTS, NULL, REQUEST_TYPE "x", GOOD, DECODE_MALFORMED, 0, "unknown_type" },
    { TOPIC_REQUESTS, NULL, "", GOOD, DECODE_MALFORMED, 0, "unknown_type" },
    /* bare */
    { TOPIC_REQUESTS, NULL, NULL, GOOD, DECODE_OK, EVENT_GENERATION_REQUESTED, "" },
    { TOPIC_REQUESTS, "text/plain", NULL, GOOD, DECODE_OK, EVENT_GENERATION_REQUESTED, "" },
    { TOPIC_REQUESTS, NULL, NULL, "{" IDS ",\"type\":\"" CANCEL_TYPE "\"}", DECODE_OK,
      EVENT_GENERATION_CANCEL_REQUESTED, "" },
    { TOPIC_REQUESTS, NULL, NULL, "{" IDS ",\"type\":\"generation.cancel_requested\"}", DECODE_OK,
      EVENT_GENERATION_CANCEL_REQUESTED, "" },
    { TOPIC_REQUESTS, NULL, NULL, "{" IDS ",\"type\":\"video\",\"prompt\":\"p\"}", DECODE_OK,
      EVENT_GENERATION_REQUESTED, "" },
    { TOPIC_GRANTS, NULL, NULL, "{\"grantId\":\"t\",\"userId\":\"u\",\"amount\":-5}", DECODE_OK,
      EVENT_TOKENS_GRANTED, "" },
    { TOPIC_RESULTS, NULL, NULL, GOOD, DECODE_MALFORMED, 0, "unknown_type" },
    { TOPIC_JOURNAL, NULL, NULL, GOOD, DECODE_MALFORMED, 0, "unknown_type" },
    /* structured */
    { TOPIC_REQUESTS, "application/cloudevents+json", NULL, STRUCTURED(REQUEST_TYPE, GOOD), DECODE_OK,
      EVENT_GENERATION_REQUESTED, "" },
    { TOPIC_REQUESTS, "Application/CloudEvents+JSON; charset=utf-8", NULL, STRUCTURED(CANCEL_TYPE, GOOD),
      DECODE_OK, EVENT_GENERATION_CANCEL_REQUESTED, "" },
    { TOPIC_GRANTS, "application/cloudevents", NULL,
      STRUCTURED("reelgate.tokens.granted", "{\"grantId\":\"t\",\"userId\":\"u\",\"amount\":5}"), DECODE_OK,
      EVENT_TOKENS_GRANTED, "" },
    { TOPIC_REQUESTS, "application/cloudevents+json", NULL, STRUCTURED("other", GOOD), DECODE_MALFORMED, 0,
      "unknown_type" },
    { TOPIC_REQUESTS, "application/cloudevents+json", NULL, STRUCTURED(REQUEST_TYPE, "\"text\""),
      DECODE_MALFORMED, 0, "malformed_envelope" },
    { TOPIC_REQUESTS, "application/cloudevents+json", NULL, GOOD, DECODE_MALFORMED, 0, "malformed_envelope" },
    { TOPIC_REQUESTS, "application/cloudevents+json", NULL,
      "{\"specversion\":\"0.3\",\"type\":\"" REQUEST_TYPE "\",\"data\":" GOOD "}", DECODE_MALFORMED, 0,
      "malformed_envelope" },
    { TOPIC_REQUESTS, "application/cloudevents+json", NULL, "{\"specversion\":\"1.0\",\"data\":" GOOD "}",
      DECODE_MALFORMED, 0, "unknown_type" },
    { TOPIC_REQUESTS, "application/cloudevents-batch+json", NULL, "[]", DECODE_MALFORMED, 0,
      "malformed_envelope" },
    { TOPIC_REQUESTS, "application/cloudeventsish", REQUEST_TYPE, GOOD, DECODE_OK, EVENT_GENERATION_REQUESTED,
      "" },
    /* no message at all */
    { TOPIC_REQUESTS, NULL, REQUEST_TYPE, NULL, DECODE_MALFORMED, 0, "no_value" },
    { TOPIC_REQUESTS, NULL, REQUEST_TYPE, "", DECODE_MALFORMED, 0, "no_value" },
    { TOPIC_REQUESTS, NULL, REQUEST_TYPE, "not json", DECODE_MALFORMED, 0, "malformed_json" },
    { TOPIC_REQUESTS, NULL, REQUEST_TYPE, GOOD "x", DECODE_MALFORMED, 0, "malformed_json" },
    { TOPIC_REQUESTS, NULL, REQUEST_TYPE, "[]", DECODE_MALFORMED, 0, "wrong_type" },
    { TOPIC_REQUESTS, NULL, REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"prompt\":\"q\"}", DECODE_MALFORMED, 0,
      "duplicate_key" },
    { TOPIC_REQUESTS, NULL, REQUEST_TYPE,
      "{" IDS ",\"prompt\":\"p\",\"x\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", DECODE_MALFORMED, 0,
      "too_deep" },
};

START_TEST(the_type_is_found_or_refused)
{
    enum decode decoded = decode_as(mode_cases[_i].topic, mode_cases[_i].content_type, mode_cases[_i].ce_type,
                                    mode_cases[_i].value);
    ck_assert_int_eq(decoded, mode_cases[_i].wanted);
    ck_assert_str_eq(error.reason, mode_cases[_i].reason);
    if (decoded == DECODE_OK) {
        ck_assert_int_eq(event.type, mode_cases[_i].type);
        ck_assert_str_eq(event.user_id, "u");
    } else {
        ck_assert_str_ne(error.message, "");
    }
    event_clear(&event);
}
END_TEST

START_TEST(a_value_over_the_cap_is_refused_unread)
{
    size_t length = 64 * 1024 + 1;
    char *value = malloc(length + 1);
    ck_assert_ptr_nonnull(value);
    memset(value, ' ', length);
    value[length] = '\0';
    memcpy(value, GOOD, strlen(GOOD));
    ck_assert_int_eq(decode_as(TOPIC_REQUESTS, NULL, REQUEST_TYPE, value), DECODE_MALFORMED);
    ck_assert_str_eq(error.reason, "too_large");
    value[length - 1] = '\0';
    ck_assert_int_eq(decode_as(TOPIC_REQUESTS, NULL, REQUEST_TYPE, value), DECODE_OK);
    event_clear(&event);
    free(value);
}
END_TEST

/* ---- one field wrong: which words */

static const struct { const char *ce_type, *value, *field, *reason, *message;
} field_cases[] = {
    { REQUEST_TYPE, "{" IDS "}", "prompt", "missing_field",
      "prompt is missing; allowed is text of 1 to 15000 characters, no control characters" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"\"}", "prompt", "out_of_range",
      "prompt is \"\"; allowed is text of 1 to 15000 characters, no control characters" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"bell \\u0007\"}", "prompt", "out_of_range",
      "prompt is \"bell ?\"; allowed is text of 1 to 15000 characters, no control characters" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":7}", "prompt", "wrong_type",
      "prompt is 7; allowed is text of 1 to 15000 characters, no control characters" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":null}", "prompt", "wrong_type",
      "prompt is null; allowed is text of 1 to 15000 characters, no control characters" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"durationSeconds\":\"5\"}", "durationSeconds", "wrong_type",
      "durationSeconds is \"5\"; allowed is a whole number from 1 to 3600" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"durationSeconds\":5.0}", "durationSeconds", "wrong_type",
      "durationSeconds is 5; allowed is a whole number from 1 to 3600" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"durationSeconds\":0}", "durationSeconds", "out_of_range",
      "durationSeconds is 0; allowed is a whole number from 1 to 3600" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"durationSeconds\":3601}", "durationSeconds", "out_of_range",
      "durationSeconds is 3601; allowed is a whole number from 1 to 3600" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"seed\":-1}", "seed", "out_of_range",
      "seed is -1; allowed is a whole number from 0 to 4294967295" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"seed\":true}", "seed", "wrong_type",
      "seed is true; allowed is a whole number from 0 to 4294967295" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"ratio\":\"16 : 9\"}", "ratio", "out_of_range",
      "ratio is \"16 : 9\"; allowed is 1 to 32 printable ASCII characters without spaces" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"image\":\"http://a.example/b.png\"}", "image",
      "out_of_range",
      "image is \"http://a.example/b.png\"; allowed is an https:// URL of 13 to 2048 characters" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"model\":{}}", "model", "wrong_type",
      "model is an object; allowed is 1 to 64 printable ASCII characters without spaces" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"model\":[1,2]}", "model", "wrong_type",
      "model is an array of 2; allowed is 1 to 64 printable ASCII characters without spaces" },
    { REQUEST_TYPE,
      "{" IDS ",\"prompt\":\"p\",\"model\":\"0123456789012345678901234567890123456789012345678901234567890123"
      "4\"}",
      "model", "out_of_range",
      "model is \"0123456789012345678901234567890123456789...\"; "
      "allowed is 1 to 64 printable ASCII characters without spaces" },
    { REQUEST_TYPE, "{" IDS ",\"prompt\":\"p\",\"projectId\":\"a b\"}", "projectId", "out_of_range",
      "projectId is \"a b\"; allowed is 1 to 64 characters of A-Z a-z 0-9 . _ : -" },
    { "reelgate.tokens.granted", "{\"grantId\":\"t\",\"userId\":\"u\",\"amount\":0}", "amount",
      "out_of_range", "amount is 0; allowed is a whole number from -2147483648 to 2147483648, not 0" },
    { "reelgate.tokens.granted", "{\"grantId\":\"t\",\"userId\":\"u\",\"amount\":2147483649}", "amount",
      "out_of_range",
      "amount is 2147483649; allowed is a whole number from -2147483648 to 2147483648, not 0" },
    { "reelgate.generation.accepted",
      "{" IDS ",\"requiredTokens\":1,\"quote\":{\"model\":\"m\",\"units\":1,\"tokens\":0,"
      "\"policyVersion\":\"1\"}}",
      "quote.tokens", "out_of_range", "quote.tokens is 0; allowed is a whole number from 1 to 2147483648" },
    { "reelgate.generation.accepted", "{" IDS ",\"requiredTokens\":1,\"quote\":{\"model\":\"m\"}}",
      "quote.units", "missing_field",
      "quote.units is missing; allowed is a whole number from 1 to 2147483648" },
    { "reelgate.generation.accepted", "{" IDS ",\"requiredTokens\":9007199254740992}", "requiredTokens",
      "out_of_range",
      "requiredTokens is 9007199254740992; allowed is a whole number from 0 to 9007199254740991" },
    { "reelgate.generation.completed", "{" IDS ",\"taskId\":\"t\",\"output\":[\"https://a\",5]}", "output[1]",
      "wrong_type", "output[1] is 5; allowed is 1 to 3072 printable ASCII characters without spaces" },
    { "reelgate.generation.completed",
      "{" IDS ",\"taskId\":\"t\",\"output\":[],\"outputExpiresAt\":\"2026-02-30T00:00:00Z\"}",
      "outputExpiresAt", "out_of_range",
      "outputExpiresAt is \"2026-02-30T00:00:00Z\"; allowed is a time such as 2026-11-23T05:54:48.123Z" },
    { "reelgate.generation.rejected", "{" IDS ",\"error\":{\"code\":\"oops\",\"message\":\"m\"}}",
      "error.code", "out_of_range",
      "error.code is \"oops\"; allowed is bad_request, unauthorized, forbidden, not_found, validation_error, "
      "generation_error, insufficient_tokens, processing_error, internal_error" },
    { "reelgate.generation.rejected",
      "{" IDS ",\"error\":{\"code\":\"not_found\",\"message\":\"m\",\"context\":\"c\"}}", "error.context",
      "wrong_type", "error.context is \"c\"; allowed is an object" },
    { ENTRY_TYPE, "{\"kind\":\"reserve\"," IDS ",\"at\":\"2026-11-23T05:54:48Z\"}", "amount", "missing_field",
      "amount is missing; allowed is a whole number from -2147483648 to 2147483648, not 0" },
};

START_TEST(a_wrong_field_is_named)
{
    ck_assert_int_eq(decode_as(TOPIC_RESULTS, NULL, field_cases[_i].ce_type, field_cases[_i].value),
                     DECODE_INVALID);
    ck_assert_str_eq(error.field, field_cases[_i].field);
    ck_assert_str_eq(error.reason, field_cases[_i].reason);
    ck_assert_str_eq(error.message, field_cases[_i].message);
    ck_assert_str_eq(event.user_id, "u");
    ck_assert_ptr_null(event.prompt);
    event_clear(&event);
}
END_TEST

/* ---- invalid or malformed: it depends on the ids alone */

static const struct {
    const char *ce_type, *value;
    enum decode wanted;
    const char *field, *project;
} id_cases[] = {
    { REQUEST_TYPE, "{" IDS ",\"projectId\":\"p1\"}", DECODE_INVALID, "prompt", "p1" },
    { REQUEST_TYPE, "{" IDS ",\"projectId\":7,\"prompt\":\"p\"}", DECODE_INVALID, "projectId", NULL },
    { REQUEST_TYPE, "{\"userId\":\"u\",\"prompt\":\"p\"}", DECODE_MALFORMED, "generationId", NULL },
    { REQUEST_TYPE, "{\"generationId\":\"g\",\"prompt\":\"p\"}", DECODE_MALFORMED, "userId", NULL },
    { REQUEST_TYPE, "{\"generationId\":\"g/1\",\"userId\":\"u\",\"prompt\":\"p\"}", DECODE_MALFORMED,
      "generationId", NULL },
    { REQUEST_TYPE, "{\"generationId\":\"\",\"userId\":\"u\",\"prompt\":\"p\"}", DECODE_MALFORMED,
      "generationId", NULL },
    { REQUEST_TYPE, "{\"grantId\":\"t\",\"userId\":\"u\",\"prompt\":\"p\"}", DECODE_MALFORMED, "generationId",
      NULL },
    { "reelgate.tokens.granted", "{\"grantId\":\"t\",\"userId\":\"u\"}", DECODE_INVALID, "amount", NULL },
    { "reelgate.tokens.granted", "{\"userId\":\"u\",\"amount\":1}", DECODE_MALFORMED, "grantId", NULL },
    { ENTRY_TYPE, "{\"kind\":\"open\",\"at\":\"2026-11-23T05:54:48Z\"}", DECODE_MALFORMED, "nonce", NULL },
};

START_TEST(only_readable_ids_make_it_a_rejection)
{
    ck_assert_int_eq(decode_as(TOPIC_RESULTS, NULL, id_cases[_i].ce_type, id_cases[_i].value),
                     id_cases[_i].wanted);
    ck_assert_str_eq(error.field, id_cases[_i].field);
    if (id_cases[_i].wanted == DECODE_INVALID)
        ck_assert_str_eq(event.user_id, "u");
    else
        ck_assert_ptr_null(event.user_id);
    ck_assert_pstr_eq(event.project_id, id_cases[_i].project);
    event_clear(&event);
    event_clear(&event);      /* may be repeated */
}
END_TEST

/* ---- and back */

START_TEST(unknown_fields_are_ignored_and_characters_are_kept)
{
    const char *value =
        "{" IDS ",\"prompt\":\"\\u00e9 \\ud83e\\udd8a \\n\\\"\",\"colour\":{\"a\":[1]},\"taskId\":9}";
    ck_assert_int_eq(decode_as(TOPIC_REQUESTS, NULL, NULL, value), DECODE_OK);
    ck_assert_str_eq(event.prompt, "\xc3\xa9 \xf0\x9f\xa6\x8a \n\"");
    ck_assert_ptr_null(event.task_id);       /* no field of this message */
    event_clear(&event);
}
END_TEST

START_TEST(limits_of_text_count_characters)
{
    enum { MOST = PROMPT_CHARACTERS_MAX };
    char *value = malloc(4 * (MOST + 1) + 100);
    ck_assert_ptr_nonnull(value);
    for (int count = MOST; count <= MOST + 1; count++) {
        char *at = stpcpy(value, "{" IDS ",\"prompt\":\"");
        for (int i = 0; i < count; i++)
            at = stpcpy(at, "\xf0\x9f\xa6\x8a");
        strcpy(at, "\"}");
        ck_assert_int_eq(decode_as(TOPIC_REQUESTS, NULL, NULL, value),
                         count == MOST ? DECODE_OK : DECODE_INVALID);
        event_clear(&event);
    }
    free(value);
}
END_TEST

static const struct { const char *ce_type, *value;
} round_cases[] = {
    { REQUEST_TYPE,
      "{" IDS ",\"projectId\":\"p\",\"prompt\":\"x\",\"model\":\"veo3.1\",\"durationSeconds\":8,"
      "\"ratio\":\"1280:720\",\"image\":\"https://a.example/"
      "b.png\",\"seed\":4294967295,\"deadlineSeconds\":600}" },
    { CANCEL_TYPE, "{" IDS "}" },
    { "reelgate.tokens.granted",
      "{\"grantId\":\"t\",\"userId\":\"u\",\"amount\":-2147483648,\"description\":\"\"}" },
    { "reelgate.generation.accepted",
      "{" IDS ",\"requiredTokens\":1,\"quote\":{\"model\":\"m\",\"units\":1,\"tokens\":1,"
      "\"policyVersion\":\"1\"},\"balance\":{\"granted\":9007199254740991,\"available\":0,\"reserved\":1,"
      "\"spent\":2}}" },
    { "reelgate.generation.rejected",
      "{" IDS ",\"error\":{\"code\":\"insufficient_tokens\",\"message\":\"m\","
      "\"context\":{\"userId\":\"u\",\"currentBalance\":0,\"list\":[1.5,null,true,\"\\\"\"]}}}" },
    { "reelgate.generation.submitted",
      "{" IDS ",\"taskId\":\"t-1\",\"provider\":\"runway\",\"estimatedCredits\":0.1}" },
    { "reelgate.generation.progressed",
      "{" IDS ",\"taskId\":\"t-1\",\"progress\":0.29,\"timings\":{\"acceptedAt\":\"2026-11-23T00:00:00.000Z\","
      "\"submittedAt\":\"2026-11-23T00:00:01.000Z\",\"queueMs\":1000}}" },
    { "reelgate.generation.submission_settled", "{" IDS ",\"taskId\":\"t-1\"}" },
    { "reelgate.generation.submission_settled", "{" IDS "}" },
    { "reelgate.generation.completed",
      "{" IDS ",\"taskId\":\"t-1\",\"output\":[\"https://a/?_jwt=1\",\"https://b\"],"
      "\"outputExpiresAt\":\"2026-11-24T00:00:00.000Z\",\"requiredTokens\":3,\"providerCredits\":114,"
      "\"timings\":{\"acceptedAt\":\"2026-11-23T00:00:00.000Z\",\"finishedAt\":\"2026-11-23T00:00:09.000Z\","
      "\"totalMs\":9000}}" },
    { "reelgate.generation.failed", "{" IDS ",\"taskId\":\"t-1\",\"error\":{\"code\":\"generation_error\","
                                    "\"message\":\"m\"},\"charge\":1}" },
    { "reelgate.generation.cancelled",
      "{" IDS ",\"error\":{\"code\":\"generation_error\",\"message\":\"\"},\"charge\":0}" },
    { "reelgate.generation.job",
      "{" IDS ",\"prompt\":\"x\",\"model\":\"m\",\"requiredTokens\":1,"
      "\"acceptedAt\":\"2026-11-23T00:00:00.000Z\",\"deadlineAt\":\"9999-12-31T23:59:59.999Z\"}" },
    { "reelgate.generation.task",
      "{" IDS ",\"taskId\":\"t\",\"model\":\"m\",\"requiredTokens\":1,"
      "\"acceptedAt\":\"1970-01-01T00:00:00.000Z\",\"submittedAt\":\"2026-11-23T00:00:01.000Z\","
      "\"deadlineAt\":\"2026-11-23T00:00:02.001Z\"}" },
    { ENTRY_TYPE,
      "{\"kind\":\"open\",\"nonce\":\"n\",\"partitions\":32,\"at\":\"2026-11-23T00:00:00.000Z\"}" },
    { ENTRY_TYPE,
      "{\"kind\":\"grant\",\"userId\":\"u\",\"grantId\":\"t\",\"amount\":5,\"origin\":\"r/0@0\",\"balance\":{"
      "\"granted\":5,\"available\":5,\"reserved\":0,\"spent\":0},\"at\":\"2026-11-23T00:00:00.000Z\"}" },
    { ENTRY_TYPE,
      "{\"kind\":\"grant\",\"userId\":\"u\",\"grantId\":\"t\",\"amount\":5,\"origin\":\"r/0@0\",\"balance\":{"
      "\"granted\":5,\"available\":-1,\"reserved\":6,\"spent\":0},\"at\":\"2026-11-23T00:00:00.000Z\"}" },
};
_Static_assert(sizeof round_cases / sizeof round_cases[0] > EVENT_TYPE_COUNT, "every message has a row");

START_TEST(what_is_decoded_encodes_to_the_same_bytes)
{
    ck_assert_int_eq(decode_as(TOPIC_RESULTS, NULL, round_cases[_i].ce_type, round_cases[_i].value),
                     DECODE_OK);
    struct text again = { 0 };
    event_encode(&event, &again);
    ck_assert_str_eq(again.bytes, round_cases[_i].value);
    text_free(&again);
    event_clear(&event);
}
END_TEST

#define LOOP(tcase, test, rows) tcase_add_loop_test(tcase, test, 0, sizeof rows / sizeof rows[0])
static Suite *suite(void)
{
    Suite *suite = suite_create("event_decode");
    TCase *modes = tcase_create("modes");
    LOOP(modes, the_type_is_found_or_refused, mode_cases);
    tcase_add_test(modes, a_value_over_the_cap_is_refused_unread);
    suite_add_tcase(suite, modes);
    TCase *fields = tcase_create("fields");
    LOOP(fields, a_wrong_field_is_named, field_cases);
    LOOP(fields, only_readable_ids_make_it_a_rejection, id_cases);
    tcase_add_test(fields, unknown_fields_are_ignored_and_characters_are_kept);
    tcase_add_test(fields, limits_of_text_count_characters);
    LOOP(fields, what_is_decoded_encodes_to_the_same_bytes, round_cases);
    suite_add_tcase(suite, fields);
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
