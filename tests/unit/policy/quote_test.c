/* Prices, models' rules and charges, by the policy that is shipped and by one made for the test. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

static struct policy *shipped, *made;

/* Per-second prices, an own price, a model without durations, charges by prefix. */
static const char *const MADE = "{\"version\":\"t1\",\"price\":{\"tokensPerSecond\":3},\"defaultModel\":"
                                "\"fast\",\"chargePercent\":{\"cancelled\":50,"
                                "\"otherwise\":10,\"failures\":{\"SAFETY\":20,\"SAFETY.INPUT\":100,"
                                "\"INTERNAL.\":1,\"ASSET.INVALID\":0}},\"models\":{"
                                "\"fast\":{\"promptUnitsMax\":5,\"text\":{\"ratios\":[\"1:1\",\"2:1\"],"
                                "\"defaultRatio\":\"2:1\",\"durations\":[4,8],"
                                "\"defaultDuration\":8}},"
                                "\"flat\":{\"promptUnitsMax\":9,\"price\":{\"tokens\":7},\"text\":{"
                                "\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\"}}}}";

static void setup(void)
{
    char error[POLICY_ERROR_BYTES];
    shipped = policy_read("deploy/policy.json", error);
    if (!shipped)
        ck_abort_msg("%s", error);
    made = policy_parse("made", MADE, strlen(MADE), error);
    if (!made)
        ck_abort_msg("%s", error);
}

static void teardown(void)
{
    policy_free(&shipped);
    policy_free(&made);
    ck_assert_ptr_null(made);
    policy_free(&made);       /* may be repeated */
}

#define IMAGE "https://cdn.example.org/first.png"
static const struct {
    bool from_made; const char *model, *prompt, *ratio, *image; int64_t seconds;
    const char *want_model, *want_ratio; int64_t want_seconds, want_units, want_tokens;
} allowed_cases[] = {
    { false, NULL, "a fox", NULL, NULL, 0, "gen4.5", "1280:720", 5, 1, 1 }, /* a bare prompt */
    { false, "gen4.5", "a fox", "720:1280", NULL, 10, "gen4.5", "720:1280", 10, 1, 1 },
    { false, "gen4.5", "a fox", "1584:672", IMAGE, 2, "gen4.5", "1584:672", 2, 1, 1 },
    { false, "gen4_turbo", NULL, NULL, IMAGE, 0, "gen4_turbo", "1280:720", 5, 1, 1 },
    { false, "veo3.1", "x", "1920:1080", NULL, 4, "veo3.1", "1920:1080", 4, 1, 1 },
    { false, "veo3.1_fast", "", "1080:1920", IMAGE, 6, "veo3.1_fast", "1080:1920", 6, 1, 1 },
    { true, NULL, "x", NULL, NULL, 0, "fast", "2:1", 8, 8, 24 },
    { true, "fast", "x", "1:1", NULL, 4, "fast", "1:1", 4, 4, 12 },
    { true, "flat", "x", NULL, NULL, 0, "flat", "1:1", 0, 1, 7 },
    { true, "fast", "12345", NULL, NULL, 0, "fast", "2:1", 8, 8, 24 }, /* just as long as it may be */
    { true, "fast",
      "1\xf0\x9f\xa6\x8a"
      "45",
      NULL, NULL, 0, "fast", "2:1", 8, 8, 24 },
};

START_TEST(what_is_allowed_has_a_price_and_what_to_send)
{
    struct policy_request request = { .model = allowed_cases[_i].model,
                                      .prompt = allowed_cases[_i].prompt,
                                      .ratio = allowed_cases[_i].ratio,
                                      .image = allowed_cases[_i].image,
                                      .duration_seconds = allowed_cases[_i].seconds };
    struct policy *policy = allowed_cases[_i].from_made ? made : shipped;
    struct policy_answer answer;
    policy_quote(policy, &request, &answer);
    ck_assert_msg(answer.allowed, "%s", answer.message);
    ck_assert_str_eq(answer.quote.model, allowed_cases[_i].want_model);
    ck_assert_str_eq(answer.ratio, allowed_cases[_i].want_ratio);
    ck_assert_int_eq(answer.duration_seconds, allowed_cases[_i].want_seconds);
    ck_assert_int_eq(answer.quote.units, allowed_cases[_i].want_units);
    ck_assert_int_eq(answer.quote.tokens, allowed_cases[_i].want_tokens);
    ck_assert_str_eq(answer.quote.policy_version, policy_version(policy));
}
END_TEST

#define URL_MAY "allowed is an https:// URL of 13 to 2048 characters whose host is a domain name"
static const struct {
    bool from_made; const char *model, *prompt, *ratio, *image; int64_t seconds; const char *field, *message;
} refused_cases[] = {
    { false, "gen9", "x", NULL, NULL, 0, "model",
      "model is \"gen9\"; allowed is gen4_turbo, gen4.5, veo3.1, veo3.1_fast" },
    { false, "gen4.5", NULL, NULL, NULL, 0, "prompt",
      "prompt is missing; allowed for gen4.5 is 1 to 1000 UTF-16 units" },
    { false, "gen4.5", "", NULL, IMAGE, 0, "prompt",
      "prompt is missing; allowed for gen4.5 is 1 to 1000 UTF-16 units" },
    { true, "fast", "123456", NULL, NULL, 0, "prompt",
      "prompt is 6 UTF-16 units long; allowed for fast is 1 to 5" },
    { true, "fast",
      "12\xf0\x9f\xa6\x8a"
      "45",
      NULL, NULL, 0, "prompt", /* the fox is two units */
      "prompt is 6 UTF-16 units long; allowed for fast is 1 to 5" },
    { false, "gen4.5", "x", "1584:672", NULL, 0, "ratio",
      "ratio is \"1584:672\"; allowed for gen4.5 without image is 1280:720, 720:1280" },
    { false, "gen4.5", "x", "1920:1080", IMAGE, 0, "ratio",
      "ratio is \"1920:1080\"; allowed for gen4.5 with an image is "
      "1280:720, 720:1280, 1104:832, 832:1104, 960:960, 1584:672" },
    { false, "gen4.5", "x", NULL, NULL, 1, "durationSeconds",
      "durationSeconds is 1; allowed for gen4.5 is 2 to 10" },
    { false, "gen4.5", "x", NULL, NULL, 11, "durationSeconds",
      "durationSeconds is 11; allowed for gen4.5 is 2 to 10" },
    { false, "veo3.1", "x", NULL, NULL, 5, "durationSeconds",
      "durationSeconds is 5; allowed for veo3.1 is 4, 6, 8" },
    { true, "flat", "x", NULL, NULL, 5, "durationSeconds", "durationSeconds is 5; allowed for flat is none" },
    { false, "gen4_turbo", "x", NULL, NULL, 0, "image",
      "image is missing; allowed for gen4_turbo is an https:// URL of an image" },
    { true, "flat", "x", NULL, IMAGE, 0, "image", "image is \"" IMAGE "\"; allowed for flat is none" },
    { false, NULL, "x", NULL, "http://cdn.example.org/first.png", 0, "image",
      "image is \"http://cdn.example.org/first.png\"; " URL_MAY },
    { false, NULL, "x", NULL, "https://a.b/", 0, "image", "image is \"https://a.b/\"; " URL_MAY },
    { false, NULL, "x", NULL, "https://10.0.0.1/a.png", 0, "image",
      "image is \"https://10.0.0.1/a.png\"; " URL_MAY },
    { false, NULL, "x", NULL, "https://[::1]/a.png", 0, "image",
      "image is \"https://[::1]/a.png\"; " URL_MAY },
    { false, NULL, "x", NULL, "https://localhost/a.png", 0, "image",
      "image is \"https://localhost/a.png\"; " URL_MAY },
    { false, NULL, "x", NULL, "https://u:p@cdn.example.org/", 0, "image",
      "image is \"https://u:p@cdn.example.org/\"; " URL_MAY },
    { false, NULL, "x", NULL, "https:///cdn.example.org", 0, "image",
      "image is \"https:///cdn.example.org\"; " URL_MAY },
};

START_TEST(what_is_refused_is_named)
{
    struct policy_request request = { .model = refused_cases[_i].model,
                                      .prompt = refused_cases[_i].prompt,
                                      .ratio = refused_cases[_i].ratio,
                                      .image = refused_cases[_i].image,
                                      .duration_seconds = refused_cases[_i].seconds };
    struct policy_answer answer;
    policy_quote(refused_cases[_i].from_made ? made : shipped, &request, &answer);
    ck_assert(!answer.allowed);
    ck_assert_str_eq(answer.field, refused_cases[_i].field);
    ck_assert_str_eq(answer.message, refused_cases[_i].message);
}
END_TEST

static const struct { const char *code; bool cancelled; int64_t held, wanted; } charge_cases[] = {
    { "SAFETY.OUTPUT.VIDEO", false, 100, 20 },
    { "SAFETY.INPUT.TEXT", false, 100, 100 },        /* the longer prefix */
    { "SAFETY.INPUT", false, 100, 100 },
    { "SAFETY.INPUTS", false, 100, 20 },             /* no part of SAFETY.INPUT */
    { "SAFE", false, 100, 10 },
    { "INTERNAL.BAD_OUTPUT.CODE01", false, 100, 1 },
    { "INTERNAL", false, 100, 10 },
    { "ASSET.INVALID", false, 100, 0 },
    { "", false, 100, 10 },
    { NULL, false, 100, 10 },
    { NULL, true, 100, 50 },
    { "SAFETY.INPUT", true, 100, 50 },               /* who cancels pays for cancelling */
    { NULL, true, 3, 1 },                            /* half a token is the user's */
    { NULL, false, 0, 0 },
    { "SAFETY.INPUT", false, INT64_C(9007199254740991), INT64_C(9007199254740991) },
    { NULL, true, INT64_C(9007199254740991), INT64_C(4503599627370495) },
};

START_TEST(charge_follows_the_longest_prefix)
{
    ck_assert_int_eq(
        policy_charge(made, charge_cases[_i].code, charge_cases[_i].cancelled, charge_cases[_i].held),
        charge_cases[_i].wanted);
    ck_assert_int_eq(
        policy_charge(shipped, charge_cases[_i].code, charge_cases[_i].cancelled, charge_cases[_i].held), 0);
}
END_TEST

static const struct { const char *text; size_t wanted; } unit_cases[] = {
    { "", 0 }, { "abc", 3 }, { "\xc3\xa9", 1 }, { "\xe2\x82\xac", 1 }, { "\xf0\x9f\xa6\x8a", 2 },
    { "a\xf0\x9f\xa6\x8a\xe2\x82\xac" "b", 5 },
};

START_TEST(units_are_counted_as_utf16)
{
    ck_assert_uint_eq(policy_utf16_units(unit_cases[_i].text), unit_cases[_i].wanted);
}
END_TEST

START_TEST(the_default_model_is_told)
{
    ck_assert_str_eq(policy_default_model(shipped), "gen4.5");
    ck_assert_str_eq(policy_default_model(made), "fast");
    ck_assert_str_eq(policy_version(made), "t1");
}
END_TEST

#define LOOP(tcase, test, rows) tcase_add_loop_test(tcase, test, 0, sizeof rows / sizeof rows[0])
static Suite *suite(void)
{
    Suite *suite = suite_create("policy_quote");
    TCase *quotes = tcase_create("quotes");
    tcase_add_checked_fixture(quotes, setup, teardown);
    LOOP(quotes, what_is_allowed_has_a_price_and_what_to_send, allowed_cases);
    LOOP(quotes, what_is_refused_is_named, refused_cases);
    LOOP(quotes, charge_follows_the_longest_prefix, charge_cases);
    LOOP(quotes, units_are_counted_as_utf16, unit_cases);
    tcase_add_test(quotes, the_default_model_is_told);
    suite_add_tcase(suite, quotes);
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
