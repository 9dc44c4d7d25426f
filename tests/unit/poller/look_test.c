#include "poller/look.h"
#include "unit/check_main.h"

enum { NOW_WALL = 1000000, NOW_MONO = 500000, CONFIRM = 120000 };

#define LIVE(status_, outputs) { .look = RUNWAY_TASK, .status = (status_), .output_count = (outputs) }
#define FINE   { .deadline_at_ms = NOW_WALL + 1 }
#define LATE   { .deadline_at_ms = NOW_WALL }
#define WANTED { .deadline_at_ms = NOW_WALL + 1, .cancel_wanted = true }

static const struct { struct look_task task; struct runway_look_answer answer; enum look_step want;
                      } looks[] = {
    { FINE,   LIVE(RUNWAY_THROTTLED, 0), LOOK_AGAIN },
    { FINE,   LIVE(RUNWAY_PENDING, 0),   LOOK_AGAIN },
    { FINE,   LIVE(RUNWAY_RUNNING, 0),   LOOK_AGAIN },
    { FINE,   LIVE(RUNWAY_STATUS_UNKNOWN, 0), LOOK_AGAIN },          /* a word of tomorrow ends nothing */
    { LATE,   LIVE(RUNWAY_THROTTLED, 0), LOOK_DELETE },
    { LATE,   LIVE(RUNWAY_RUNNING, 0),   LOOK_DELETE },
    { LATE,   LIVE(RUNWAY_STATUS_UNKNOWN, 0), LOOK_DELETE },
    { WANTED, LIVE(RUNWAY_RUNNING, 0),   LOOK_DELETE },
    { FINE,   LIVE(RUNWAY_SUCCEEDED, 1), LOOK_COMPLETE },
    { LATE,   LIVE(RUNWAY_SUCCEEDED, 1), LOOK_COMPLETE },            /* a finished video is delivered */
    { WANTED, LIVE(RUNWAY_SUCCEEDED, 2), LOOK_COMPLETE },
    { FINE,   LIVE(RUNWAY_SUCCEEDED, 0), LOOK_EMPTY },
    { FINE,   LIVE(RUNWAY_FAILED, 0),    LOOK_FAIL },
    { WANTED, LIVE(RUNWAY_FAILED, 0),    LOOK_FAIL },
    { FINE,   LIVE(RUNWAY_CANCELLED, 0), LOOK_CANCELLED },
    { FINE,   { .look = RUNWAY_LATER, .http_status = 502 }, LOOK_LATER },
    /* no answer never ends anything */
    { LATE,   { .look = RUNWAY_LATER, .http_status = 502 }, LOOK_LATER },
    { WANTED, { .look = RUNWAY_LATER }, LOOK_LATER },
    { LATE,   { .look = RUNWAY_LOOK_OPERATOR, .http_status = 401 }, LOOK_BREAK },
    { FINE,   { .look = RUNWAY_MISSING }, LOOK_MISSED },
    { LATE,   { .look = RUNWAY_MISSING }, LOOK_MISSED },
    { WANTED, { .look = RUNWAY_MISSING }, LOOK_MISSED },
    { { .deadline_at_ms = NOW_WALL, .delete_sent = true }, { .look = RUNWAY_MISSING }, LOOK_DELETE },
    { { .deadline_at_ms = NOW_WALL + 1, .missing_since_ms = NOW_MONO - CONFIRM + 1 },
      { .look = RUNWAY_MISSING }, LOOK_MISSED },
    { { .deadline_at_ms = NOW_WALL + 1, .missing_since_ms = NOW_MONO - CONFIRM }, { .look = RUNWAY_MISSING },
      LOOK_GONE },
    /* there again */
    { { .deadline_at_ms = NOW_WALL + 1, .missing_since_ms = 1 }, LIVE(RUNWAY_RUNNING, 0), LOOK_AGAIN },
};

START_TEST(each_answer_has_its_step)
{
    const struct look_clock now = { .wall_ms = NOW_WALL, .mono_ms = NOW_MONO };
    struct look_task task = looks[_i].task;
    task.missing_confirm_ms = CONFIRM;
    ck_assert_int_eq(look_next(&task, &looks[_i].answer, &now), looks[_i].want);
}
END_TEST

static const struct { struct look_missing missing; bool want; } missings[] = {
    { { .live = 1, .missing = 1, .key_proven = true }, true },
    { { .live = 1, .missing = 1 }, false },                          /* this key never showed us any task */
    { { .live = 9, .missing = 3, .key_proven = true }, true },
    { { .live = 10, .missing = 2, .key_proven = true }, true },
    { { .live = 10, .missing = 3, .key_proven = true }, false },     /* more than one in five */
    { { .live = 100000, .missing = 5, .key_proven = true }, true },
    { { .live = 100000, .missing = 6, .key_proven = true }, false },
    { { .live = 100000, .missing = 90000, .operator_agrees = true }, true },
};

START_TEST(many_missing_tasks_are_the_operators_question)
{
    ck_assert_int_eq(look_missing_may_end(&missings[_i].missing), missings[_i].want);
}
END_TEST

CHECK_MAIN("look",
    tcase_add_loop_test(tests, each_answer_has_its_step, 0, ROWS(looks));
    tcase_add_loop_test(tests, many_missing_tasks_are_the_operators_question, 0, ROWS(missings));)
