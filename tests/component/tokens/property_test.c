/* Random stories, in batches, against a model of the account written in C from the design alone: every
 * answer, every balance, and at last the journal of what was answered rebuilds the same balances. The seed of
 * a failure is printed; REELGATE_TEST_SEED runs one more. */
#include "bench.h"
#include "unit/check_main.h"

enum { USERS = 4, GENERATIONS = 16, GRANTS = 64, BATCH = 8, BATCHES = 400, JOURNAL_MAX = 4000 };

/* ---- the model */

enum phase { NOTHING, HELD, SETTLED, REFUSED, INSUFFICIENT, GRANTED, GRANT_WAS_REFUSED };
struct place { int32_t partition; int64_t offset; };
struct thing {                           /* a generation or a grant */
    enum phase phase;
    int user;
    int fingerprint;
    struct place place, settled_by;
    int64_t amount, committed, released;
    struct balance balance, after_commit, after_release;
    bool moved;
};
static struct balance users[USERS];
static struct thing generations[GENERATIONS], grants[GRANTS];

static bool same_place(struct place a, struct place b) { return a.partition == b.partition
                                                         && a.offset == b.offset; }
static bool before(struct place a, struct place b) { return a.partition == b.partition
                                                     && a.offset < b.offset; }

struct step {
    enum { STEP_RESERVE, STEP_SETTLE, STEP_GRANT, STEP_PROGRESS, STEP_LOOKUP } kind;
    int user, thing, fingerprint;
    struct place place;
    int64_t amount;
    bool refusal;
    size_t call;
    int want;                            /* the outcome */
    struct thing then;                   /* the thing after the step, for its recorded answer */
    bool first;                          /* something moved: goes to the journal */
};

static void model_reserve(struct step *step)
{
    struct thing *g = &generations[step->thing];
    struct balance *balance = &users[step->user];
    bool refused = g->phase == REFUSED || g->phase == INSUFFICIENT;
    if (g->phase != NOTHING && g->user != step->user) {
        step->want = RESERVE_CONFLICT;
        return;
    }
    if (g->phase == HELD || g->phase == SETTLED) {
        bool own = g->phase == HELD && !g->moved && same_place(g->place, step->place);
        step->want = g->fingerprint != step->fingerprint ? RESERVE_CONFLICT : own ? RESERVE_HELD
            : RESERVE_DUPLICATE;
        return;
    }
    if (refused && same_place(g->place, step->place) && g->fingerprint == step->fingerprint) {
        step->want = g->phase == REFUSED ? RESERVE_REFUSED : RESERVE_INSUFFICIENT;
        return;
    }
    if (refused && before(step->place, g->place)) {
        step->want = RESERVE_DUPLICATE;
        return;
    }
    *g = (struct thing){ .user = step->user, .fingerprint = step->fingerprint, .place = step->place,
                         .amount = step->amount };
    if (step->refusal) {
        g->phase = REFUSED;
        step->want = RESERVE_REFUSED;
    } else if (balance->available < step->amount) {
        g->phase = INSUFFICIENT;
        step->want = RESERVE_INSUFFICIENT;
    } else {
        balance->available -= step->amount;
        balance->reserved += step->amount;
        g->phase = HELD;
        step->want = RESERVE_HELD;
        step->first = true;
    }
    g->balance = *balance;
}

static void model_settle(struct step *step)
{
    struct thing *g = &generations[step->thing];
    struct balance *balance = &users[step->user];
    if ((g->phase != HELD && g->phase != SETTLED) || g->user != step->user) {
        step->want = SETTLE_NO_HOLD;
        return;
    }
    if (g->phase == SETTLED) {
        step->want = same_place(g->settled_by, step->place) ? SETTLE_DONE : SETTLE_DUPLICATE;
        return;
    }
    g->committed = step->amount == SETTLE_ALL || step->amount > g->amount ? g->amount : step->amount;
    g->released = g->amount - g->committed;
    balance->reserved -= g->committed;
    balance->spent += g->committed;
    g->after_commit = *balance;
    balance->reserved -= g->released;
    balance->available += g->released;
    g->after_release = *balance;
    g->phase = SETTLED;
    g->settled_by = step->place;
    step->want = SETTLE_DONE;
    step->first = true;
}

static void model_grant(struct step *step)
{
    struct thing *grant = &grants[step->thing];
    struct balance *balance = &users[step->user];
    if (grant->phase != NOTHING && grant->user != step->user) {
        step->want = GRANT_CONFLICT;
        return;
    }
    if (grant->phase == GRANTED) {
        step->want = grant->amount != step->amount ? GRANT_CONFLICT
                     : same_place(grant->place, step->place) ? GRANT_DONE : GRANT_DUPLICATE;
        return;
    }
    if (grant->phase == GRANT_WAS_REFUSED && same_place(grant->place, step->place)
        && grant->amount == step->amount) {
        step->want = GRANT_REFUSED;
        return;
    }
    if (grant->phase == GRANT_WAS_REFUSED && before(step->place, grant->place)) {
        step->want = GRANT_DUPLICATE;
        return;
    }
    bool refused = balance->available + step->amount < 0;
    if (!refused) {
        balance->granted += step->amount;
        balance->available += step->amount;
    }
    *grant = (struct thing){ .phase = refused ? GRANT_WAS_REFUSED : GRANTED, .user = step->user,
                             .place = step->place,
                             .amount = step->amount, .balance = *balance };
    step->want = refused ? GRANT_REFUSED : GRANT_DONE;
    step->first = !refused;
}

static void model(struct step *step)
{
    struct thing *g = step->kind == STEP_GRANT ? &grants[step->thing] : &generations[step->thing];
    switch (step->kind) {
    case STEP_RESERVE: model_reserve(step); break;
    case STEP_SETTLE: model_settle(step); break;
    case STEP_GRANT: model_grant(step); break;
    case STEP_PROGRESS: g->moved |= g->phase == HELD && g->user == step->user; break;
    case STEP_LOOKUP:
        step->want = g->phase == NOTHING || g->user != step->user ? LOOKUP_UNKNOWN
                     : g->phase == HELD ? LOOKUP_HELD : LOOKUP_ENDED;
        break;
    }
    step->then = *g;
}

/* ---- the story */

static uint64_t state;
static int below(int limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((state >> 33) % (uint64_t)limit);
}

static int64_t newest[2];
static struct place some_place(void)
{
    int32_t partition = below(2);
    bool again = newest[partition] > 0 && below(3) == 0;
    return (struct place){ partition, again ? newest[partition] - below(newest[partition] < 12
            ? (int)newest[partition] : 12)
                                            : ++newest[partition] };
}

static void make(struct step *step)
{
    int dice = below(100);
    *step = (struct step){ .user = below(USERS), .place = some_place(), .fingerprint = below(12) == 0 };
    step->kind = dice < 45 ? STEP_RESERVE : dice < 65 ? STEP_SETTLE : dice < 80 ? STEP_GRANT
                 : dice < 90 ? STEP_PROGRESS : STEP_LOOKUP;
    step->thing = below(step->kind == STEP_GRANT ? GRANTS : GENERATIONS);
    if (below(4) > 0)                    /* mostly the thing's own user */
        step->user = step->thing % USERS;
    step->refusal = below(8) == 0;
    step->amount = step->kind == STEP_GRANT ? below(40) - 18 : step->kind == STEP_SETTLE ? below(12) - 1
        : 1 + below(9);
    if (step->kind == STEP_GRANT && step->amount == 0)
        step->amount = 5;
}

static char names[3][GRANTS][16];       /* of users, generations, grants */

static void append(struct tokens_batch *batch, struct step *step)
{
    const char *user = names[0][step->user], *id = names[step->kind == STEP_GRANT ? 2 : 1][step->thing];
    struct reservation reservation = bench_reservation(user, id, step->place.offset, step->amount);
    switch (step->kind) {
    case STEP_RESERVE:
        reservation.origin.partition = step->place.partition;
        reservation.fingerprint = step->fingerprint ? "f2" : "f1";
        reservation.refusal = step->refusal ? "{\"code\": \"x y\"}" : NULL;
        step->call = tokens_reserve(batch, &reservation);
        break;
    case STEP_SETTLE:
        step->call = tokens_settle(batch, &(struct settlement){
            .user_id = user, .generation_id = id, .charge_tokens = step->amount, .at_ms = AT(1),
                .status = "completed",
            .origin = { "results", step->place.partition, step->place.offset } });
        break;
    case STEP_GRANT:
        step->call = tokens_grant(batch, &(struct grant){
            user, id, { "grants", step->place.partition, step->place.offset }, step->amount, AT(1) });
        break;
    case STEP_PROGRESS: step->call = tokens_progress(batch, user, id, "accepted", NULL, AT(1)); break;
    case STEP_LOOKUP: step->call = tokens_lookup(batch, user, id); break;
    }
}

static void same_balance(const struct balance *got, const struct balance *want, const char *where)
{
    ck_assert_msg(got->granted == want->granted && got->available == want->available
                  && got->reserved == want->reserved
                  && got->spent == want->spent, "%s: %lld %lld %lld %lld", where, (long long)got->granted,
                  (long long)got->available, (long long)got->reserved, (long long)got->spent);
    ck_assert_msg(balance_adds_up(got), "%s does not add up", where);
}

static struct recovery_entry journal[JOURNAL_MAX];
static char origins[JOURNAL_MAX][32], ids[JOURNAL_MAX][16];
static size_t length;

static void write_entry(enum entry_kind kind, const struct step *step, int64_t amount)
{
    static const char *const topics[] = { "grants", "requests", "results", "results" };
    ck_assert_int_lt(length, JOURNAL_MAX);
    snprintf(origins[length], sizeof origins[0], "%s/%d@%lld", topics[kind], step->place.partition,
             (long long)step->place.offset);
    /* names change on the way */
    memcpy(ids[length], names[kind == ENTRY_GRANT ? 2 : 1][step->thing], sizeof ids[0]);
    journal[length] = (struct recovery_entry){
        .kind = kind, .user_id = names[0][step->user], .id = ids[length],
        .amount_tokens = amount, .origin = origins[length], .at_ms = AT(1),
            .quote = { "m", 1, amount, "v" } };
    length++;
}

static void check(const struct tokens_batch *batch, const struct step *step, const char *where)
{
    if (step->kind == STEP_RESERVE) {
        struct reserve_answer answer;
        tokens_reserve_answer(batch, step->call, &answer);
        ck_assert_msg((int)answer.outcome == step->want, "%s: reserve %d, not %d", where, answer.outcome,
                      step->want);
        if (answer.outcome == RESERVE_DUPLICATE || answer.outcome == RESERVE_CONFLICT)
            return;
        ck_assert_msg(answer.required_tokens == step->then.amount, "%s: amount", where);
        same_balance(&answer.balance, &step->then.balance, where);
        if (step->first)
            write_entry(ENTRY_RESERVE, step, step->then.amount);
    } else if (step->kind == STEP_SETTLE) {
        struct settle_answer answer;
        tokens_settle_answer(batch, step->call, &answer);
        ck_assert_msg((int)answer.outcome == step->want, "%s: settle %d, not %d", where, answer.outcome,
                      step->want);
        if (answer.outcome != SETTLE_DONE)
            return;
        ck_assert_msg(answer.committed_tokens == step->then.committed
                      && answer.released_tokens == step->then.released,
                      "%s: settled %lld", where, (long long)answer.committed_tokens);
        same_balance(&answer.after_commit, &step->then.after_commit, where);
        same_balance(&answer.after_release, &step->then.after_release, where);
        if (step->first && step->then.committed > 0)
            write_entry(ENTRY_COMMIT, step, step->then.committed);
        if (step->first && step->then.released > 0)
            write_entry(ENTRY_RELEASE, step, step->then.released);
    } else if (step->kind == STEP_GRANT) {
        struct grant_answer answer;
        tokens_grant_answer(batch, step->call, &answer);
        ck_assert_msg((int)answer.outcome == step->want, "%s: grant %d, not %d", where, answer.outcome,
                      step->want);
        if (answer.outcome == GRANT_DONE || answer.outcome == GRANT_REFUSED)
            same_balance(&answer.balance, &step->then.balance, where);
        if (step->first)
            write_entry(ENTRY_GRANT, step, step->then.amount);
    } else if (step->kind == STEP_LOOKUP) {
        ck_assert_msg((int)tokens_lookup_answer(batch, step->call) == step->want, "%s: lookup", where);
    }
}

static void balances_are_the_models(const char *where)
{
    for (int u = 0; u < USERS; u++) {
        struct balance balance;
        bool verified;
        ck_assert_int_eq(tokens_balance(bench.tokens, names[0][u], &balance, &verified), TROUBLE_NONE);
        same_balance(&balance, &users[u], where);
    }
}

static void rebuild(void)
{
    struct recovery recovery, *row = &recovery;
    uint64_t cursor = 0;
    int32_t bucket;
    ck_assert_int_eq(recovery_begin(bench.tokens, 0, &recovery), TROUBLE_NONE);
    do
        ck_assert_int_eq(recovery_empty(bench.tokens, &row, 1, &cursor), TROUBLE_NONE);
    while (cursor != 0);
    ck_assert_int_eq(recovery_replay(bench.tokens, &recovery, journal, length), TROUBLE_NONE);
    ck_assert_int_eq(recovery_replayed(bench.tokens, &bucket), TROUBLE_NONE);
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 1), TROUBLE_NONE);
}

/* the last: from the environment, or 5 */
static const uint64_t seeds[] = { 1, 20260, 77777777, 4294967311, 0 };

START_TEST(every_story_goes_as_the_model_says)
{
    const char *asked = getenv("REELGATE_TEST_SEED");
    uint64_t seed = seeds[_i] ? seeds[_i] : asked ? strtoull(asked, NULL, 10) : 5;
    int outcomes[5][8] = { 0 };
    state = seed;
    for (int i = 0; i < GRANTS; i++) {
        snprintf(names[0][i], sizeof names[0][i], "user-%d", i);
        snprintf(names[1][i], sizeof names[0][i], "gen-%d", i);
        snprintf(names[2][i], sizeof names[0][i], "grant-%d", i);
    }
    for (int turn = 0; turn < BATCHES; turn++) {
        struct step steps[BATCH];
        char where[64];
        int count = 1 + below(BATCH);
        if (turn % 40 == 39) {                       /* a generation's hash expires, a week later */
            int old = below(GENERATIONS);
            if (generations[old].phase == SETTLED) {
                bench_ask("DEL rg:{0}:gen:gen-%d", old);
                snprintf(names[1][old], sizeof names[1][old], "gen-%d.%d", old, turn);
                generations[old] = (struct thing){ 0 };
            }
        }
        tokens_batch_clear(bench.batch);
        for (int i = 0; i < count; i++) {
            make(&steps[i]);
            model(&steps[i]);
            append(bench.batch, &steps[i]);
        }
        snprintf(where, sizeof where, "seed %llu, batch %d", (unsigned long long)seed, turn);
        ck_assert_msg(tokens_batch_receive(bench.batch) == TROUBLE_NONE, "%s", where);
        for (int i = 0; i < count; i++) {
            check(bench.batch, &steps[i], where);
            outcomes[steps[i].kind][steps[i].want]++;
        }
    }
    balances_are_the_models("at the end");
    for (int outcome = RESERVE_HELD; outcome <= RESERVE_CONFLICT; outcome++)
        ck_assert_msg(outcomes[STEP_RESERVE][outcome] > 0, "the story never had reserve outcome %d", outcome);
    for (int outcome = SETTLE_DONE; outcome <= SETTLE_NO_HOLD; outcome++)
        ck_assert_msg(outcomes[STEP_SETTLE][outcome] > 0, "the story never had settle outcome %d", outcome);
    for (int outcome = GRANT_DONE; outcome <= GRANT_REFUSED; outcome++)
        ck_assert_msg(outcomes[STEP_GRANT][outcome] > 0, "the story never had grant outcome %d", outcome);
    rebuild();
    balances_are_the_models("rebuilt");
}
END_TEST

CHECK_MAIN("tokens-property", tcase_add_checked_fixture(tests, bench_start,
                                                        bench_stop); tcase_set_timeout(tests, 60);
           tcase_add_loop_test(tests, every_story_goes_as_the_model_says, 0, ROWS(seeds));)
