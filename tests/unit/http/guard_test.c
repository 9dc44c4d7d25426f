#include <check.h>
#include <string.h>

#include "http/guard.h"
#include "http/retry_after.h"

/* ---- guard: name, value pairs; refused or not */

static const struct { const char *version, *headers[9]; const char *refusal; } guard_cases[] = {
    { "HTTP/1.1", { "Host", "a" }, NULL },
    { "HTTP/1.0", { 0 }, NULL },
    { "HTTP/1.1", { "Accept", "*/*" }, "no Host header" },
    { "HTTP/1.1", { "Host", "a", "Content-Length", "3" }, NULL },
    { "HTTP/1.1", { "Host", "a", "Transfer-Encoding", "chunked" }, NULL },
    { "HTTP/1.1", { "host", "a", "transfer-encoding", "Chunked" }, NULL },
    { "HTTP/1.1", { "Host", "a", "HOST", "a" }, "more than one Host header" },
    { "HTTP/1.1", { "Host", "a", "Content-Length", "3", "content-length", "3" },
      "more than one Content-Length header" },
    { "HTTP/1.1", { "Host", "a", "Content-Length", "3", "Transfer-Encoding", "chunked" },
      "Content-Length beside Transfer-Encoding" },
    { "HTTP/1.1", { "Host", "a", "Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked" },
      "more than one Transfer-Encoding header" },
    { "HTTP/1.1", { "Host", "a", "Transfer-Encoding", "gzip, chunked" }, "unsupported Transfer-Encoding" },
    { "HTTP/1.1", { "Host", "a", "Transfer-Encoding", "xchunked" }, "unsupported Transfer-Encoding" },
    { "HTTP/1.1", { "Host", "a", "Content-Length", "+3" }, "malformed Content-Length" },
    { "HTTP/1.1", { "Host", "a", "Content-Length", "3, 3" }, "malformed Content-Length" },
    { "HTTP/1.1", { "Host", "a", "Content-Length", "0x3" }, "malformed Content-Length" },
    { "HTTP/1.1", { "Host", "a", "Content-Length", "" }, "malformed Content-Length" },
    { "HTTP/1.1", { "Host", "a", "Content-Length ", "3" }, "malformed header name" },
    { "HTTP/1.1", { "Host", "a", "X", "y\rContent-Length: 5" }, "malformed header value" },
    { "HTTP/1.1", { "Host", "a", "X", "y\tz \xc3\xa9" }, NULL },
    { "HTTP/1.1", { "Host", "[::1]:8080" }, NULL },
    { "HTTP/1.1", { "Host", "" }, NULL },
    { "HTTP/1.1", { "Host", "a b" }, "malformed Host" },
    { "HTTP/1.1", { "Host", "a, b" }, "malformed Host" },
    { "HTTP/1.1", { "Host", "user@a" }, "malformed Host" },
    { "HTTP/1.1", { "Host", "a/b" }, "malformed Host" },
    { "HTTP/1.1", { "Host", "a", "Authorization", "x", "Accept", "b", "Accept", "c" }, NULL },
    { "HTTP/1.1", { "Host", "a", "Authorization", "x", "authorization", "x" }, "more than one Authorization header" },
    { "HTTP/1.1", { "Host", "a", "Idempotency-Key", "x", "Idempotency-Key", "y" },
      "more than one Idempotency-Key header" },
    { "HTTP/1.1", { "Host", "a", "X\tY", "3" }, "malformed header name" },
};

START_TEST(guard_answers_by_headers)
{
    struct guard guard = { 0 };
    for (int i = 0; guard_cases[_i].headers[i]; i += 2)
        guard_header(&guard, guard_cases[_i].headers[i], guard_cases[_i].headers[i + 1]);
    const char *refusal = guard_refusal(&guard, guard_cases[_i].version);
    if (guard_cases[_i].refusal) ck_assert_pstr_eq(refusal, guard_cases[_i].refusal);
    else ck_assert_msg(!refusal, "refused: %s", refusal);
}
END_TEST

static const struct { const char *method, *refusal; } method_cases[] = {
    { "GET", NULL }, { "PROPFIND", NULL }, { "M-SEARCH", NULL },
    { "", "malformed method" }, { "\x16\x03\x01GET", "malformed method" }, { "GE(T", "malformed method" },
};

START_TEST(guard_answers_by_method)
{
    struct guard guard = { 0 };
    guard_method(&guard, method_cases[_i].method);
    ck_assert_pstr_eq(guard_refusal(&guard, "HTTP/1.0"), method_cases[_i].refusal);
}
END_TEST

/* A header as libmicrohttpd leaves it: | is a NUL in the place of the colon, CR or LF. */
static const struct { const char *line; size_t value; const char *refusal; } place_cases[] = {
    { "Host| a||", 6, NULL }, { "Host|a||", 5, NULL }, { "Host| \t a||", 8, NULL }, { "Host|||", 5, NULL },
    { "Host| a|X", 6, "malformed end of a header" },           /* a bare LF, a bare CR, or a NUL in the value */
    { "Length| 5| 0||  50||", 15, "a header folded over lines" },
};

START_TEST(guard_answers_by_place)
{
    struct guard guard = { 0 };
    char line[40] = { 0 };
    for (size_t i = 0; i < strlen(place_cases[_i].line); i++)
        line[i] = place_cases[_i].line[i] == '|' ? '\0' : place_cases[_i].line[i];
    guard_place(&guard, line, line + place_cases[_i].value);
    ck_assert_pstr_eq(guard_refusal(&guard, "HTTP/1.0"), place_cases[_i].refusal);
}
END_TEST

static const struct { const char *target, *refusal; } target_cases[] = {
    { "/", NULL }, { "/v1/users/%41?limit=3&q=a+b", NULL }, { "*", NULL },
    { "/a b", "malformed target" }, { "/a\rHost: b", "malformed target" }, { "/a?b\t", "malformed target" },
    { "/\x7f", "malformed target" }, { "/\xc3\xa4", "malformed target" },
};

START_TEST(guard_answers_by_target)
{
    struct guard guard = { 0 };
    guard_target(&guard, target_cases[_i].target);
    ck_assert_pstr_eq(guard_refusal(&guard, "HTTP/1.0"), target_cases[_i].refusal);
}
END_TEST

/* ---- Retry-After, seen at Sun, 06 Nov 1994 08:49:37 GMT */

static const struct { const char *value; int64_t want_ms; } retry_cases[] = {
    { "0", 0 },
    { "7", 7000 },
    { " 120 ", 120000 },
    { "86400", 86400000 },
    { "86401", 86400000 },                             /* at most a day */
    { "99999999999999999999999999", 86400000 },
    { "Sun, 06 Nov 1994 08:49:47 GMT", 10000 },
    { "Sunday, 06-Nov-94 08:49:47 GMT", 10000 },       /* the two older forms must be read too */
    { "Sun Nov  6 08:49:47 1994", 10000 },
    { "Sun, 06 Nov 1994 08:49:27 GMT", 0 },            /* over already */
    { "Tue, 06 Nov 2035 08:49:27 GMT", 86400000 },
    { "", -1 },
    { "-5", -1 },
    { "7s", -1 },
    { "1.5", -1 },
    { "soon", -1 },
    { "not a date", -1 },
};

START_TEST(retry_after_is_seconds_or_a_date)
{
    ck_assert_int_eq(retry_after_parse(retry_cases[_i].value, INT64_C(784111777000)),
                     retry_cases[_i].want_ms);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http rules");
    TCase *tcase = tcase_create("rules");
    tcase_add_loop_test(tcase, guard_answers_by_headers, 0, sizeof guard_cases / sizeof guard_cases[0]);
    tcase_add_loop_test(tcase, guard_answers_by_place, 0, sizeof place_cases / sizeof place_cases[0]);
    tcase_add_loop_test(tcase, guard_answers_by_method, 0, sizeof method_cases / sizeof method_cases[0]);
    tcase_add_loop_test(tcase, guard_answers_by_target, 0, sizeof target_cases / sizeof target_cases[0]);
    tcase_add_loop_test(tcase, retry_after_is_seconds_or_a_date, 0,
                        sizeof retry_cases / sizeof retry_cases[0]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
