/* The rule of admission: what is asked of the account, and what its answer becomes. */
#include <string.h>

#include "admission/admit.h"
#include "unit/admission/policy_fixture.h"
#include "unit/check_main.h"

#define IDS "\"generationId\":\"g1\",\"userId\":\"u1\""
#define REQUESTED "reelgate.generation.requested"
#define CANCEL "reelgate.generation.cancel_requested"

static struct policy *policy;
static struct admit_request request;
static struct text refusal;

static void open_all(void)
{
    policy = policy_from(POLICY_OF_ONE_MODEL);
    memset(&request, 0, sizeof request);
}

static void close_all(void)
{
    event_clear(&request.event);
    policy_free(&policy);
    text_free(&refusal);
}

static void judge(const char *ce_type, const char *json, bool too_old)
{
    const struct event_source source = { .value = json, .length = strlen(json), .ce_type = ce_type,
        .ce_type_length = ce_type ? strlen(ce_type) : 0, .topic = TOPIC_REQUESTS };
    const struct admit_input input = { .policy = policy, .too_old = too_old,
        .decoded = event_decode(&source, &request.event, &request.error) };
    admit_judge(&input, &request, &refusal);
}

static const struct {
    const char *ce_type, *json;
    bool too_old;
    enum admit_ask ask;
    const char *refusal;             /* a part of the error object; NULL: not refused */
} judgements[] = {
    { NULL, "{" IDS ",\"prompt\":\"a cat\"}", false, ADMIT_RESERVE, NULL },
    { REQUESTED,
      "{" IDS ",\"prompt\":\"a cat\",\"model\":\"one\",\"ratio\":\"720:1280\",\"durationSeconds\":10}",
      false, ADMIT_RESERVE, NULL },
    /* Refused by the message's form: the field is named. */
    { REQUESTED, "{" IDS "}", false, ADMIT_RESERVE, "\"field\":\"prompt\",\"reason\":\"missing_field\"" },
    { REQUESTED, "{" IDS ",\"prompt\":7}", false, ADMIT_RESERVE,
      "\"field\":\"prompt\",\"reason\":\"wrong_type\"" },
    { REQUESTED, "{" IDS ",\"prompt\":\"a\",\"deadlineSeconds\":59}", false, ADMIT_RESERVE,
      "\"field\":\"deadlineSeconds\"" },
    /* Refused by the policy. */
    { REQUESTED, "{" IDS ",\"prompt\":\"a\",\"model\":\"two\"}", false, ADMIT_RESERVE,
      "\"field\":\"model\"" },
    { REQUESTED, "{" IDS ",\"prompt\":\"a\",\"ratio\":\"1:1\"}", false, ADMIT_RESERVE,
      "\"field\":\"ratio\"" },
    { REQUESTED, "{" IDS ",\"prompt\":\"a\",\"durationSeconds\":11}", false, ADMIT_RESERVE,
      "\"field\":\"durationSeconds\"" },
    /* Too old is asked too: it may have been accepted before. */
    { REQUESTED, "{" IDS ",\"prompt\":\"a\"}", true, ADMIT_RESERVE, "{\"code\":\"too_old\"" },
    { REQUESTED, "{" IDS ",\"prompt\":7}", true, ADMIT_RESERVE, "{\"code\":\"validation_error\"" },
    { CANCEL, "{" IDS "}", false, ADMIT_LOOKUP, NULL },
    { CANCEL, "{" IDS "}", true, ADMIT_LOOKUP, NULL },
    /* Nobody to answer. */
    { REQUESTED, "{\"userId\":\"u1\",\"prompt\":\"a\"}", false, ADMIT_NOTHING, NULL },
    { REQUESTED, "{\"generationId\":\"g1\",\"prompt\":\"a\"}", false, ADMIT_NOTHING, NULL },
    { REQUESTED, "\xff\xfe", false, ADMIT_NOTHING, NULL },
    { REQUESTED, "", false, ADMIT_NOTHING, NULL },
    { CANCEL, "{\"generationId\":\"g1\"}", false, ADMIT_NOTHING, NULL },
    { "reelgate.generation.completed", "{" IDS "}", false, ADMIT_NOTHING, NULL },
};

START_TEST(a_record_becomes_a_question)
{
    judge(judgements[_i].ce_type, judgements[_i].json, judgements[_i].too_old);
    ck_assert_int_eq(request.ask, judgements[_i].ask);
    ck_assert_int_eq(request.refused, judgements[_i].refusal != NULL);
    if (request.refused) {
        ck_assert_ptr_nonnull(strstr(refusal.bytes, judgements[_i].refusal));
        ck_assert_int_eq(request.quote.tokens, 0);
    } else if (request.ask == ADMIT_RESERVE) {
        ck_assert_int_eq(request.quote.tokens, 3);
        ck_assert_str_eq(request.quote.policy_version, "test-1");
    } else if (request.ask == ADMIT_NOTHING) {
        ck_assert_str_ne(request.error.reason, "");
        ck_assert_str_ne(admit_letter(&request, ADMIT_MALFORMED).message, "");
    }
    if (request.ask == ADMIT_RESERVE)
        ck_assert_uint_ge(strlen(request.fingerprint), 32);
}
END_TEST

START_TEST(what_the_model_needs_is_filled_in)
{
    judge(NULL, "{" IDS ",\"prompt\":\"a cat\"}", false);
    ck_assert_str_eq(request.ratio, "1280:720");
    ck_assert_int_eq(request.duration_seconds, 5);
    ck_assert_str_eq(request.quote.model, "one");
}
END_TEST

START_TEST(the_fingerprint_is_of_the_request_not_of_its_ids)
{
    char first[65];
    judge(NULL, "{" IDS ",\"prompt\":\"a cat\"}", false);
    strcpy(first, request.fingerprint);
    event_clear(&request.event);
    judge(NULL, "{\"prompt\":\"a cat\",\"userId\":\"u2\",\"generationId\":\"g9\"}", false);
    ck_assert_str_eq(first, request.fingerprint);
    event_clear(&request.event);
    judge(NULL, "{" IDS ",\"prompt\":\"a dog\"}", false);
    ck_assert_str_ne(first, request.fingerprint);
}
END_TEST

#define TOO_OLD "{\"code\":\"too_old\",\"message\":\"m\",\"context\":{}}"
#define INVALID "{\"code\":\"validation_error\",\"message\":\"m\",\"context\":{}}"

/* The recorded answer decides, whatever the request would be told now. */
static const struct {
    bool complete, refused;
    enum reserve_outcome outcome;
    const char *error;
    enum admit_decision want;
} decisions[] = {
    { true, false, RESERVE_HELD, NULL, ADMIT_ACCEPTED },
    /* the model was removed between two runs */
    { true, true, RESERVE_HELD, NULL, ADMIT_ACCEPTED },
    { false, true, RESERVE_HELD, NULL, ADMIT_UNREADABLE_HOLD },
    { true, false, RESERVE_INSUFFICIENT, NULL, ADMIT_INSUFFICIENT_TOKENS },
    { true, true, RESERVE_REFUSED, INVALID, ADMIT_VALIDATION_ERROR },
    /* the model was added between two runs */
    { true, false, RESERVE_REFUSED, INVALID, ADMIT_VALIDATION_ERROR },
    { true, true, RESERVE_REFUSED, TOO_OLD, ADMIT_TOO_OLD },
    { true, false, RESERVE_DUPLICATE, NULL, ADMIT_DUPLICATE },
    { false, true, RESERVE_DUPLICATE, NULL, ADMIT_DUPLICATE },
    { true, false, RESERVE_CONFLICT, NULL, ADMIT_CONFLICT },
};

START_TEST(an_answer_becomes_a_decision)
{
    const struct reserve_answer answer = { .outcome = decisions[_i].outcome, .error = decisions[_i].error };
    request.complete = decisions[_i].complete;
    request.refused = decisions[_i].refused;
    ck_assert_int_eq(admit_reserved(&request, &answer), decisions[_i].want);
}
END_TEST

static const struct { enum lookup_outcome outcome; enum admit_decision want; } lookups[] = {
    { LOOKUP_HELD, ADMIT_CANCEL }, { LOOKUP_ENDED, ADMIT_CANCEL_LATE },
        { LOOKUP_UNKNOWN, ADMIT_CANCEL_UNKNOWN },
};

START_TEST(a_cancel_goes_on_only_while_tokens_are_held)
{
    ck_assert_int_eq(admit_looked_up(lookups[_i].outcome), lookups[_i].want);
}
END_TEST

/* Which decisions end in dead-letters, by their label. */
static const struct { enum admit_decision decision; const char *label, *code; } letters[] = {
    { ADMIT_ACCEPTED, "accepted", NULL },
    { ADMIT_INSUFFICIENT_TOKENS, "insufficient_tokens", NULL },
    { ADMIT_VALIDATION_ERROR, "validation_error", NULL },
    { ADMIT_DUPLICATE, "duplicate", NULL },
    { ADMIT_CONFLICT, "conflict", "conflict" },
    { ADMIT_CANCEL, "cancel", NULL },
    { ADMIT_CANCEL_LATE, "cancel_late", NULL },
    { ADMIT_CANCEL_UNKNOWN, "cancel_unknown", "unknown_generation" },
    { ADMIT_TOO_OLD, "too_old", "too_old" },
    { ADMIT_UNREADABLE_HOLD, "unreadable_hold", "internal_error" },
};

START_TEST(some_decisions_are_dead_letters)
{
    struct admit_letter letter = admit_letter(&request, letters[_i].decision);
    ck_assert_str_eq(ADMIT_LABELS[letters[_i].decision], letters[_i].label);
    ck_assert_pstr_eq(letter.code, letters[_i].code);
    ck_assert_int_eq(letter.code == NULL, letter.message == NULL);
}
END_TEST

CHECK_MAIN("admission/admit",
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_loop_test(tests, a_record_becomes_a_question, 0, ROWS(judgements));
    tcase_add_test(tests, what_the_model_needs_is_filled_in);
    tcase_add_test(tests, the_fingerprint_is_of_the_request_not_of_its_ids);
    tcase_add_loop_test(tests, an_answer_becomes_a_decision, 0, ROWS(decisions));
    tcase_add_loop_test(tests, a_cancel_goes_on_only_while_tokens_are_held, 0, ROWS(lookups));
    tcase_add_loop_test(tests, some_decisions_are_dead_letters, 0, ROWS(letters));
)
