/* When a render's progress is worth an event. */
#include "poller/progress.h"
#include "unit/check_main.h"

static const struct progress_rule RULE = { .step_percent = 10, .every_ms = 5000 };

/* percent as the provider says it at a time; -1: it says none */
static const struct { const char *name; struct { int percent; int64_t at_ms; bool told; } looks[5]; } rows[] = {
    { "none said", { { -1, 1000, false } } },
    { "the first word, also zero", { { 0, 1000, true }, { 0, 60000, false } } },
    { "a step, and long enough ago", { { 20, 1000, true }, { 30, 6000, true }, { 40, 11000, true } } },
    { "long enough, but no step", { { 20, 1000, true }, { 29, 20000, false }, { 30, 21000, true } } },
    { "a step, but just told", { { 20, 1000, true }, { 50, 5000, false }, { 50, 6000, true } } },
    { "it falls back", { { 50, 1000, true }, { 20, 20000, false }, { 55, 30000, false }, { 60, 40000, true } } },
};

static bool take(struct task *task, int percent, const struct progress_rule *rule, int64_t now_ms)
{
    task->progress = (uint8_t)(percent + 1);
    return progress_take(task, rule, now_ms);
}

START_TEST(is_told_now_and_then)
{
    struct task task = { 0 };
    for (int i = 0; i < 5 && rows[_i].looks[i].at_ms > 0; i++)
        ck_assert_msg(take(&task, rows[_i].looks[i].percent, &RULE, rows[_i].looks[i].at_ms)
                      == rows[_i].looks[i].told, "%s, look %d", rows[_i].name, i);
}
END_TEST

START_TEST(is_never_told_with_step_zero)
{
    struct task task = { 0 };
    ck_assert(!take(&task, 50, &(struct progress_rule){ .step_percent = 0 }, 1000));
}
END_TEST

CHECK_MAIN("poller progress",
    tcase_add_loop_test(tests, is_told_now_and_then, 0, sizeof rows / sizeof rows[0]);
    tcase_add_test(tests, is_never_told_with_step_zero);)
