/* The policy file is refused whole, with one line that names file, place, value and what is allowed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/policy.h"

/* A policy out of pieces, so that each row spoils one. */
#define POLICY(version, price, charge, model_name, models)                                                   \
    "{\"version\":" version ",\"price\":" price ",\"chargePercent\":" charge ",\"defaultModel\":" model_name \
    ",\"models\":" models "}"
#define CHARGE "{\"cancelled\":0,\"otherwise\":0}"
#define INPUT "{\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\",\"durations\":[4,8],\"defaultDuration\":8}"
#define MODELS(input) "{\"m.1\":{\"promptUnitsMax\":9,\"text\":" input "}}"
#define WITH_INPUT(input) POLICY("\"1\"", "{\"tokens\":1}", CHARGE, "\"m.1\"", MODELS(input))
#define WITH_MODELS(models) POLICY("\"1\"", "{\"tokens\":1}", CHARGE, "\"m.1\"", models)
#define WITH_PRICE(price) POLICY("\"1\"", price, CHARGE, "\"m.1\"", MODELS(INPUT))
#define WITH_CHARGE(charge) POLICY("\"1\"", "{\"tokens\":1}", charge, "\"m.1\"", MODELS(INPUT))

static const char *const good_cases[] = {
    WITH_INPUT(INPUT),
    WITH_INPUT("{\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\"}"),
    WITH_INPUT("{\"prompt\":\"optional\",\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\",\"durations\":{"
               "\"least\":5,\"most\":5},"
               "\"defaultDuration\":5}"),
    WITH_PRICE("{\"tokens\":2147483647}"),
    WITH_PRICE("{\"tokensPerSecond\":268435455}"), /* times 8 is below 2^31 */
    WITH_CHARGE("{\"cancelled\":100,\"otherwise\":1,\"failures\":{\"A\":0,\"A.B\":100}}"),
};

START_TEST(good_policies_are_read)
{
    char error[POLICY_ERROR_BYTES];
    struct policy *policy = policy_parse("p", good_cases[_i], strlen(good_cases[_i]), error);
    ck_assert_msg(policy != NULL, "%s", error);
    ck_assert_str_eq(error, "");
    policy_free(&policy);
}
END_TEST

static const struct { const char *bytes, *error;
} bad_cases[] = {
    { "", "p: $ is no policy; allowed is one JSON object: empty" },
    { "[]", "p: $ is []; allowed is an object" },
    { "{\"version\":\"1\",\"version\":\"2\"}",
      "p: $ is no policy; allowed is one JSON object: duplicate key" },
    { "{}",
      "p: $.version is missing; allowed is 1 to 64 printable ASCII characters without spaces and quotes" },
    { "{\"verson\":\"1\"}",
      "p: $.verson is \"1\"; allowed is none of that name, only version, defaultModel, price, "
      "chargePercent, models" },
    { POLICY("7", "{\"tokens\":1}", CHARGE, "\"m.1\"", MODELS(INPUT)),
      "p: $.version is 7; allowed is 1 to 64 printable ASCII characters without spaces and quotes" },
    { WITH_PRICE("{}"), "p: $.price is {}; allowed is either tokens or tokensPerSecond" },
    { WITH_PRICE("{\"tokens\":1,\"tokensPerSecond\":1}"),
      "p: $.price is {\"tokens\":1,\"tokensPerSecond\":1}; allowed is either tokens or tokensPerSecond" },
    { WITH_PRICE("{\"tokens\":0}"),
      "p: $.price.tokens is 0; allowed is a whole number from 1 to 2147483647" },
    { WITH_PRICE("{\"tokens\":1.0}"),
      "p: $.price.tokens is 1.0; allowed is a whole number from 1 to 2147483647" },
    { WITH_PRICE("{\"tokens\":2147483648}"),
      "p: $.price.tokens is 2147483648; allowed is a whole number from 1 to 2147483647" },
    { WITH_PRICE("{\"tokensPerSecond\":268435456}"),
      "p: $.models[\"m.1\"] is {\"promptUnitsMax\":9,\"text\":{\"ratios\":[\"1...; allowed is at most "
      "2147483647 tokens for the longest duration" },
    { WITH_CHARGE("{\"cancelled\":0}"),
      "p: $.chargePercent.otherwise is missing; allowed is a whole number from 0 to 100" },
    { WITH_CHARGE("{\"cancelled\":101,\"otherwise\":0}"),
      "p: $.chargePercent.cancelled is 101; allowed is a whole number from 0 to 100" },
    { WITH_CHARGE("{\"cancelled\":0,\"otherwise\":0,\"failures\":{\"A.B\":-1}}"),
      "p: $.chargePercent.failures[\"A.B\"] is -1; allowed is a whole number from 0 to 100" },
    { WITH_CHARGE("{\"cancelled\":0,\"otherwise\":0,\"failures\":{\"\":1}}"),
      "p: $.chargePercent.failures[\"\"] is 1; allowed is a prefix of 1 to 64 characters of A-Z a-z 0-9 . _ "
      ": -" },
    { WITH_MODELS("{}"), "p: $.models is {}; allowed is an object of 1 to 64 models" },
    { WITH_MODELS("{\"m 1\":{}}"),
      "p: $.models[\"m 1\"] is {}; allowed is a model's name of 1 to 64 characters of A-Z a-z 0-9 . _ : -" },
    { WITH_MODELS("{\"m.1\":{\"promptUnitsMax\":1000}}"),
      "p: $.models[\"m.1\"] is {\"promptUnitsMax\":1000}; allowed is a model with text, image or both" },
    { WITH_MODELS("{\"m.1\":{\"promptUnitsMax\":9,\"image\":" INPUT "}}"),
      "p: $.defaultModel is \"m.1\"; allowed is one of the models that takes text alone" },
    { WITH_MODELS("{\"m.1\":{\"promptUnitsMax\":9,\"video\":{}}}"),
      "p: $.models[\"m.1\"].video is {}; allowed is none of that name, only promptUnitsMax, price, text, "
      "image" },
    { WITH_MODELS(
          "{\"m.1\":{\"promptUnitsMax\":9,\"price\":{\"tokensPerSecond\":2},\"text\":{\"ratios\":[\"1:1\"],"
          "\"defaultRatio\":\"1:1\"}}}"),
      "p: $.models[\"m.1\"] is {\"promptUnitsMax\":9,\"price\":{\"tokensPerS...; allowed is a model with "
      "durations, since its price is by the second" },
    { WITH_INPUT("{\"ratios\":[],\"defaultRatio\":\"1:1\"}"),
      "p: $.models[\"m.1\"].text.ratios is []; allowed is an array of 1 to 32 ratios" },
    { WITH_INPUT("{\"ratios\":[\"1:1\",\"1:1\"],\"defaultRatio\":\"1:1\"}"),
      "p: $.models[\"m.1\"].text.ratios[1] is \"1:1\"; allowed is a ratio of at most 32 characters, once" },
    { WITH_INPUT("{\"ratios\":[\"1:1\"],\"defaultRatio\":\"2:1\"}"),
      "p: $.models[\"m.1\"].text.defaultRatio is \"2:1\"; allowed is one of this input's ratios" },
    { WITH_INPUT("{\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\",\"durations\":[4,4],\"defaultDuration\":4}"),
      "p: $.models[\"m.1\"].text.durations[1] is 4; allowed is a whole number from 1 to 3600, more than the "
      "one before" },
    { WITH_INPUT("{\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\",\"durations\":{\"least\":5,\"most\":4},"
                 "\"defaultDuration\":4}"),
      "p: $.models[\"m.1\"].text.durations.most is 4; allowed is a whole number from 5 to 3600" },
    { WITH_INPUT("{\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\",\"durations\":[4,8]}"),
      "p: $.models[\"m.1\"].text.defaultDuration is missing; allowed is one of this input's durations" },
    { WITH_INPUT("{\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\",\"defaultDuration\":4}"),
      "p: $.models[\"m.1\"].text.durations is missing; allowed is an array of lengths in seconds, or an "
      "object with least "
      "and most" },
    { WITH_INPUT("{\"prompt\":\"maybe\",\"ratios\":[\"1:1\"],\"defaultRatio\":\"1:1\"}"),
      "p: $.models[\"m.1\"].text.prompt is \"maybe\"; allowed is required or optional" },
    { WITH_INPUT("null"), "p: $.models[\"m.1\"].text is null; allowed is an object" },
};

START_TEST(bad_policies_are_refused_in_one_line)
{
    char error[POLICY_ERROR_BYTES];
    struct policy *policy = policy_parse("p", bad_cases[_i].bytes, strlen(bad_cases[_i].bytes), error);
    ck_assert_ptr_null(policy);
    ck_assert_msg(strncmp(error, bad_cases[_i].error, strlen(bad_cases[_i].error)) == 0, "%s\nwanted %s",
                  error, bad_cases[_i].error);
    ck_assert_ptr_null(strchr(error, '\n'));
}
END_TEST

START_TEST(hostile_names_stay_on_one_line_of_limited_length)
{
    char bytes[8000] = "{\"", error[POLICY_ERROR_BYTES];
    for (int i = 0; i < 400; i++)
        strcat(bytes, "\\n\xc3\xa9[\\\"");
    strcat(bytes, "\":1}");
    ck_assert_ptr_null(policy_parse("p", bytes, strlen(bytes), error));
    ck_assert_ptr_null(strchr(error, '\n'));
    ck_assert_ptr_nonnull(strstr(error, "allowed is none of that name"));
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_said_so)
{
    char error[POLICY_ERROR_BYTES];
    ck_assert_ptr_null(policy_read("/nowhere/policy.json", error));
    ck_assert_str_eq(
        error,
        "/nowhere/policy.json: can't be read (No such file or directory); allowed is a readable policy "
        "file");
    ck_assert_ptr_null(policy_read("/", error));
    ck_assert_ptr_nonnull(strstr(error, "can't be read"));
}
END_TEST

START_TEST(a_file_over_the_cap_is_refused)
{
    char path[] = "/tmp/reelgate-policy-XXXXXX", error[POLICY_ERROR_BYTES];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *file = fdopen(fd, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s%*s", good_cases[0], 64 * 1024, " ");
    fclose(file);
    struct policy *policy = policy_read(path, error);
    unlink(path);
    ck_assert_ptr_null(policy);
    ck_assert_ptr_nonnull(strstr(error, "too large"));
}
END_TEST

#define LOOP(tcase, test, rows) tcase_add_loop_test(tcase, test, 0, sizeof rows / sizeof rows[0])
static Suite *suite(void)
{
    Suite *suite = suite_create("policy_read");
    TCase *files = tcase_create("files");
    LOOP(files, good_policies_are_read, good_cases);
    LOOP(files, bad_policies_are_refused_in_one_line, bad_cases);
    tcase_add_test(files, hostile_names_stay_on_one_line_of_limited_length);
    tcase_add_test(files, a_file_that_cannot_be_read_is_said_so);
    tcase_add_test(files, a_file_over_the_cap_is_refused);
    suite_add_tcase(suite, files);
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
