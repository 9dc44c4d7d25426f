/* What is said of things: changes of available, stream data, CSV that no spreadsheet computes. */
#include <string.h>

#include "gateway/write.h"
#include "json/json.h"
#include "unit/check_main.h"
#include "unit/gateway/records.h"

static const struct { const char *kind; int64_t amount, change; } changes[] = {
    { "grant", 5, 5 }, { "grant", -5, -5 }, { "reserve", 3, -3 }, { "commit", 3, 0 }, { "release", 3, 3 },
};

START_TEST(an_entry_changes_what_is_available)
{
    struct event event = entry(changes[_i].kind, "ada", "x", changes[_i].amount);
    ck_assert_int_eq(entry_change(&event), changes[_i].change);
}
END_TEST

static const struct { const char *value, *csv; } fields[] = {
    { NULL, "," }, { "plain", "plain," }, { "a,b", "\"a,b\"," }, { "say \"hi\"", "\"say \"\"hi\"\"\"," },
    { "two\nlines", "\"two\nlines\"," }, { "=1+1", "\"'=1+1\"," }, { "@x", "\"'@x\"," }, { "-2", "\"'-2\"," },
    { "+3", "\"'+3\"," }, { "\tx", "\"'\tx\"," },
};

START_TEST(a_csv_field_stays_one_and_is_no_formula)
{
    struct text out = { 0 };
    csv_text(&out, fields[_i].value);
    ck_assert_str_eq(out.bytes, fields[_i].csv);
    text_free(&out);
}
END_TEST

START_TEST(a_csv_line_ends_as_it_should)
{
    struct text out = { 0 };
    csv_text(&out, "a");
    csv_number(&out, -3);
    csv_number(&out, EVENT_ABSENT);
    csv_end(&out);
    ck_assert_str_eq(out.bytes, "a,-3,\r\n");
    text_free(&out);
}
END_TEST

START_TEST(words_from_outside_stay_words)
{
    struct view *view = view_open(1024 * 1024, "gen4.5");
    char error[JSON_ERROR_BYTES];
    struct text out = { 0 };
    const char *hostile = "</script><img src=x onerror=alert(1)>\"\\\n\xe2\x80\xa8";
    view_lock(view);
    take(view, AT(REQUESTS, 0, 1), requested("ada", "g", hostile));
    struct generation *generation = user_generation(view_user(view, "ada"), "g");
    write_generation(&out, NULL, generation, WRITE_FOR_OWNER);
    write_timeline(&out, generation);
    out_close(&out, '}');
    struct json *read = json_parse(out.bytes, out.length, JSON_BYTES_MAX, error);
    ck_assert_msg(read, "%s", error);
    ck_assert_str_eq(json_string(json_get(read, "prompt"), NULL), hostile);
    ck_assert_ptr_null(json_get(read, "userId"));
    json_free(&read);
    text_free(&out);
    view_unlock(view);
    view_close(&view);
}
END_TEST

START_TEST(stream_data_is_one_line_of_json)
{
    struct view *view = view_open(1024 * 1024, "gen4.5");
    view_lock(view);
    take(view, AT(REQUESTS, 0, 1), requested("ada", "g", "A boat"));
    take(view, AT(RESULTS, 2, 1), accepted("ada", "g", 3));
    take(view, AT(RESULTS, 2, 2), rejected("ada", "h", ERROR_INSUFFICIENT_TOKENS));
    take(view, AT(JOURNAL, 4, 1), entry("commit", "ada", "g", 3));
    static const char *const names[] = { NULL, "generation", "generation", "balance" };
    int i = 0;
    for (const struct fact *fact = view_user(view, "ada")->oldest; fact; fact = fact->next, i++) {
        struct text out = { 0 };
        char error[JSON_ERROR_BYTES];
        const char *name = NULL;
        ck_assert_int_eq(write_stream_data(&out, view_user(view, "ada"), fact, &name), names[i] != NULL);
        if (!names[i])
            continue;
        ck_assert_str_eq(name, names[i]);
        struct json *read = json_parse(out.bytes, out.length, JSON_BYTES_MAX, error);
        ck_assert_msg(read && !strchr(out.bytes, '\n'), "%s", out.bytes);
        json_free(&read);
        text_free(&out);
    }
    ck_assert_int_eq(i, 4);
    view_unlock(view);
    view_close(&view);
}
END_TEST

CHECK_MAIN("write",
    tcase_add_loop_test(tests, an_entry_changes_what_is_available, 0, ROWS(changes));
    tcase_add_loop_test(tests, a_csv_field_stays_one_and_is_no_formula, 0, ROWS(fields));
    tcase_add_test(tests, a_csv_line_ends_as_it_should);
    tcase_add_test(tests, words_from_outside_stay_words);
    tcase_add_test(tests, stream_data_is_one_line_of_json);)
