/* The generator when anything happens at any time. */
#include "unit/generator/scenes.h"

/* ---- anything at any time */

enum { WALK_JOBS = 12, WALK_STEPS = 1500 };

static uint64_t walk_seed;               /* of the row: a walk that fails can be walked again */

static uint64_t choose(uint64_t most)
{
    walk_seed = walk_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (walk_seed >> 33) % most;
}

static int paid[WALK_JOBS], submitted;       /* calls that may have made a task, and those that surely did */

static void walk_answer(const struct runway_create_answer *answer)
{
    struct fake_call *call = fake_open_call(FAKE_CREATE);
    if (!call)
        return;
    paid[atoi(call->subject + 1)] += answer->created == RUNWAY_SUBMITTED || answer->created == RUNWAY_UNKNOWN;
    submitted += answer->created == RUNWAY_SUBMITTED;
    fake_answer_create(call, answer);
}

static void walk_step(int step)
{
    switch (choose(12)) {
    case 0: walk_answer(&SUBMITTED); break;
    case 1: walk_answer(&BUSY); break;
    case 2: walk_answer(&UNKNOWN); break;
    case 3: walk_answer(&NO_CREDIT); break;
    case 4: if (fake.held) fake_revoke(choose(2) == 0); break;
    case 5: fake_assign(); break;
    case 6: fake.hold_commits = choose(2) == 0; break;
    case 7: fake.abort_next = true; break;
    case 8: pass((int64_t)choose(40000)); break;
    case 9:
        if (fake_open_call(FAKE_ORGANIZATION))
            fake_answer_organization(fake_open_call(FAKE_ORGANIZATION), &FULL_PURSE);
        break;
    case 10:
        if (fake_open_call(FAKE_CANCEL))
            fake_answer_cancel(fake_open_call(FAKE_CANCEL),
                               &(struct runway_cancel_answer){ .acknowledged = true, .http_status = 204 });
        break;
    default: turns(1); break;
    }
    if (step % 100 == 50) {
        char generation[16];
        snprintf(generation, sizeof generation, "w%d", (int)choose(WALK_JOBS));
        put_cancel(generation, "ann");
    }
}

/* Kills, lost partitions, aborted transactions and any answer in any order: at most one call per
 * generation may have made a task (two when the policy says so), and each ends once. */
static void walk(const char *policy, int most_paid)
{
    begin(policy);
    fake.on_step = only_time_passes;
    memset(paid, 0, sizeof paid);
    submitted = 0;
    char generation[16];
    for (int i = 0; i < WALK_JOBS; i++) {
        snprintf(generation, sizeof generation, "w%d", i);
        put_job(generation, "ann");
    }
    for (int step = 0; step < WALK_STEPS; step++)
        walk_step(step);
    fake.hold_commits = false;
    fake_assign();
    for (int i = 0; i < 400; i++) {
        walk_answer(&SUBMITTED);
        if (fake_open_call(FAKE_CANCEL))
            fake_answer_cancel(fake_open_call(FAKE_CANCEL), &(struct runway_cancel_answer){
                .acknowledged = true, .http_status = 204 });
        if (fake_open_call(FAKE_ORGANIZATION))
            fake_answer_organization(fake_open_call(FAKE_ORGANIZATION), &FULL_PURSE);
        pass(1000);
    }
    for (int i = 0; i < WALK_JOBS; i++) {
        snprintf(generation, sizeof generation, "w%d", i);
        ck_assert_int_eq(ends(generation), 1);
        ck_assert_int_le(paid[i], most_paid);
    }
    /* Every task that was made is followed by the poller or was deleted. */
    ck_assert_int_eq(submitted, fake_count(EVENT_GENERATION_TASK,
                                           NULL) + (int)orphans("outcome=\"deleted\""));
    for (int i = 0; i < fake.item_count; i++)
        ck_assert(fake.items[i].done);
    end();
}

START_TEST(whatever_happens_each_job_ends_once)
{
    walk_seed = (uint64_t)_i;
    walk(_i % 2 ? "resubmit" : "fail", _i % 2 ? 2 : 1);
}
END_TEST

CHECK_MAIN("generator walk",
    tcase_add_loop_test(tests, whatever_happens_each_job_ends_once, 0, 20);)
