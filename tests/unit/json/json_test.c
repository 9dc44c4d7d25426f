#include <stdio.h>
#include <string.h>

#include "json/json.h"
#include "unit/check_main.h"

#define DEEP8(x) "[[[[[[[[" x "]]]]]]]]"
#define BYTES(literal) (literal), sizeof (literal) - 1

static const struct { const char *bytes; size_t length; const char *reason; } refused[] = {
    { BYTES(""), "empty" },
    { BYTES("{\"a\":1,\"a\":1}"), "duplicate key" },
    { BYTES("{\"a\":{\"b\":1,\"b\":2}}"), "duplicate key" },
    { BYTES("{\"a\":1,\"\\u0061\":2}"), "duplicate key" },              /* the same key, spelt otherwise */
    { BYTES("{} {}"), "bytes after the end" },
    { BYTES("{}x"), "bytes after the end" },
    { BYTES("{}\0"), "bytes after the end" },
    { BYTES("{"), "ends too early" },
    { BYTES("{\"a\":\"\\u0000\"}"), "NUL" },
    { BYTES("{\"a\\u0000b\":1}"), "NUL" },
    { BYTES("{\"a\":\"x\0y\"}"), NULL },
    { BYTES("{\"a\":1\0,\"b\":2}"), "NUL" },
    { BYTES("{\"a\":\"\xff\"}"), "not UTF-8" },
    { BYTES("{\"a\":\"\xc0\xaf\"}"), "not UTF-8" },                     /* overlong */
    { BYTES("{\"a\":\"\xed\xa0\x80\"}"), "not UTF-8" },                 /* half a surrogate pair */
    { BYTES("{\"a\":\"\\ud800\"}"), NULL },
    { BYTES("{\"a\":9223372036854775808}"), "number out of range" },
    { BYTES("{\"a\":1e999}"), "number out of range" },
    { BYTES("{\"a\":NaN}"), "not JSON" },
    { BYTES("{\"a\":01}"), "not JSON" },
    { BYTES("{\"a\":+1}"), "not JSON" },
    { BYTES("{\"a\":.5}"), "not JSON" },
    { BYTES("{\"a\":1,}"), "not JSON" },
    { BYTES("{'a':1}"), "not JSON" },
    { BYTES("{a:1}"), "not JSON" },
    { BYTES("// words\n{}"), "not JSON" },
    { BYTES("\xef\xbb\xbf{}"), NULL },                                  /* a byte order mark */
    /* the root must be an object or an array */
    { BYTES("\"text\""), "not JSON" },
    { BYTES("17"), "not JSON" },
    { BYTES("null"), "not JSON" },
    { BYTES("{\"a\":\"line\nbreak\"}"), "not JSON" },
    { BYTES(DEEP8(DEEP8("[]"))), "too deep" },
    { BYTES("[{\"a\":" DEEP8("[{\"b\":" "[[[[[[]]]]]]" "}]") "}]"), "too deep" },
};

START_TEST(hostile_bytes_are_refused_with_a_reason)
{
    char error[JSON_ERROR_BYTES];
    struct json *root = json_parse(refused[_i].bytes, refused[_i].length, JSON_BYTES_MAX, error);
    ck_assert_msg(!root, "taken: %s", refused[_i].bytes);
    ck_assert_uint_gt(strlen(error), 0);
    if (refused[_i].reason)
        ck_assert_msg(strstr(error, refused[_i].reason), "%s: not \"%s\" but \"%s\"", refused[_i].bytes,
                      refused[_i].reason, error);
}
END_TEST

static const char *const taken[] = {
    "{}", "[]", " {\"a\" : [ 1 , -2.5e3, true , null ] }\r\n", DEEP8(DEEP8("")),
        "[\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"]",
    "{\"a\":9223372036854775807,\"b\":-9223372036854775808}", "{\"\":\"\"}",
        "[\"\\ud83c\\udfac \xf0\x9f\x8e\xac\"]",
};

START_TEST(good_bytes_are_taken)
{
    char error[JSON_ERROR_BYTES];
    struct json *root = json_parse(taken[_i], strlen(taken[_i]), JSON_BYTES_MAX, error);
    ck_assert_msg(root, "%s: %s", taken[_i], error);
    ck_assert_str_eq(error, "");
    json_free(&root);
    ck_assert_ptr_null(root);
}
END_TEST

START_TEST(the_cap_is_exact)
{
    char error[JSON_ERROR_BYTES];
    struct json *root = json_parse("[1234567]", 9, 9, error);
    ck_assert_ptr_nonnull(root);
    json_free(&root);
    ck_assert_ptr_null(json_parse("[12345678]", 10, 9, error));
    ck_assert_str_eq(error, "too large: 10 bytes, 9 are allowed");
}
END_TEST

START_TEST(a_million_brackets_cost_no_stack)
{
    enum { COUNT = 1000000 };
    char error[JSON_ERROR_BYTES];
    char *bytes = malloc(COUNT);
    memset(bytes, '[', COUNT);
    ck_assert_ptr_null(json_parse(bytes, COUNT, COUNT, error));
    ck_assert_ptr_nonnull(strstr(error, "too deep"));
    free(bytes);
}
END_TEST

START_TEST(readers_ask_for_exact_types)
{
    static const char bytes[] =
        "{\"int\":7,\"real\":7.0,\"text\":\"a\\tb\",\"yes\":true,\"no\":false,\"nil\":null,\"list\":[1,2],"
        "\"map\":{\"x\":1}}";
    char error[JSON_ERROR_BYTES];
    struct json *root = json_parse(bytes, sizeof bytes - 1, JSON_BYTES_MAX, error);
    ck_assert_ptr_nonnull(root);
    static const struct { const char *name; enum json_kind kind; } kinds[] = {
        { "int", JSON_INTEGER }, { "real", JSON_REAL }, { "text", JSON_STRING }, { "yes", JSON_BOOL },
            { "no", JSON_BOOL },
        { "nil", JSON_NULL }, { "list", JSON_ARRAY }, { "map", JSON_OBJECT }, { "absent", JSON_ABSENT },
    };
    for (int i = 0; i < ROWS(kinds); i++) {
        const struct json *value = json_get(root, kinds[i].name);
        int64_t integer;
        double number;
        bool yes;
        ck_assert_int_eq(json_kind(value), kinds[i].kind);
        ck_assert_int_eq(json_integer(value, &integer), kinds[i].kind == JSON_INTEGER);
        ck_assert_int_eq(json_number(value, &number), kinds[i].kind == JSON_INTEGER
                         || kinds[i].kind == JSON_REAL);
        ck_assert_int_eq(json_bool(value, &yes), kinds[i].kind == JSON_BOOL);
        ck_assert_int_eq(json_string(value, NULL) != NULL, kinds[i].kind == JSON_STRING);
    }
    size_t length;
    ck_assert_str_eq(json_string(json_get(root, "text"), &length), "a\tb");
    ck_assert_uint_eq(length, 3);
    ck_assert_uint_eq(json_count(root), 8);
    ck_assert_uint_eq(json_count(json_get(root, "list")), 2);
    ck_assert_uint_eq(json_count(json_get(root, "text")), 0);
    ck_assert_ptr_null(json_at(json_get(root, "list"), 2));
    ck_assert_ptr_null(json_get(json_get(root, "list"), "x"));
    ck_assert_ptr_null(json_at(root, 0));
    json_free(&root);
}
END_TEST

START_TEST(members_are_walked_and_dumped_in_order)
{
    static const char bytes[] = "{ \"b\": [1, \"\\u00fc\", null], \"a\": {\"x\": true}, \"c\": -0.5 }";
    char error[JSON_ERROR_BYTES], names[16] = "";
    struct json *root = json_parse(bytes, sizeof bytes - 1, JSON_BYTES_MAX, error);
    ck_assert_ptr_nonnull(root);
    const char *name;
    const struct json *value;
    for (void *at = json_next(root, NULL, &name, &value); at; at = json_next(root, at, &name, &value))
        strcat(names, name);
    ck_assert_str_eq(names, "bac");
    struct text out = { 0 };
    json_dump(root, &out);
    ck_assert_str_eq(out.bytes, "{\"b\":[1,\"\xc3\xbc\",null],\"a\":{\"x\":true},\"c\":-0.5}");
    text_clear(&out);
    json_dump(json_get(root, "c"), &out);
    ck_assert_str_eq(out.bytes, "-0.5");
    text_free(&out);
    json_free(&root);
}
END_TEST

/* To the last bit: what was dumped is read again by the next program, and dumped again. */
static const char *const numbers[] = {
    "0.1", "-2.5e3", "1e22", "1.0", "-0.0", "3.1415926535897931", "0.30000000000000004", "5e-324",
    "2.2250738585072011e-308", "1.7976931348623157e308", "1e-999", "9007199254740993", "9223372036854775807",
    "-9223372036854775808", "0.11111111111111111111111111111111111111",
};

START_TEST(dumped_numbers_read_back_exactly)
{
    char bytes[64], error[JSON_ERROR_BYTES];
    snprintf(bytes, sizeof bytes, "[%s]", numbers[_i]);
    struct json *first = json_parse(bytes, strlen(bytes), JSON_BYTES_MAX, error);
    ck_assert_msg(first, "%s: %s", bytes, error);
    struct text once = { 0 }, twice = { 0 };
    json_dump(first, &once);
    struct json *again = json_parse(once.bytes, once.length, JSON_BYTES_MAX, error);
    ck_assert_msg(again, "%s: %s", once.bytes, error);
    json_dump(again, &twice);
    ck_assert_str_eq(once.bytes, twice.bytes);

    const struct json *before = json_at(first, 0), *after = json_at(again, 0);
    int64_t integers[2] = { 0, 0 };
    double values[2] = { 0, 1 };
    ck_assert_int_eq(json_kind(before), json_kind(after));
    ck_assert_int_eq(json_integer(before, &integers[0]), json_integer(after, &integers[1]));
    ck_assert_int_eq(integers[0], integers[1]);
    ck_assert(json_number(before, &values[0]) && json_number(after, &values[1]));
    ck_assert_int_eq(memcmp(&values[0], &values[1], sizeof values[0]), 0);
    text_free(&once);
    text_free(&twice);
    json_free(&first);
    json_free(&again);
}
END_TEST

CHECK_MAIN("json",
    tcase_add_loop_test(tests, hostile_bytes_are_refused_with_a_reason, 0, ROWS(refused));
    tcase_add_loop_test(tests, good_bytes_are_taken, 0, ROWS(taken));
    tcase_add_test(tests, the_cap_is_exact);
    tcase_add_test(tests, a_million_brackets_cost_no_stack);
    tcase_add_test(tests, readers_ask_for_exact_types);
    tcase_add_test(tests, members_are_walked_and_dumped_in_order);
    tcase_add_loop_test(tests, dumped_numbers_read_back_exactly, 0, ROWS(numbers));)
