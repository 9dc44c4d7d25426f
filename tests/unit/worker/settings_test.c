/* Names made from settings: two installations on one cluster never share a group or a transactional id. */
#include "unit/check_main.h"
#include "worker/settings.h"

static const struct { const char *prefix, *program, *instance, *group, *id; } rows[] = {
    { "reelgate.", "reelgate-admission", "0", "reelgate.admission", "reelgate.admission-0" },
    { "reelgate.", "reelgate-ledger", "pod-3", "reelgate.ledger", "reelgate.ledger-pod-3" },
    { "staging.", "reelgate-admission", "0", "staging.admission", "staging.admission-0" },
    { "", "other", "1", "other", "other-1" },
};

START_TEST(names_lead_with_the_prefix)
{
    const struct worker_settings settings = { .topic_prefix = rows[_i].prefix,
                                              .instance_id = rows[_i].instance };
    char *group = worker_group(&settings, rows[_i].program);
    char *id = worker_transactional_id(&settings, group);
    ck_assert_str_eq(group, rows[_i].group);
    ck_assert_str_eq(id, rows[_i].id);
    free(group);
    free(id);
}
END_TEST

CHECK_MAIN("worker/settings", tcase_add_loop_test(tests, names_lead_with_the_prefix, 0, ROWS(rows));)
