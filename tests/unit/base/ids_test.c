#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/money.h"
#include "unit/check_main.h"

static const struct { const char *id; size_t length; bool want; } id_cases[] = {
    { "u-1", 3, true }, { "A.b_C:9-", 8, true }, { "", 0, false }, { "with space", 10, false },
        { "a/b", 3, false },
    { "a\0b", 3, false }, { "{tag}", 5, false }, { "\xc3\xbc", 2, false }, { "line\n", 5, false },
        { "abc", 2, true },
    { "0123456789012345678901234567890123456789012345678901234567890123", 64, true },
    { "01234567890123456789012345678901234567890123456789012345678901234", 65, false },
};

START_TEST(ids_are_judged)
{
    ck_assert_int_eq(id_valid(id_cases[_i].id, id_cases[_i].length), id_cases[_i].want);
}
END_TEST

/* From Python's zlib.crc32, so that both sides of the contract are seen. */
static const struct { const char *user; int32_t of_32, of_7; } bucket_cases[] = {
    { "u-1", 28, 3 }, { "user-42", 19, 1 }, { "a", 3, 4 }, { "Z9._:-", 9, 1 }, { "0", 1, 4 },
};

START_TEST(buckets_are_crc32_modulo_partitions)
{
    const char *user = bucket_cases[_i].user;
    ck_assert_int_eq(bucket_of(user, strlen(user), 32), bucket_cases[_i].of_32);
    ck_assert_int_eq(bucket_of(user, strlen(user), 7), bucket_cases[_i].of_7);
    ck_assert_int_eq(bucket_of(user, strlen(user), 1), 0);
}
END_TEST

START_TEST(origins_come_back)
{
    const struct origin origin = { .topic = "reelgate.requests", .partition = 11, .offset = INT64_MAX };
    char text[ORIGIN_BYTES], topic[250];
    int32_t partition;
    int64_t offset;
    origin_format(&origin, text);
    ck_assert_str_eq(text, "reelgate.requests/11@9223372036854775807");
    ck_assert(origin_parse(text, topic, &partition, &offset));
    ck_assert_str_eq(topic, "reelgate.requests");
    ck_assert_int_eq(partition, 11);
    ck_assert_int_eq(offset, INT64_MAX);
}
END_TEST

static const char *const bad_origins[] = {
    "", "topic", "topic/1", "topic@1", "/1@2", "t/@2", "t/1@", "t/-1@2", "t/1@-2", "t/01@2", "t/1@2x",
        "t/ 1@2",
    "t/2147483648@0", "t/0@9223372036854775808", "t/0@1@2",
};

START_TEST(what_is_no_origin_is_refused)
{
    char topic[250];
    int32_t partition;
    int64_t offset;
    ck_assert_msg(!origin_parse(bad_origins[_i], topic, &partition, &offset), "taken: %s", bad_origins[_i]);
}
END_TEST

START_TEST(a_topic_name_over_249_bytes_is_refused)
{
    char text[300], topic[250];
    int32_t partition;
    int64_t offset;
    memset(text, 't', 250);
    snprintf(text + 249, 20, "/3@4");
    ck_assert(origin_parse(text, topic, &partition, &offset));
    memset(text, 't', 250);
    snprintf(text + 250, 20, "/3@4");
    ck_assert(!origin_parse(text, topic, &partition, &offset));
}
END_TEST

START_TEST(uuids_are_version_7_and_of_now)
{
    char first[UUID_BYTES], second[UUID_BYTES], digits[13];
    int64_t before_ms = clock_wall_ms();
    uuid7_make(first);
    uuid7_make(second);
    ck_assert_str_ne(first, second);
    ck_assert_uint_eq(strlen(first), 36);
    ck_assert(id_valid(first, 36));
    ck_assert_int_eq(first[14], '7');
    ck_assert_ptr_nonnull(strchr("89ab", first[19]));
    ck_assert(first[8] == '-' && first[13] == '-' && first[18] == '-' && first[23] == '-');
    snprintf(digits, sizeof digits, "%.8s%.4s", first, first + 9);
    int64_t made_ms = (int64_t)strtoull(digits, NULL, 16);
    ck_assert_int_ge(made_ms, before_ms);
    ck_assert_int_le(made_ms, clock_wall_ms());
}
END_TEST

START_TEST(nonces_are_32_hex_digits_and_new)
{
    char first[33], second[33];
    nonce_make(first);
    nonce_make(second);
    ck_assert_uint_eq(strspn(first, "0123456789abcdef"), 32);
    ck_assert_int_eq(first[32], '\0');
    ck_assert_str_ne(first, second);
}
END_TEST

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
static const struct { const char *in; bool valid; } trace_cases[] = {
    { "00-" TRACE "-" SPAN "-01", true },
    { "00-" TRACE "-" SPAN "-00", true },
    { "00-" TRACE "-" SPAN "-ff", true },
    { "cc-" TRACE "-" SPAN "-01", true },                         /* a version to come */
    { "cc-" TRACE "-" SPAN "-01-what-the-future-adds", true },
    { "cc-" TRACE "-" SPAN "-01.what", false },
    { "00-" TRACE "-" SPAN "-01-x", false },                      /* version 00 ends here */
    { "ff-" TRACE "-" SPAN "-01", false },
    { "00-00000000000000000000000000000000-" SPAN "-01", false },
    { "00-" TRACE "-0000000000000000-01", false },
    { "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", false },
    { "00-" TRACE "-" SPAN "-0", false },
    { "00-" TRACE "-" SPAN "-0g", false },
    { "00_" TRACE "-" SPAN "-01", false },
    { "0-" TRACE "-" SPAN "-01", false },
    { "", false },
    { NULL, false },
};

START_TEST(a_child_keeps_the_trace_or_starts_one)
{
    const char *in = trace_cases[_i].in;
    size_t length = in ? strlen(in) : 0;
    char out[TRACEPARENT_BYTES];
    ck_assert_int_eq(traceparent_valid(in, length), trace_cases[_i].valid);
    traceparent_child(in, length, out);
    ck_assert_uint_eq(strlen(out), 55);
    ck_assert(traceparent_valid(out, 55));
    ck_assert_int_eq(memcmp(out, "00-", 3), 0);
    ck_assert_int_eq(in && strncmp(out + 3, TRACE, 32) == 0, trace_cases[_i].valid);
    ck_assert_int_ne(memcmp(out + 36, SPAN, 16), 0);
    ck_assert_int_eq(memcmp(out + 53, trace_cases[_i].valid ? in + 53 : "01", 2), 0);
}
END_TEST

START_TEST(a_parent_need_not_end_in_nul)
{
    char exact[55], out[TRACEPARENT_BYTES];
    memcpy(exact, "00-" TRACE "-" SPAN "-01", 55);
    traceparent_child(exact, 55, out);
    ck_assert_int_eq(memcmp(out + 3, TRACE, 32), 0);
}
END_TEST

static const struct { struct balance balance; bool want; } balance_cases[] = {
    { { 0, 0, 0, 0 }, true }, { { 10, 5, 3, 2 }, true }, { { 10, 5, 3, 1 }, false },
        { { -1, -1, 0, 0 }, false },
    { { 4, 5, -1, 0 }, false }, { { TOKENS_MAX, TOKENS_MAX, 0, 0 }, true },
    { { TOKENS_MAX, TOKENS_MAX - 1, 1, 0 }, true }, { { TOKENS_MAX + 1, TOKENS_MAX, 1, 0 }, false },
    { { INT64_MAX, INT64_MAX, 0, 0 }, false }, { { -2, INT64_MAX, INT64_MAX, 0 }, false },
};

START_TEST(balances_add_up_or_not)
{
    ck_assert_int_eq(balance_adds_up(&balance_cases[_i].balance), balance_cases[_i].want);
}
END_TEST

CHECK_MAIN("ids",
    tcase_add_loop_test(tests, ids_are_judged, 0, ROWS(id_cases));
    tcase_add_loop_test(tests, buckets_are_crc32_modulo_partitions, 0, ROWS(bucket_cases));
    tcase_add_test(tests, origins_come_back);
    tcase_add_loop_test(tests, what_is_no_origin_is_refused, 0, ROWS(bad_origins));
    tcase_add_test(tests, a_topic_name_over_249_bytes_is_refused);
    tcase_add_test(tests, uuids_are_version_7_and_of_now);
    tcase_add_test(tests, nonces_are_32_hex_digits_and_new);
    tcase_add_loop_test(tests, a_child_keeps_the_trace_or_starts_one, 0, ROWS(trace_cases));
    tcase_add_test(tests, a_parent_need_not_end_in_nul);
    tcase_add_loop_test(tests, balances_add_up_or_not, 0, ROWS(balance_cases));)
