/* The sandbox's rules: what a body must be, what marks say, which faults meet whom, which signatures are
 * good. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/faults.h"
#include "sandbox/marks.h"
#include "sandbox/signature.h"
#include "sandbox/usage.h"
#include "sandbox/validate.h"
#include "unit/check_main.h"

/* ---- validation: the path of the only issue, or NULL when the body is good */

#define GEN45 "\"model\":\"gen4.5\",\"promptText\":\"p\",\"ratio\":\"1280:720\",\"duration\":5"
#define TURBO "\"model\":\"gen4_turbo\",\"ratio\":\"960:960\",\"promptImage\":"
#define VEO "\"model\":\"veo3.1\",\"ratio\":\"1080:1920\",\"promptImage\":"

static const struct { const char *endpoint, *body, *path; int64_t credits; } bodies[] = {
    { "text_to_video", "{" GEN45 "}", NULL, 60 },
    { "text_to_video", "{" GEN45 ",\"seed\":4294967295}", NULL, 60 },
    { "text_to_video", "{" GEN45 ",\"seed\":4294967296}", "[\"seed\"]", 0 },
    { "text_to_video", "{" GEN45 ",\"seed\":1.5}", "[\"seed\"]", 0 },
    { "text_to_video", "{" GEN45 ",\"outputFormat\":\"avi\"}", "[\"outputFormat\"]", 0 },
    { "text_to_video", "{" GEN45 ",\"contentModeration\":{\"publicFigureThreshold\":\"low\"}}", NULL, 60 },
    { "text_to_video", "{" GEN45 ",\"strange\":1}", "[]", 0 },
    { "text_to_video", "{\"model\":\"gen4.5\",\"promptText\":\"p\",\"ratio\":\"1280:720\"}", "[\"duration\"]",
      0 },
    { "text_to_video", "{\"model\":\"gen4.5\",\"ratio\":\"1280:720\",\"duration\":2}", "[\"promptText\"]",
      0 },
    { "text_to_video", "{\"model\":\"gen4_turbo\"}", "[\"model\"]", 0 },
    { "text_to_video", "{\"model\":7}", "[\"model\"]", 0 },
    { "text_to_video", "{}", "[\"model\"]", 0 },
    { "text_to_video", "{\"model\":\"veo3.1\",\"promptText\":\"p\",\"ratio\":\"1280:720\",\"duration\":5}",
      "[\"duration\"]", 0 },
    { "text_to_video", "{\"model\":\"veo3.1\",\"promptText\":\"p\",\"ratio\":\"1280:720\",\"duration\":4}",
      NULL, 160 },
    { "text_to_video", "{\"model\":\"veo3.1\",\"promptText\":\"p\",\"ratio\":\"1280:720\",\"audio\":false}",
      NULL, 160 },
    { "image_to_video", "{" TURBO "\"https://example.com/a.png\"}", NULL, 50 },
    { "image_to_video", "{" TURBO "\"https://example.com/a.png\",\"duration\":2}", NULL, 10 },
    { "image_to_video", "{" TURBO "\"runway://there\"}", NULL, 50 },
    { "image_to_video", "{" TURBO "\"runway://missing\"}", "[\"promptImage\"]", 0 },
    { "image_to_video", "{" TURBO "\"http://example.com/a.png\"}", "[\"promptImage\"]", 0 },
    { "image_to_video", "{" TURBO "\"https://127.0.0.1/a.png\"}", "[\"promptImage\"]", 0 },
    { "image_to_video", "{" TURBO "\"https://[::1]/a.png\"}", "[\"promptImage\"]", 0 },
    { "image_to_video", "{" TURBO "\"https://gone.invalid/a.png\"}", "[\"promptImage\"]", 0 },
    { "image_to_video", "{" TURBO "\"data:image/png;base64,aGVsbG8=\"}", NULL, 50 },
    { "image_to_video", "{" TURBO "\"data:text/html;base64,aGVsbG8=\"}", "[\"promptImage\"]", 0 },
    { "image_to_video", "{" TURBO "[{\"uri\":\"https://example.com/a.png\",\"position\":\"first\"}]}", NULL,
      50 },
    { "image_to_video", "{" TURBO "[{\"uri\":\"https://example.com/a.png\",\"position\":\"last\"}]}",
      "[\"promptImage\"]", 0 },
    { "image_to_video", "{" TURBO "[]}", "[\"promptImage\"]", 0 },
    { "image_to_video", "{" VEO "[{\"uri\":\"https://example.com/a.png\",\"position\":\"first\"},"
      "{\"uri\":\"https://example.com/b.png\",\"position\":\"last\"}]}", NULL, 320 },
    { "image_to_video", "{" VEO "[{\"uri\":\"https://example.com/b.png\",\"position\":\"last\"}]}",
      "[\"promptImage\"]", 0 },
    { "character_performance", "{\"model\":\"act_two\",\"character\":{\"type\":\"image\",\"uri\":"
      "\"https://example.com/a.png\"},\"reference\":{\"type\":\"image\",\"uri\":\"https://example.com/b.mp4\"}}",
      "[\"reference\"]", 0 },
    { "text_to_image", "{\"model\":\"gen4_image\",\"promptText\":\"p\",\"ratio\":\"1024:1024\"}", NULL, 8 },
    { "text_to_image", "{\"model\":\"gen4_image_turbo\",\"promptText\":\"p\",\"ratio\":\"1024:1024\","
      "\"referenceImages\":[]}", "[\"referenceImages\"]", 0 },
};

static bool there(void *self, const char *uri)
{
    (void)self;
    return strcmp(uri, "runway://there") == 0;
}

START_TEST(a_body_is_good_or_told_where)
{
    char error[JSON_ERROR_BYTES], endpoint[64] = "/v1/", path[64] = "\"path\":";
    struct issues issues = { 0 };
    struct json *body = json_parse(bodies[_i].body, strlen(bodies[_i].body), JSON_BYTES_MAX, error);
    ck_assert_msg(body, "%s", error);
    strcat(endpoint, bodies[_i].endpoint);
    const struct model *model = validate(endpoint, body, &(struct asset_check){ there, NULL }, &issues);
    ck_assert_msg(issues.count == (bodies[_i].path ? 1 : 0), "%s: %s", bodies[_i].body, issues.list.bytes);
    if (bodies[_i].path) {
        strcat(path, bodies[_i].path);
        ck_assert_msg(strstr(issues.list.bytes, path), "%s: %s", bodies[_i].body, issues.list.bytes);
    } else {
        ck_assert_int_eq(credits_estimated(model, body), bodies[_i].credits);
    }
    text_free(&issues.list);
    json_free(&body);
}
END_TEST

static const struct { const char *text; size_t units; } lengths[] = {
    { "", 0 }, { "abc", 3 }, { "caf\xc3\xa9", 4 }, { "\xe2\x82\xac", 1 }, { "\xf0\x9f\x8e\xac!", 3 },
};

START_TEST(prompts_are_counted_in_utf16_units)
{
    ck_assert_uint_eq(utf16_units(lengths[_i].text), lengths[_i].units);
}
END_TEST

/* ---- marks */

START_TEST(marks_are_read_among_words)
{
    struct marks marks = marks_read("a [small] cat [fail:SAFETY.INPUT.TEXT] sits [run:1500ms][pending:2s] "
                                    "[status:WEIRD] [id:gen-17] [cost:12] [outputs:3] [expiry:1m] [cancelled]");
    ck_assert(marks.fails && marks.cancelled);
    ck_assert_str_eq(marks.failure_code, "SAFETY.INPUT.TEXT");
    ck_assert_str_eq(marks.odd_status, "WEIRD");
    ck_assert_str_eq(marks.name, "gen-17");
    ck_assert_int_eq(marks.run_ms, 1500);
    ck_assert_int_eq(marks.pending_ms, 2000);
    ck_assert_int_eq(marks.url_expiry_ms, 60000);
    ck_assert_int_eq(marks.cost, 12);
    ck_assert_int_eq(marks.outputs, 3);
    ck_assert_int_eq(marks.answer, MARK_ANSWER_NORMAL);
}
END_TEST

static const struct { const char *prompt; enum mark_answer answer; int status; } answers[] = {
    { NULL, MARK_ANSWER_NORMAL, 0 },
    { "[http:503]", MARK_ANSWER_STATUS, 503 },
    { "[http:99]", MARK_ANSWER_NORMAL, 0 },
    { "[after:502]", MARK_ANSWER_AFTER, 502 },
    { "[after:hang]", MARK_ANSWER_HANG, 0 },
    { "[after:reset]", MARK_ANSWER_RESET, 0 },
    { "[after:garbage]", MARK_ANSWER_GARBAGE, 0 },
    { "[after:noid]", MARK_ANSWER_NO_ID, 0 },
    { "[[http:500]]", MARK_ANSWER_STATUS, 500 },
    { "[http:500", MARK_ANSWER_NORMAL, 0 },
    { "http:500]", MARK_ANSWER_NORMAL, 0 },
    { "[]", MARK_ANSWER_NORMAL, 0 },
    { "[http:500 and a very long text that goes on and on and on, longer than any mark may be at all]",
      MARK_ANSWER_NORMAL, 0 },
};

START_TEST(a_mark_may_choose_the_answer)
{
    struct marks marks = marks_read(answers[_i].prompt);
    ck_assert_int_eq(marks.answer, answers[_i].answer);
    ck_assert_int_eq(marks.http_status, answers[_i].status);
}
END_TEST

/* ---- faults */

static bool set(struct faults *faults, const char *switches)
{
    char error[200] = "", json_error[JSON_ERROR_BYTES];
    struct json *parsed = json_parse(switches, strlen(switches), JSON_BYTES_MAX, json_error);
    bool good = faults_set(faults, parsed, error);
    ck_assert_int_eq(error[0] == '\0', good);
    json_free(&parsed);
    return good;
}

static const char *const wrong_switches[] = {
    "[]", "{\"creat\":{\"mode\":\"hang\"}}", "{\"create\":{}}", "{\"create\":{\"mode\":\"explode\"}}",
    "{\"create\":{\"mode\":\"status\",\"status\":99}}", "{\"create\":{\"mode\":\"hang\",\"ms\":-1}}",
    "{\"create\":{\"mode\":\"hang\",\"probability\":2}}", "{\"create\":{\"mode\":\"hang\",\"count\":\"1\"}}",
    "{\"look\":{\"mode\":\"reset\"},\"create\":{\"mode\":7}}", "{\"create\":\"hang\"}",
};

START_TEST(a_wrong_switch_changes_nothing)
{
    struct faults faults = { 0 };
    ck_assert(set(&faults, "{\"look\":{\"mode\":\"garbage\"}}"));
    ck_assert_msg(!set(&faults, wrong_switches[_i]), "%s", wrong_switches[_i]);
    ck_assert_int_eq(faults.of[TARGET_LOOK].mode, FAULT_GARBAGE);
    ck_assert_int_eq(faults.of[TARGET_CREATE].mode, FAULT_NONE);
}
END_TEST

START_TEST(a_fault_meets_as_many_calls_as_it_should)
{
    struct faults faults = { 0 };
    ck_assert(set(&faults, "{\"create\":{\"mode\":\"reset\",\"skip\":2,\"count\":3}}"));
    int met = 0;
    for (int i = 0; i < 10; i++) {
        bool meets = faults_draw(&faults, TARGET_CREATE).mode == FAULT_RESET;
        ck_assert_int_eq(meets, i >= 2 && i < 5);
        met += meets;
        ck_assert_int_eq(faults_draw(&faults, TARGET_LOOK).mode, FAULT_NONE);
    }
    ck_assert_int_eq(faults.of[TARGET_CREATE].met, met);
    ck_assert(set(&faults, "{\"create\":null}"));
    ck_assert_int_eq(faults_draw(&faults, TARGET_CREATE).mode, FAULT_NONE);
}
END_TEST

START_TEST(a_probability_is_met_about_as_often)
{
    struct faults faults = { 0 };
    ck_assert(set(&faults, "{\"create\":{\"mode\":\"reset\",\"probability\":0.25}}"));
    int met = 0;
    for (int i = 0; i < 10000; i++) met += faults_draw(&faults, TARGET_CREATE).mode == FAULT_RESET;
    ck_assert_msg(met > 2000 && met < 3000, "%d", met);           /* eleven standard deviations */
}
END_TEST

/* ---- signatures, dates */

START_TEST(a_signature_is_for_one_path_and_until_its_time)
{
    const struct signature_key key = { 1, 2 }, other = { 1, 3 };
    char signature[SIGNATURE_BYTES], again[SIGNATURE_BYTES], changed[SIGNATURE_BYTES];
    signature_make(&key, "/output/a.mp4", 1000, 7, signature);
    signature_make(&key, "/output/a.mp4", 1000, 8, again);
    ck_assert_str_ne(signature, again);
    ck_assert(signature_good(&key, "/output/a.mp4", signature, 999));
    ck_assert(!signature_good(&key, "/output/a.mp4", signature, 1000));
    ck_assert(!signature_good(&key, "/output/b.mp4", signature, 999));
    ck_assert(!signature_good(&other, "/output/a.mp4", signature, 999));
    strcpy(changed, signature);
    strchr(changed, '.')[1]++;                                    /* a later end */
    ck_assert(!signature_good(&key, "/output/a.mp4", changed, 999));
    ck_assert(!signature_good(&key, "/output/a.mp4", "", 0));
    ck_assert(!signature_good(&key, "/output/a.mp4", "a.b.c", 0));
}
END_TEST

static const struct { const char *text; bool good; int64_t at_ms; } dates[] = {
    { "1970-01-02", true, 86400000 }, { "2026-11-23", true, INT64_C(1795392000000) },
        { "2026-02-30", false, 0 },
    { "2026-11-23T00:00:00Z", false, 0 }, { "26-11-23", false, 0 }, { "", false, 0 },
};

START_TEST(dates_are_days_of_utc)
{
    int64_t at_ms = 0;
    char back[DATE_BYTES];
    ck_assert_int_eq(usage_date_parse(dates[_i].text, &at_ms), dates[_i].good);
    ck_assert_int_eq(at_ms, dates[_i].at_ms);
    if (!dates[_i].good) return;
    usage_date(at_ms, back);
    ck_assert_str_eq(back, dates[_i].text);
}
END_TEST

CHECK_MAIN("sandbox rules",
    tcase_add_loop_test(tests, a_body_is_good_or_told_where, 0, ROWS(bodies));
    tcase_add_loop_test(tests, prompts_are_counted_in_utf16_units, 0, ROWS(lengths));
    tcase_add_test(tests, marks_are_read_among_words);
    tcase_add_loop_test(tests, a_mark_may_choose_the_answer, 0, ROWS(answers));
    tcase_add_loop_test(tests, a_wrong_switch_changes_nothing, 0, ROWS(wrong_switches));
    tcase_add_test(tests, a_fault_meets_as_many_calls_as_it_should);
    tcase_add_test(tests, a_probability_is_met_about_as_often);
    tcase_add_test(tests, a_signature_is_for_one_path_and_until_its_time);
    tcase_add_loop_test(tests, dates_are_days_of_utc, 0, ROWS(dates));)
