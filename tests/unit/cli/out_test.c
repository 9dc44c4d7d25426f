#include <string.h>

#include "cli/out.h"
#include "cli/outcome.h"
#include "unit/check_main.h"

START_TEST(commas_come_by_themselves)
{
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_text(&out, "left out", NULL);
    out_number(&out, "absent", EVENT_ABSENT);
    out_text(&out, "text", "a\"b");
    out_number(&out, "number", -7);
    out_open(&out, "list", '[');
    out_number(&out, NULL, 1);
    out_text(&out, NULL, "[");
    out_open(&out, NULL, '{');
    out_close(&out, '}');
    out_open(&out, NULL, '{');
    out_bool(&out, "yes", true);
    out_close(&out, '}');
    out_close(&out, ']');
    out_raw(&out, "raw", "{\"x\":1}");
    out_raw(&out, "no raw", NULL);
    out_time(&out, "at", 0);
    out_balance(&out, "balance", &(struct balance){ 4, 3, 1, 0 });
    out_close(&out, '}');
    ck_assert_str_eq(out.bytes, "{\"text\":\"a\\\"b\",\"number\":-7,\"list\":[1,\"[\",{},{\"yes\":true}],"
                                "\"raw\":{\"x\":1}," "\"at\":\"1970-01-01T00:00:00.000Z\","
                                "\"balance\":{\"granted\":4,\"available\":3,\"reserved\":1,\"spent\":0}}");
    text_free(&out);
}
END_TEST

static const struct { enum event_type type; const char *code; bool end; enum cli_exit status; } ends[] = {
    { EVENT_GENERATION_ACCEPTED, NULL, false, CLI_AWAY },
    { EVENT_GENERATION_SUBMITTED, NULL, false, CLI_AWAY },
    { EVENT_GENERATION_PROGRESSED, NULL, false, CLI_AWAY },
    { EVENT_GENERATION_COMPLETED, NULL, true, CLI_FINE },
    { EVENT_GENERATION_REJECTED, "insufficient_tokens", true, CLI_INSUFFICIENT },
    { EVENT_GENERATION_REJECTED, "validation_error", true, CLI_REJECTED },
    { EVENT_GENERATION_FAILED, "generation_error", true, CLI_FAILED },
    { EVENT_GENERATION_CANCELLED, "generation_error", true, CLI_CANCELLED },
};

START_TEST(each_end_has_its_exit_status)
{
    struct event event;
    enum cli_exit status = CLI_AWAY;
    event_init(&event, ends[_i].type);
    event.error.code = ends[_i].code;
    ck_assert_int_eq(outcome_is_end(&event, &status), ends[_i].end);
    ck_assert_int_eq(status, ends[_i].status);
}
END_TEST

CHECK_MAIN("cli out",
    tcase_add_test(tests, commas_come_by_themselves);
    tcase_add_loop_test(tests, each_end_has_its_exit_status, 0, ROWS(ends));)
