/* What an answer means for money, row by row; and what is read out of Runway's untrusted bytes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "runway/classify.h"
#include "runway/decode.h"
#include "runway/request.h"
#include "runway/words.h"

#include "base/text.h"

/* ---- create: design section 7 */

static const struct { enum http_end end; int status; bool has_id, no_credits; enum runway_created want;
                      } created[] = {
    { HTTP_ANSWERED, 200, true, false, RUNWAY_SUBMITTED },
    { HTTP_ANSWERED, 201, true, false, RUNWAY_SUBMITTED },
    { HTTP_ANSWERED, 200, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 204, false, false, RUNWAY_UNKNOWN },
    { HTTP_NOT_SENT, 0, false, false, RUNWAY_NOT_MADE },
    { HTTP_UNKNOWN, 0, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 429, false, false, RUNWAY_NOT_MADE },
    { HTTP_ANSWERED, 503, false, false, RUNWAY_NOT_MADE },
    { HTTP_ANSWERED, 401, false, false, RUNWAY_OPERATOR },
    { HTTP_ANSWERED, 403, false, false, RUNWAY_OPERATOR },
    { HTTP_ANSWERED, 400, false, true, RUNWAY_OPERATOR },
    { HTTP_ANSWERED, 400, false, false, RUNWAY_REFUSED },
    { HTTP_ANSWERED, 422, false, true, RUNWAY_REFUSED },     /* credits are a matter of 400 only */
    { HTTP_ANSWERED, 402, false, false, RUNWAY_REFUSED },
    { HTTP_ANSWERED, 404, false, false, RUNWAY_REFUSED },
    { HTTP_ANSWERED, 405, false, false, RUNWAY_REFUSED },
    { HTTP_ANSWERED, 413, false, false, RUNWAY_REFUSED },
    { HTTP_ANSWERED, 422, false, false, RUNWAY_REFUSED },
    { HTTP_ANSWERED, 499, false, false, RUNWAY_REFUSED },
    { HTTP_ANSWERED, 408, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 409, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 500, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 502, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 504, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 520, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 302, false, false, RUNWAY_UNKNOWN },
    { HTTP_ANSWERED, 500, true, false, RUNWAY_UNKNOWN },     /* an id beside an error is no success */
};

START_TEST(create_means_by_answer)
{
    const struct create_facts facts = { created[_i].end, created[_i].status, created[_i].has_id,
                                        created[_i].no_credits };
    ck_assert_int_eq(classify_create(&facts), created[_i].want);
}
END_TEST

static const struct { enum http_end end; int status; bool readable; enum runway_look want; } looked[] = {
    { HTTP_ANSWERED, 200, true, RUNWAY_TASK },
    { HTTP_ANSWERED, 200, false, RUNWAY_LATER },
    { HTTP_ANSWERED, 404, false, RUNWAY_MISSING },
    { HTTP_ANSWERED, 401, false, RUNWAY_LOOK_OPERATOR },
    { HTTP_ANSWERED, 403, false, RUNWAY_LOOK_OPERATOR },
    { HTTP_ANSWERED, 429, false, RUNWAY_LATER },
    { HTTP_ANSWERED, 400, false, RUNWAY_LATER },
    { HTTP_ANSWERED, 500, true, RUNWAY_LATER },
    { HTTP_ANSWERED, 302, false, RUNWAY_LATER },
    { HTTP_NOT_SENT, 0, false, RUNWAY_LATER },
    { HTTP_UNKNOWN, 0, false, RUNWAY_LATER },
};

START_TEST(look_means_by_answer)
{
    ck_assert_int_eq(classify_look(looked[_i].end, looked[_i].status, looked[_i].readable), looked[_i].want);
}
END_TEST

/* ---- words */

static const struct { const char *body, *want; bool no_credits; } said[] = {
    { "{\"error\":\"You do not have enough credits to run this task.\",\"docUrl\":\"x\"}",
      "You do not have enough credits to run this task.", true },
    { "{\"error\":\"Insufficient credits\"}", "Insufficient credits", true },
    { "{\"error\":{\"message\":\"NOT ENOUGH CREDITS\",\"code\":7}}", "NOT ENOUGH CREDITS", true },
    { "{\"error\":{\"error\":\"deep\"}}", "deep", false },
    { "{\"message\":\"plain\"}", "plain", false },
    { "{\"detail\":\"more\"}", "more", false },
    { "{\"error\":\"\",\"message\":\"second\"}", "second", false },
    { "{\"error\":\"Validation of body failed\",\"issues\":[{\"code\":\"custom\",\"message\":\"Too long\","
      "\"path\":[\"promptImage\",0,\"uri\"]},{\"message\":\"Bad\",\"path\":[]},{\"path\":[\"x\"]},"
      "{\"message\":\"4th\"}]}",
      "Validation of body failed; promptImage.0.uri: Too long; Bad", false },
    { "{\"error\":\"Validation of body failed\","
      "\"issues\":[{\"message\":\"'not enough credits' is no ratio\"}]}",
      /* a prompt opens no breaker */
      "Validation of body failed; 'not enough credits' is no ratio", false },
    { "{\"error\":\"not enough credits\",\"issues\":[{\"message\":\"m\"}]}", "not enough credits; m", false },
    { "<html>\n <body>502\tBad   Gateway</body>\r\n</html>\n", "<html> <body>502 Bad Gateway</body> </html>",
      false },
    { "{\"error\":", "{\"error\":", false },
    { "[1,2]", "[1,2]", false },
    { "{\"error\":7}", "{\"error\":7}", false },
    /* refused by the parser: told as it is */
    { "{\"error\":\"a\\u0000b\"}", "{\"error\":\"a\\u0000b\"}", false },
    { "", "HTTP 418 without a word", false },
    { "\x01\x02\n", "HTTP 418 without a word", false },
    { "caf\xc3\xa9 \xff\xfe \xc0\xaf \xed\xa0\x80 \xf0\x9f\x8e\xac", "caf\xc3\xa9 ?? ?? ??? \xf0\x9f\x8e\xac",
      false },
};

START_TEST(words_are_found_in_any_shape)
{
    struct words words;
    words_read(&words, 418, said[_i].body, strlen(said[_i].body));
    ck_assert_str_eq(words.text, said[_i].want);
    ck_assert_int_eq(words.no_credits, said[_i].no_credits);
}
END_TEST

START_TEST(words_are_cut_between_characters)
{
    struct text body = { 0 };
    struct words words;
    text_add_string(&body, "x");
    /* three bytes each: 1 + 3 * 166 = 499 */
    for (int i = 0; i < 1000; i++) text_add_string(&body, "\xe2\x82\xac");
    words_read(&words, 500, body.bytes, body.length);
    ck_assert_uint_eq(strlen(words.text), 499);
    ck_assert_str_eq(words.text + 496, "\xe2\x82\xac");
    text_free(&body);
}
END_TEST

/* ---- the body of a create answer */

static const struct { const char *body, *id; double credits; } made[] = {
    { "{\"id\":\"17f20503-6c24-4c16-946b-35dbbce2af2f\",\"estimatedCost\":{\"credits\":114}}",
      "17f20503-6c24-4c16-946b-35dbbce2af2f", 114 },
    { "{\"id\":\"a\",\"estimatedCost\":{\"credits\":0.5},\"news\":[{}]}", "a", 0.5 },
    { "{\"id\":\"a\"}", "a", -1 },
    { "{\"id\":\"a\",\"estimatedCost\":7}", "a", -1 },
    { "{\"id\":\"a\",\"estimatedCost\":{\"credits\":-3}}", "a", -1 },
    { "{\"id\":\"a\",\"estimatedCost\":{\"credits\":\"3\"}}", "a", -1 },
    { "{\"id\":7}", NULL, -1 },
    { "{\"id\":null}", NULL, -1 },
    { "{\"id\":\"\"}", NULL, -1 },
    { "{\"id\":\"..\"}", NULL, -1 },
    { "{\"id\":\"a/b\"}", NULL, -1 },
    { "{\"id\":\"a\\r\\nX: y\"}", NULL, -1 },
    { "{\"id\":\"0123456789012345678901234567890123456789012345678901234567890123456\"}", NULL, -1 },
    { "{\"id\":\"a\",\"id\":\"b\"}", NULL, -1 },
    { "{\"id\":\"a\"} and more", NULL, -1 },
    { "[\"a\"]", NULL, -1 },
    { "", NULL, -1 },
};

START_TEST(a_created_task_is_read_or_not)
{
    struct decoded_create decoded = decode_create(made[_i].body, strlen(made[_i].body));
    ck_assert_pstr_eq(decoded.task_id, made[_i].id);
    ck_assert_double_eq(decoded.estimated_credits, made[_i].credits);
    json_free(&decoded.root);
}
END_TEST

/* ---- the organization: the first model's limits, when there is one */

static const struct { const char *body; bool readable; int models; int64_t concurrent, daily, used; } accounts[] = {
    { "{\"creditBalance\":9}", true, 0, 0, 0, 0 },
    { "{\"creditBalance\":9,\"tier\":{\"models\":{\"gen4.5\":{\"maxConcurrentGenerations\":3,"
      "\"maxDailyGenerations\":500}}},\"usage\":{\"models\":{\"gen4.5\":{\"dailyGenerations\":12}}}}", true, 1, 3,
      500, 12 },
    { "{\"creditBalance\":9,\"tier\":{\"models\":{\"m\":{\"maxConcurrentGenerations\":null,"
      "\"maxDailyGenerations\":\"500\"}}}}", true, 1, -1, -1, -1 },
    { "{\"creditBalance\":9,\"tier\":{\"models\":{\"m\":{\"maxConcurrentGenerations\":-4,"
      "\"maxDailyGenerations\":1.5}}}}", true, 1, -1, -1, -1 },
    { "{\"creditBalance\":9,\"tier\":{\"models\":{\"m\":7}}}", true, 0, 0, 0, 0 },
    { "{\"creditBalance\":9,\"tier\":{\"models\":{\"01234567890123456789012345678901234567890123456789012345678901234\":"
      "{}}}}", true, 0, 0, 0, 0 },
    { "{\"creditBalance\":9,\"tier\":[]}", true, 0, 0, 0, 0 },
    { "{\"tier\":{\"models\":{\"m\":{\"maxConcurrentGenerations\":3}}}}", false, 0, 0, 0, 0 },
};

START_TEST(an_account_is_read_with_its_limits)
{
    struct runway_organization_answer answer = { .model_count = 77 };
    ck_assert_int_eq(decode_organization(accounts[_i].body, strlen(accounts[_i].body), &answer),
                     accounts[_i].readable);
    ck_assert_int_eq(answer.model_count, accounts[_i].models);
    if (answer.model_count == 0)
        return;
    ck_assert_int_eq(answer.models[0].concurrent, accounts[_i].concurrent);
    ck_assert_int_eq(answer.models[0].daily, accounts[_i].daily);
    ck_assert_int_eq(answer.models[0].daily_used, accounts[_i].used);
}
END_TEST

START_TEST(more_models_than_there_is_room_for_are_left_out)
{
    struct runway_organization_answer answer;
    struct text body = { 0 };
    text_add_string(&body, "{\"creditBalance\":1,\"tier\":{\"models\":{");
    for (int i = 0; i < RUNWAY_MODELS_MAX + 9; i++)
        text_printf(&body, "%s\"m%d\":{}", i ? "," : "", i);
    text_add_string(&body, "}}}");
    ck_assert(decode_organization(body.bytes, body.length, &answer));
    ck_assert_int_eq(answer.model_count, RUNWAY_MODELS_MAX);
    text_free(&body);
}
END_TEST

/* ---- a task */

static const struct {
    const char *body; bool readable; enum runway_status status; int outputs; double progress, credits;
    const char *failure, *code;
} tasks[] = {
    { "{\"id\":\"t\",\"status\":\"THROTTLED\"}", true, RUNWAY_THROTTLED, 0, -1, -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"PENDING\",\"createdAt\":7}", true, RUNWAY_PENDING, 0, -1, -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"RUNNING\",\"progress\":0.9}", true, RUNWAY_RUNNING, 0, 0.9, -1, NULL,
      NULL },
    { "{\"id\":\"t\",\"status\":\"RUNNING\",\"progress\":1}", true, RUNWAY_RUNNING, 0, 1, -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"RUNNING\",\"progress\":90}", true, RUNWAY_RUNNING, 0, -1, -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"RUNNING\",\"progress\":\"1\"}", true, RUNWAY_RUNNING, 0, -1, -1, NULL,
      NULL },
    { "{\"id\":\"t\",\"status\":\"SUCCEEDED\",\"output\":[\"https://a\",\"https://b\"],"
      "\"cost\":{\"credits\":60}}", true,
      RUNWAY_SUCCEEDED, 2, -1, 60, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"SUCCEEDED\",\"output\":[7,\"\",\"u\"]}", true, RUNWAY_SUCCEEDED, 1, -1, -1,
      NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"SUCCEEDED\",\"output\":[]}", true, RUNWAY_STATUS_UNKNOWN, 0, -1, -1, NULL,
      NULL },
    { "{\"id\":\"t\",\"status\":\"SUCCEEDED\"}", true, RUNWAY_STATUS_UNKNOWN, 0, -1, -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"SUCCEEDED\",\"output\":{\"a\":\"u\"}}", true, RUNWAY_STATUS_UNKNOWN, 0, -1,
      -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"FAILED\",\"failure\":\"moderated\",\"failureCode\":\"SAFETY.INPUT.TEXT\","
      "\"cost\":{\"credits\":25}}", true, RUNWAY_FAILED, 0, -1, 25, "moderated", "SAFETY.INPUT.TEXT" },
    { "{\"id\":\"t\",\"status\":\"FAILED\",\"failureCode\":null}", true, RUNWAY_FAILED, 0, -1, -1, NULL,
      NULL },
    { "{\"id\":\"t\",\"status\":\"FAILED\",\"failureCode\":\"012345678901234567890123456789012345678901234"
      "5678901234567"
      "8901234567890123456789012345678901234567890\"}", true, RUNWAY_FAILED, 0, -1, -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"CANCELLED\"}", true, RUNWAY_CANCELLED, 0, -1, -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"ASTRAY\"}", true, RUNWAY_STATUS_UNKNOWN, 0, -1, -1, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"succeeded\",\"output\":[\"u\"]}", true, RUNWAY_STATUS_UNKNOWN, 0, -1, -1,
      NULL, NULL },
    { "{\"status\":\"PENDING\"}", true, RUNWAY_PENDING, 0, -1, -1, NULL, NULL },
    { "{\"id\":\"other\",\"status\":\"SUCCEEDED\",\"output\":[\"u\"]}", false, 0, 0, 0, 0, NULL, NULL },
    { "{\"id\":\"t\"}", false, 0, 0, 0, 0, NULL, NULL },
    { "{\"id\":\"t\",\"status\":7}", false, 0, 0, 0, 0, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"\"}", false, 0, 0, 0, 0, NULL, NULL },
    { "{\"id\":\"t\",\"status\":\"SUCCEEDED\",\"status\":\"FAILED\"}", false, 0, 0, 0, 0, NULL, NULL },
    { "<html>", false, 0, 0, 0, 0, NULL, NULL },
    { "", false, 0, 0, 0, 0, NULL, NULL },
};

START_TEST(a_task_is_read_or_not)
{
    struct runway_look_answer answer = { .progress = -1, .credits = -1 };
    struct json *root;
    bool readable = decode_task(tasks[_i].body, strlen(tasks[_i].body), "t", &answer, &root);
    ck_assert_msg(readable == tasks[_i].readable, "%s", tasks[_i].body);
    if (readable) {
        ck_assert_msg(answer.status == tasks[_i].status, "%s", tasks[_i].body);
        ck_assert_int_eq(answer.output_count, tasks[_i].outputs);
        ck_assert_double_eq(answer.progress, tasks[_i].progress);
        ck_assert_double_eq(answer.credits, tasks[_i].credits);
        ck_assert_pstr_eq(answer.failure, tasks[_i].failure);
        ck_assert_pstr_eq(answer.failure_code, tasks[_i].code);
        ck_assert_ptr_nonnull(answer.status_text);
    }
    json_free(&root);
}
END_TEST

START_TEST(outputs_are_limited)
{
    struct text body = { 0 };
    text_add_string(&body, "{\"status\":\"SUCCEEDED\",\"output\":[\"first\"");
    for (int i = 0; i < 100; i++) text_add_string(&body, ",\"more\"");
    text_add_string(&body, "]}");
    struct runway_look_answer answer = { 0 };
    struct json *root;
    ck_assert(decode_task(body.bytes, body.length, "t", &answer, &root));
    ck_assert_int_eq(answer.output_count, RUNWAY_OUTPUTS_MAX);
    ck_assert_str_eq(answer.outputs[0], "first");
    json_free(&root);
    text_free(&body);
}
END_TEST

/* ---- the body of a create call */

static const struct { struct runway_request request; const char *path, *body; } asked[] = {
    { { .model = "gen4.5", .prompt = "a \"cat\"\n", .ratio = "1280:720", .duration_seconds = 5, .seed = 0 },
      "/v1/text_to_video",
      "{\"model\":\"gen4.5\",\"promptText\":\"a \\\"cat\\\"\\n\",\"ratio\":\"1280:720\","
      "\"duration\":5,\"seed\":0}" },
    { { .model = "gen4_turbo", .prompt = "p", .image = "https://x.example/a.png", .seed = -1 },
      "/v1/image_to_video",
      "{\"model\":\"gen4_turbo\",\"promptText\":\"p\",\"promptImage\":\"https://x.example/a.png\"}" },
};

START_TEST(a_request_says_only_what_was_asked)
{
    struct text body = { 0 };
    request_body(&asked[_i].request, &body);
    ck_assert_str_eq(body.bytes, asked[_i].body);
    ck_assert_str_eq(request_path(&asked[_i].request), asked[_i].path);
    text_free(&body);
}
END_TEST

/* ---- configuration */

static const struct { struct runway_config config; bool good; } configs[] = {
    { { .base_url = "https://h", .key = "key_1" }, true },
    { { .base_url = "https://h", .key = "key_1", .extra_headers = (const char *const[]){ "A: b", NULL } },
      true },
    { { .base_url = "https://h" }, false },
    { { .base_url = "https://h", .key = "" }, false },
    { { .base_url = "https://h", .key = "key_1\n" }, false },
    { { .base_url = "https://h", .key = "key 1" }, false },
    { { .base_url = "h", .key = "key_1" }, false },
    { { .key = "key_1" }, false },
    { { .base_url = "https://h", .key = "k", .extra_headers = (const char *const[]){ "A b", NULL } }, false },
    { { .base_url = "https://h", .key = "k", .extra_headers = (const char *const[]){ ": b", NULL } }, false },
    { { .base_url = "https://h", .key = "k", .extra_headers = (const char *const[]){ "A: b\r\nC: d", NULL } },
      false },
};

START_TEST(a_flaw_is_named)
{
    ck_assert_int_eq(runway_config_flaw(&configs[_i].config) == NULL, configs[_i].good);
}
END_TEST

#define ROWS(table) (int)(sizeof (table) / sizeof (table)[0])

int main(void)
{
    Suite *suite = suite_create("runway rules");
    TCase *tcase = tcase_create("rules");
    tcase_add_loop_test(tcase, create_means_by_answer, 0, ROWS(created));
    tcase_add_loop_test(tcase, look_means_by_answer, 0, ROWS(looked));
    tcase_add_loop_test(tcase, words_are_found_in_any_shape, 0, ROWS(said));
    tcase_add_test(tcase, words_are_cut_between_characters);
    tcase_add_loop_test(tcase, a_created_task_is_read_or_not, 0, ROWS(made));
    tcase_add_loop_test(tcase, an_account_is_read_with_its_limits, 0, ROWS(accounts));
    tcase_add_test(tcase, more_models_than_there_is_room_for_are_left_out);
    tcase_add_loop_test(tcase, a_task_is_read_or_not, 0, ROWS(tasks));
    tcase_add_test(tcase, outputs_are_limited);
    tcase_add_loop_test(tcase, a_request_says_only_what_was_asked, 0, ROWS(asked));
    tcase_add_loop_test(tcase, a_flaw_is_named, 0, ROWS(configs));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
