/* The provider's bill against our own books: by day and model, with what is not known as a span. */
#include <string.h>

#include "cli/bill.h"
#include "unit/check_main.h"

#define DAY INT64_C(86400000)
#define MONDAY INT64_C(1763942400000)            /* 2025-11-24 */

static struct bill bill;

static void begin(void) { bill = (struct bill){ 0 }; }
static void end(void) { bill_free(&bill); }

static void submit(const char *task, const char *model, int64_t at_ms, double estimate)
{
    struct event event;
    event_init(&event, EVENT_GENERATION_TASK);
    event.generation_id = event.task_id = task;
    event.model = model;
    event.submitted_at = at_ms;
    bill_event(&bill, &event, at_ms);
    bill_event(&bill, &event, at_ms + DAY);          /* a rewritten copy */
    event_init(&event, EVENT_GENERATION_SUBMITTED);
    event.generation_id = event.task_id = task;
    event.estimated_credits = estimate;
    bill_event(&bill, &event, at_ms);
}

static void finish(const char *task, enum event_type type, int64_t at_ms, double cost)
{
    struct event event;
    event_init(&event, type);
    event.generation_id = event.task_id = task;
    event.provider_credits = cost;
    event.required_tokens = 3;
    event.charge = 1;
    event.has_timings = true;
    event.timings.finished_at_ms = at_ms;
    bill_event(&bill, &event, at_ms + 5 * DAY);
}

static const struct bill_row *row(size_t index, const char *date, const char *model)
{
    ck_assert_uint_lt(index, bill.count);
    ck_assert_str_eq(bill.rows[index].date, date);
    ck_assert_str_eq(bill.rows[index].model, model);
    return &bill.rows[index];
}

static void make(void) { bill_make(&bill, "2025-11-24", "2025-11-26"); }

START_TEST(what_agrees_is_no_difference)
{
    submit("a", "gen4.5", MONDAY + 1, 60);
    finish("a", EVENT_GENERATION_COMPLETED, MONDAY + 2, 60);
    submit("b", "gen4.5", MONDAY + 3, 60);           /* fails on the next day: given back then */
    finish("b", EVENT_GENERATION_FAILED, MONDAY + DAY, 0);
    submit("c", "act_two", MONDAY + 3, 25);          /* still running */
    bill_provider(&bill, "2025-11-24", "gen4.5", 120);
    bill_provider(&bill, "2025-11-25", "gen4.5", -60);
    bill_provider(&bill, "2025-11-24", "act_two", 25);
    make();
    ck_assert_uint_eq(bill.count, 3);
    ck_assert(!bill_differs(row(0, "2025-11-24", "act_two")));
    ck_assert(!bill_differs(row(1, "2025-11-24", "gen4.5")));
    ck_assert_int_eq(bill.rows[1].submitted, 2);
    ck_assert_int_eq(bill.rows[1].charged_tokens, 3);
    ck_assert(!bill_differs(row(2, "2025-11-25", "gen4.5")));
    ck_assert_int_eq(bill.rows[2].failed, 1);
    ck_assert_int_eq(bill.rows[2].charged_tokens, 1);
}
END_TEST

START_TEST(a_task_that_we_know_nothing_of_is_a_difference)
{
    submit("a", "gen4.5", MONDAY + 1, 60);
    bill_provider(&bill, "2025-11-24", "gen4.5", 120);           /* somebody's orphan */
    bill_provider(&bill, "2025-11-25", "veo3", 40);              /* a model that we never asked for */
    make();
    ck_assert(bill_differs(row(0, "2025-11-24", "gen4.5")));
    ck_assert(bill_differs(row(1, "2025-11-25", "veo3")));
}
END_TEST

START_TEST(a_task_that_was_not_billed_is_a_difference)
{
    submit("a", "gen4.5", MONDAY + 1, 60);
    finish("a", EVENT_GENERATION_COMPLETED, MONDAY + 2, 60);
    make();
    ck_assert(bill_differs(row(0, "2025-11-24", "gen4.5")));
}
END_TEST

/* Given back or not: the provider does not say of a task that was cancelled. */
static const struct { double billed; bool differs; } spans[] = { { 0, false }, { 30, false }, { 60, false }, { 61, true },
                                                                 { -1, true } };

START_TEST(what_is_not_known_is_a_span)
{
    submit("a", "gen4.5", MONDAY + 1, 60);
    finish("a", EVENT_GENERATION_CANCELLED, MONDAY + 2, -1);
    bill_provider(&bill, "2025-11-24", "gen4.5", spans[_i].billed);
    make();
    ck_assert_int_eq(bill_differs(row(0, "2025-11-24", "gen4.5")), spans[_i].differs);
    ck_assert_int_eq(bill.rows[0].unpriced, 1);
}
END_TEST

START_TEST(a_cost_without_an_estimate_counts_where_the_task_was_made)
{
    submit("a", "gen4.5", MONDAY + 1, -1);
    finish("a", EVENT_GENERATION_COMPLETED, MONDAY + DAY, 60);
    bill_provider(&bill, "2025-11-24", "gen4.5", 60);
    make();
    ck_assert(!bill_differs(row(0, "2025-11-24", "gen4.5")));
    ck_assert(!bill_differs(row(1, "2025-11-25", "gen4.5")));
}
END_TEST

START_TEST(days_outside_are_left_out_and_unknown_submissions_counted_once)
{
    struct event event;
    submit("old", "gen4.5", MONDAY - 1, 60);
    submit("new", "gen4.5", MONDAY + 2 * DAY, 60);
    event_init(&event, EVENT_GENERATION_FAILED);
    event.generation_id = "g";
    event.has_error = true;
    event.error.context = "{\"reason\":\"submission_unknown\"}";
    bill_event(&bill, &event, MONDAY);
    bill_event(&bill, &event, MONDAY);
    make();
    ck_assert_uint_eq(bill.count, 0);
    ck_assert_int_eq(bill.unknown, 1);
}
END_TEST

CHECK_MAIN("cli bill",
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, what_agrees_is_no_difference);
    tcase_add_test(tests, a_task_that_we_know_nothing_of_is_a_difference);
    tcase_add_test(tests, a_task_that_was_not_billed_is_a_difference);
    tcase_add_loop_test(tests, what_is_not_known_is_a_span, 0, ROWS(spans));
    tcase_add_test(tests, a_cost_without_an_estimate_counts_where_the_task_was_made);
    tcase_add_test(tests, days_outside_are_left_out_and_unknown_submissions_counted_once);)
