#include <string.h>

#include "base/text.h"
#include "unit/check_main.h"

static const struct { const char *bytes; size_t length; const char *want; } json_cases[] = {
    { "", 0, "\"\"" },
    { "plain", 5, "\"plain\"" },
    { "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
    { "\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"" },
    { "\x01\x1f\x00z", 4, "\"\\u0001\\u001f\\u0000z\"" },
    { "\x7f", 1, "\"\x7f\"" },                                       /* no control character to JSON */
    { "gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac", 11, "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac\"" },
    { "\"\"\"\"", 4, "\"\\\"\\\"\\\"\\\"\"" },
};

START_TEST(json_strings_are_escaped)
{
    struct text text = { 0 };
    text_add_string(&text, "x:");
    text_add_json(&text, json_cases[_i].bytes, json_cases[_i].length);
    ck_assert_str_eq(text.bytes + 2, json_cases[_i].want);
    ck_assert_uint_eq(text.length, strlen(json_cases[_i].want) + 2);
    text_free(&text);
}
END_TEST

START_TEST(the_worst_case_fits)
{
    char bytes[1000];
    memset(bytes, 1, sizeof bytes);
    struct text text = { 0 };
    text_add_json(&text, bytes, sizeof bytes);
    ck_assert_uint_eq(text.length, 6 * sizeof bytes + 2);
    ck_assert_uint_gt(text.capacity, text.length);
    text_free(&text);
}
END_TEST

static const struct { int64_t value; const char *want; } number_cases[] = {
    { 0, "0" }, { 7, "7" }, { -1, "-1" }, { 10, "10" }, { INT64_MAX, "9223372036854775807" },
    { INT64_MIN, "-9223372036854775808" },
};

START_TEST(numbers_are_written_whole)
{
    struct text text = { 0 };
    text_add_i64(&text, number_cases[_i].value);
    ck_assert_str_eq(text.bytes, number_cases[_i].want);
    text_free(&text);
}
END_TEST

START_TEST(clear_keeps_the_memory_and_the_nul)
{
    struct text text = { 0 };
    text_clear(&text);
    ck_assert_ptr_null(text.bytes);
    for (int i = 0; i < 10000; i++)
        text_add_char(&text, (char)('a' + i % 26));
    char *bytes = text.bytes;
    text_clear(&text);
    ck_assert_ptr_eq(text.bytes, bytes);
    ck_assert_str_eq(text.bytes, "");
    text_printf(&text, "%s-%d", "gen", 42);
    ck_assert_str_eq(text.bytes, "gen-42");
    ck_assert_uint_eq(text.length, 6);
    text_free(&text);
    ck_assert_ptr_null(text.bytes);
}
END_TEST

CHECK_MAIN("text",
    tcase_add_loop_test(tests, json_strings_are_escaped, 0, ROWS(json_cases));
    tcase_add_test(tests, the_worst_case_fits);
    tcase_add_loop_test(tests, numbers_are_written_whole, 0, ROWS(number_cases));
    tcase_add_test(tests, clear_keeps_the_memory_and_the_nul);)
