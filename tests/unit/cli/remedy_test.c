/* What a repair does, by what is known: never what somebody else will still do, never a second submission. */
#include <string.h>

#include "cli/remedy.h"
#include "unit/check_main.h"

#define HELD(...) { true, 5, __VA_ARGS__ }
#define OPEN HELD(0, 0)
#define PASSED .decided_passed = true, .settled_passed = true

static const struct { const char *name; struct remedy_facts facts; struct remedy want; const char *left; } rows[] = {
    { "decision lost, all of it", { .redis = OPEN, PASSED }, { .reserve = true, .accepted = true, .job_anew = true }, NULL },
    { "decision torn: only the entry is missing", { .redis = OPEN, PASSED, .accepted = true, .live = true, .job = true },
      { .reserve = true }, NULL },
    { "decision torn: only the job is missing", { .journal = OPEN, .redis = OPEN, PASSED, .accepted = true },
      { .job_anew = true }, NULL },
    { "decision not lost: it runs again", { .redis = OPEN, .settled_passed = true }, { 0 }, "admission has not committed" },
    { "hold without item, not committed either", { .journal = OPEN, .redis = OPEN }, { 0 }, "admission has not committed" },
    { "job ended without a trace", { .journal = OPEN, .redis = OPEN, PASSED, .accepted = true, .job = true },
      { .job_again = true }, NULL },
    { "job ended after an intent", { .journal = OPEN, .redis = OPEN, PASSED, .accepted = true, .job = true, .intent = true },
      { 0 }, "may have been" },
    { "task ended without a verdict",
      { .journal = OPEN, .redis = OPEN, PASSED, .accepted = true, .job = true, .intent = true, .task = true },
      { .task_again = true }, NULL },
    { "its end waits for the ledger", { .journal = OPEN, .redis = OPEN, PASSED, .accepted = true, .task = true, .ended = true },
      { 0 }, "its end stands in results" },
    { "settlement lost", { .journal = OPEN, .redis = HELD(3, 2), .settled = true, PASSED, .accepted = true, .ended = true },
      { .commit = true, .release = true }, NULL },
    { "settlement torn", { .journal = HELD(3, 0), .redis = HELD(3, 2), .settled = true, PASSED, .accepted = true },
      { .release = true }, NULL },
    { "settlement runs again", { .journal = OPEN, .redis = HELD(5, 0), .settled = true, .decided_passed = true,
                                 .accepted = true }, { 0 }, "the ledger has not committed" },
    { "decision and settlement lost", { .redis = HELD(0, 5), .settled = true, PASSED, .accepted = true, .ended = true },
      { .reserve = true, .release = true }, NULL },
    { "Redis has forgotten an open hold", { .journal = OPEN, PASSED }, { .rebuild = true }, NULL },
    { "Redis has another amount", { .journal = { true, 7, 0, 0 }, .redis = OPEN, PASSED }, { .rebuild = true }, NULL },
    { "Redis has not heard of the end", { .journal = HELD(5, 0), .redis = OPEN, PASSED }, { .rebuild = true }, NULL },
    { "half a settlement, replayed", { .journal = HELD(3, 0), .redis = HELD(3, 0), PASSED, .accepted = true }, { 0 },
      "one half of its settlement" },
    { "work without a hold", { .live = true, .job = true }, { 0 }, "without a hold" },
    { "ended, and forgotten by Redis", { .journal = HELD(5, 0), PASSED }, { 0 }, NULL },
    { "nothing is wrong any more", { .journal = OPEN, .redis = OPEN, PASSED, .accepted = true, .live = true }, { 0 }, NULL },
};

START_TEST(a_remedy_by_what_is_known)
{
    struct remedy remedy;
    const struct remedy *want = &rows[_i].want;
    remedy_of_generation(&rows[_i].facts, &remedy);
    ck_assert_msg(remedy.reserve == want->reserve && remedy.commit == want->commit && remedy.release == want->release
                  && remedy.accepted == want->accepted && remedy.job_anew == want->job_anew
                  && remedy.job_again == want->job_again && remedy.task_again == want->task_again
                  && remedy.rebuild == want->rebuild, "%s", rows[_i].name);
    ck_assert_msg(!remedy.left == !rows[_i].left, "%s: %s", rows[_i].name, remedy.left ? remedy.left : "nothing left");
    if (rows[_i].left)
        ck_assert_msg(strstr(remedy.left, rows[_i].left) != NULL, "%s: %s", rows[_i].name, remedy.left);
}
END_TEST

START_TEST(a_grants_remedy)
{
    ck_assert_int_eq(remedy_of_grant(&(struct remedy_grant){ .in_redis = true, .passed = true }), GRANT_REMEDY_ENTRY);
    ck_assert_int_eq(remedy_of_grant(&(struct remedy_grant){ .in_redis = true }), GRANT_REMEDY_WAIT);
    ck_assert_int_eq(remedy_of_grant(&(struct remedy_grant){ .in_journal = true }), GRANT_REMEDY_REBUILD);
    ck_assert_int_eq(remedy_of_grant(&(struct remedy_grant){ .in_journal = true, .in_redis = true, .passed = true }),
                     GRANT_REMEDY_REBUILD);
}
END_TEST

CHECK_MAIN("cli remedy",
    tcase_add_loop_test(tests, a_remedy_by_what_is_known, 0, ROWS(rows));
    tcase_add_test(tests, a_grants_remedy);)
