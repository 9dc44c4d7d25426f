#include <errno.h>
#include <signal.h>

#include "base/log.h"
#include "base/must.h"
#include "captured.h"
#include "unit/check_main.h"

static void three_lines(void *argument)
{
    (void)argument;
    log_open("reelgate-test", "7", LOG_LEVEL_INFO);
    log_debug("too_quiet", LOG_TEXT("generation_id", "g-1"));
    log_info("reservation_held", LOG_TEXT("generation_id", "g-1"), LOG_TEXT("left_out", NULL),
             LOG_NUMBER("amount", -3));
    log_level_set(LOG_LEVEL_DEBUG);
    log_debug("plain");
    log_warn("hostile", LOG_TEXT("text", "a\"b\nc\xff\xed\xa0\x80\xc3\xbc"));
}

START_TEST(a_line_is_one_json_object_with_its_fields)
{
    struct captured captured;
    captured_run(&captured, three_lines, NULL);
    ck_assert_int_eq(captured.status, 0);
    ck_assert_str_eq(captured.out, "");
    char *first = strtok(captured.err, "\n"), *second = strtok(NULL, "\n"), *third = strtok(NULL, "\n");
    ck_assert_ptr_nonnull(third);
    ck_assert_ptr_null(strtok(NULL, "\n"));
    ck_assert_int_eq(strncmp(first, "{\"ts\":\"20", 9), 0);
    ck_assert_str_eq(first + 33, "\"level\":\"info\",\"msg\":\"reservation_held\","
                                 "\"service\":\"reelgate-test\","
                                 "\"instance\":\"7\",\"generation_id\":\"g-1\",\"amount\":-3}");
    ck_assert_str_eq(second + 33, "\"level\":\"debug\",\"msg\":\"plain\",\"service\":\"reelgate-test\","
                                  "\"instance\":\"7\"}");
    const char *text = strstr(third, "\"text\":");
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, "\"text\":\"a\\\"b\\nc"
                           "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xc3\xbc\"}");
}
END_TEST

static void a_long_field(void *argument)
{
    (void)argument;
    char value[10000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    errno = EINTR;
    log_error("long", LOG_TEXT("value", value));
    must(errno == EINTR);
}

START_TEST(a_field_is_cut_and_errno_survives)
{
    struct captured captured;
    captured_run(&captured, a_long_field, NULL);
    ck_assert_int_eq(captured.status, 0);
    ck_assert_uint_lt(strlen(captured.err), 2200);
    ck_assert_str_eq(captured.err + strlen(captured.err) - 4, "x\"}\n");
}
END_TEST

static void a_broken_promise(void *argument)
{
    (void)argument;
    log_open("reelgate-test", "0", LOG_LEVEL_ERROR);
    must(1 + 1 == 3);
}

START_TEST(must_logs_its_condition_and_aborts)
{
    struct captured captured;
    captured_run(&captured, a_broken_promise, NULL);
    ck_assert_int_eq(captured.status, 128 + SIGABRT);
    ck_assert_ptr_nonnull(strstr(captured.err, "\"level\":\"fatal\",\"msg\":\"assertion_failed\""));
    ck_assert_ptr_nonnull(strstr(captured.err, "\"condition\":\"1 + 1 == 3\""));
    ck_assert_ptr_nonnull(strstr(captured.err, "log_test.c"));
}
END_TEST

START_TEST(levels_have_names)
{
    enum log_level level = LOG_LEVEL_INFO;
    ck_assert(log_level_parse("warn", &level) && level == LOG_LEVEL_WARN);
    ck_assert(log_level_parse("debug", &level) && level == LOG_LEVEL_DEBUG);
    ck_assert(!log_level_parse("WARN", &level) && !log_level_parse("fatal", &level));
    ck_assert(!log_level_parse("", &level));
    ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
}
END_TEST

CHECK_MAIN("log",
    tcase_add_test(tests, a_line_is_one_json_object_with_its_fields);
    tcase_add_test(tests, a_field_is_cut_and_errno_survives);
    tcase_add_test(tests, must_logs_its_condition_and_aborts);
    tcase_add_test(tests, levels_have_names);)
