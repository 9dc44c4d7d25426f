/* Recovery's half in Redis: what begin takes away only verify gives back, under one nonce on one server; and
 * the journal's entries alone rebuild the accounts. */
#include "base/clock.h"
#include "bench.h"
#include "unit/check_main.h"

#define U "u1"
enum { JOURNAL_MAX = 600 };

/* The journal, as the ledger and admission would have written it from the recorded answers. */
static struct recovery_entry journal[JOURNAL_MAX];
static char texts[JOURNAL_MAX][3][40];
static size_t length;

static struct recovery_entry *add(enum entry_kind kind, const char *user, const char *id, int64_t amount,
                                  int64_t offset)
{
    static const char *const topics[] = { "grants", "requests", "results", "results" };
    ck_assert_int_lt(length, JOURNAL_MAX);
    snprintf(texts[length][0], sizeof texts[0][0], "%s", user);
    snprintf(texts[length][1], sizeof texts[0][0], "%s", id);
    snprintf(texts[length][2], sizeof texts[0][0], "%s/0@%lld", topics[kind], (long long)offset);
    journal[length] = (struct recovery_entry){
        .kind = kind, .user_id = texts[length][0], .id = texts[length][1], .amount_tokens = amount,
        .origin = texts[length][2], .at_ms = AT(offset) };
    return &journal[length++];
}

static void grant(const char *user, const char *id, int64_t offset, int64_t amount)
{
    struct grant_answer answer = bench_grant(user, id, offset, amount);
    ck_assert_int_eq(answer.outcome, GRANT_DONE);
    add(ENTRY_GRANT, user, id, amount, offset)->balance = answer.balance;
}

static void reserve(const char *user, const char *id, int64_t offset, int64_t amount)
{
    struct reserve_answer answer = bench_reserve(user, id, offset, amount);
    if (answer.outcome != RESERVE_HELD)
        return;
    struct recovery_entry *entry = add(ENTRY_RESERVE, user, id, amount, offset);
    entry->balance = answer.balance;
    entry->quote = answer.quote;
    entry->fingerprint = "f1";
}

static void settle(const char *user, const char *id, int64_t offset, int64_t charge)
{
    struct settle_answer answer = bench_settle(user, id, offset, charge);
    if (answer.outcome != SETTLE_DONE)
        return;
    if (answer.committed_tokens > 0)
        add(ENTRY_COMMIT, user, id, answer.committed_tokens, offset)->balance = answer.after_commit;
    if (answer.released_tokens > 0)
        add(ENTRY_RELEASE, user, id, answer.released_tokens, offset)->balance = answer.after_release;
}

static struct recovery begin(void)
{
    struct recovery recovery;
    ck_assert_int_eq(recovery_begin(bench.tokens, 0, &recovery), TROUBLE_NONE);
    return recovery;
}

static void empty(struct recovery *recovery)
{
    uint64_t cursor = 0;
    int steps = 0;
    do
        ck_assert_int_eq(recovery_empty(bench.tokens, &recovery, 1, &cursor), TROUBLE_NONE);
    while (cursor != 0 && ++steps < 1000);
    ck_assert(cursor == 0 && !recovery->over);
}

/* All of the journal, to its end; what became of it. */
static enum trouble replay_all(const struct recovery *recovery)
{
    int32_t bucket = -1;
    enum trouble sent = recovery_replay(bench.tokens, recovery, journal, length);
    enum trouble done = recovery_replayed(bench.tokens, &bucket);
    ck_assert_int_eq(recovery_replayed(bench.tokens, &bucket), TROUBLE_NONE);       /* said once */
    ck_assert(sent == TROUBLE_NONE || sent == done);
    if (done == TROUBLE_ABORT_BATCH)
        ck_assert_int_eq(bucket, recovery->bucket);
    return done;
}

static void replay(const struct recovery *recovery)
{
    ck_assert_int_eq(replay_all(recovery), TROUBLE_NONE);
}

/* The next step of emptying finds that another recovery, or another server, has come between. */
static bool empty_is_over(struct recovery *recovery)
{
    uint64_t cursor = 0;
    ck_assert_int_eq(recovery_empty(bench.tokens, &recovery, 1, &cursor), TROUBLE_NONE);
    return recovery->over;
}

/* A few users' whole story: holds, full and part charges, releases, corrections, several hundred entries. */
static void live(void)
{
    for (int u = 0; u < 5; u++) {
        char user[16], id[24];
        snprintf(user, sizeof user, "u%d", u);
        snprintf(id, sizeof id, "top-up-%d", u);
        grant(user, id, u, 1000);
        for (int g = 0; g < 30; g++) {
            snprintf(id, sizeof id, "g-%d-%d", u, g);
            reserve(user, id, 100 * u + g, 1 + g);
            if (g % 4 == 1)
                settle(user, id, 1000 + 100 * u + g, SETTLE_ALL);
            if (g % 4 == 2)
                settle(user, id, 1000 + 100 * u + g, 0);
            if (g % 4 == 3)
                settle(user, id, 1000 + 100 * u + g, 1);
        }
        snprintf(id, sizeof id, "correction-%d", u);
        grant(user, id, 50 + u, -7);
    }
    ck_assert_int_gt(length, 250);                   /* several calls of replay */
}

START_TEST(the_journal_alone_rebuilds_the_bucket)
{
    live();
    bench_ask("SET rg:{1}:user:other kept");
    char *before = strdup(bench_money_state());
    ck_assert_msg(strlen(before) > 10000, "%s", before);
    struct recovery recovery = begin();
    ck_assert_int_eq(strlen(recovery.line), 32);
    empty(&recovery);
    ck_assert_str_eq(bench_ask("KEYS rg:{0}:*"), "rg:{0}:meta");
    ck_assert_str_eq(bench_ask("HKEYS rg:{0}:meta"), "nonce");
    ck_assert_str_eq(bench_ask("GET rg:{1}:user:other"), "kept");
    replay(&recovery);
    ck_assert_int_eq(recovery_stands(bench.tokens, &recovery), TROUBLE_NONE);
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 4711), TROUBLE_NONE);
    ck_assert_str_eq(before, bench_money_state());
    free(before);

    /* the ledger's own second run */
    struct settle_answer answer = bench_settle("u1", "g-1-3", 1103, SETTLE_ALL);
    ck_assert_int_eq(answer.outcome, SETTLE_DONE);
    ck_assert_int_eq(answer.committed_tokens, 1);
    ck_assert_int_eq(answer.released_tokens, 3);
    ck_assert_int_eq(bench_settle("u1", "g-1-2", 1102, SETTLE_ALL).released_tokens, 3);
    ck_assert_int_eq(bench_reserve("u1", "g-1-4", 104, 99).required_tokens, 5);
    ck_assert_int_eq(bench_reserve("u1", "g-1-4", 105, 5).outcome, RESERVE_DUPLICATE);
    ck_assert_int_eq(bench_grant("u1", "top-up-1", 1, 1000).outcome, GRANT_DONE);
    ck_assert_int_eq(bench_grant("u1", "top-up-1", 2, 1000).outcome, GRANT_DUPLICATE);
}
END_TEST

START_TEST(what_is_there_already_is_skipped)
{
    live();
    char *before = strdup(bench_money_state());
    struct recovery recovery = begin();
    replay(&recovery);
    replay(&recovery);                               /* a call whose answer was lost is repeated */
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 1), TROUBLE_NONE);
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 1), TROUBLE_NONE);
    ck_assert_str_eq(before, bench_money_state());
    free(before);
}
END_TEST

START_TEST(the_journal_wins_in_amount_and_origin)
{
    grant(U, "top-up", 1, 100);
    /* of a batch that was aborted: another price, another origin */
    bench_reserve(U, "g1", 7, 9);
    add(ENTRY_RESERVE, U, "g1", 5, 3)->quote = (struct quote){ "gen4", 1, 5, "v2" };
    struct recovery recovery = begin();
    replay(&recovery);
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 1), TROUBLE_NONE);
    bench_balance_is(U, 100, 95, 5, 0);
    ck_assert_int_eq(bench_reserve(U, "g1", 7, 9).outcome, RESERVE_DUPLICATE);
    struct reserve_answer answer = bench_reserve(U, "g1", 3, 9);
    ck_assert_int_eq(answer.outcome, RESERVE_HELD);
    ck_assert_int_eq(answer.required_tokens, 5);
    ck_assert_str_eq(answer.quote.policy_version, "v2");
}
END_TEST

START_TEST(settled_only_when_both_halves_are_there)
{
    grant(U, "top-up", 1, 100);
    reserve(U, "g1", 1, 10);
    struct recovery recovery = begin();
    length = 0;
    add(ENTRY_COMMIT, U, "g1", 4, 9);
    replay(&recovery);
    bench_balance_is(U, 100, 90, 6, 4);
    ck_assert_str_eq(bench_ask("HGET rg:{0}:gen:g1 state"), "reserved");
    ck_assert_str_eq(bench_ask("ZSCORE rg:{0}:open g1"), "1763878493001");
    ck_assert_str_eq(bench_ask("PTTL rg:{0}:gen:g1"), "-1");
    length = 0;
    add(ENTRY_RELEASE, U, "g1", 6, 9);
    replay(&recovery);
    bench_balance_is(U, 100, 96, 0, 4);
    ck_assert_str_eq(bench_ask("HGET rg:{0}:gen:g1 state"), "settled");
    ck_assert_str_eq(bench_ask("EXISTS rg:{0}:open"), "0");
    ck_assert_str_eq(bench_ask("HGET rg:{0}:user:" U " charged"), "1");
    ck_assert_int_gt(atol(bench_ask("PTTL rg:{0}:gen:g1")), 0);
}
END_TEST

START_TEST(a_refusal_here_gives_way_to_a_hold_in_the_journal)
{
    bench_reserve(U, "g1", 1, 5);                    /* insufficient */
    bench_grant(U, "c1", 1, -5);                     /* refused */
    add(ENTRY_GRANT, U, "top-up", 10, 1);
    add(ENTRY_RESERVE, U, "g1", 5, 1);
    add(ENTRY_GRANT, U, "c1", -5, 1);
    struct recovery recovery = begin();
    replay(&recovery);
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 1), TROUBLE_NONE);
    bench_balance_is(U, 5, 0, 5, 0);
    ck_assert_str_eq(bench_ask("PTTL rg:{0}:gen:g1"), "-1");
    ck_assert_str_eq(bench_ask("PTTL rg:{0}:grant:c1"), "-1");
}
END_TEST

/* The grant was in a transaction that was lost with Redis; its message will come again. Until then this user
 * waits. */
START_TEST(a_user_below_zero_waits_for_the_grant_and_others_go_on)
{
    add(ENTRY_RESERVE, U, "g1", 5, 1);
    add(ENTRY_GRANT, "u2", "top-up-2", 10, 1);
    struct recovery recovery = begin();
    replay(&recovery);
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 1), TROUBLE_NONE);
    bench_balance_is(U, 0, -5, 5, 0);
    ck_assert_int_eq(bench_reserve("u2", "g2", 2, 1).outcome, RESERVE_HELD);
    struct reservation waiting = bench_reservation(U, "g3", 3, 1);
    tokens_batch_clear(bench.batch);
    tokens_reserve(bench.batch, &waiting);
    ck_assert_int_eq(tokens_batch_receive(bench.batch), TROUBLE_RETRY);
    ck_assert_int_eq(bench_grant(U, "lost", 9, 20).outcome, GRANT_DONE);
    ck_assert_int_eq(bench_reserve(U, "g3", 3, 1).outcome, RESERVE_HELD);
}
END_TEST

START_TEST(one_entry_twice_in_the_journal_counts_once)
{
    add(ENTRY_GRANT, U, "top-up", 10, 1);
    add(ENTRY_RESERVE, U, "g1", 5, 1);
    add(ENTRY_COMMIT, U, "g1", 5, 2);
    struct recovery recovery = begin();
    for (size_t i = 0; i < 3; i++)
        journal[length++] = journal[i];
    /* long ago: past its dedupe window, but not out of reach yet */
    for (size_t i = 0; i < length; i++) {
        journal[i].at_ms = AT(0) - INT64_C(400) * 86400000;
    }
    replay(&recovery);
    replay(&recovery);
    bench_balance_is(U, 10, 5, 0, 5);
    long ttl = atol(bench_ask("PTTL rg:{0}:gen:g1"));
    ck_assert_msg(ttl > 0 && ttl <= 600000, "%ld", ttl);
}
END_TEST

/* ---- the protocol around it */

START_TEST(begin_takes_verified_away_and_verify_gives_it_back)
{
    bool verified;
    char line[33];
    int64_t journaled;
    struct recovery recovery = begin();
    ck_assert_int_eq(recovery_guard(bench.tokens, 0, &verified, line, &journaled), TROUBLE_NONE);
    ck_assert(!verified);
    ck_assert_str_eq(line, recovery.line);
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 42), TROUBLE_NONE);
    ck_assert_int_eq(recovery_guard(bench.tokens, 0, &verified, line, &journaled), TROUBLE_NONE);
    ck_assert(verified);
    ck_assert_str_eq(line, recovery.nonce);
    ck_assert_int_eq(journaled, 42);
    struct recovery next = begin();
    ck_assert_str_eq(next.line, recovery.nonce);
    ck_assert_int_eq(next.journaled, 42);
    ck_assert_str_ne(next.nonce, recovery.nonce);
}
END_TEST

START_TEST(a_second_recovery_ends_the_first)
{
    add(ENTRY_GRANT, U, "top-up", 10, 1);
    struct recovery first = begin(), second = begin();
    const char *before = bench_state();
    ck_assert(empty_is_over(&first));
    ck_assert_int_eq(replay_all(&first), TROUBLE_ABORT_BATCH);
    ck_assert_int_eq(recovery_stands(bench.tokens, &first), TROUBLE_ABORT_BATCH);
    ck_assert_int_eq(recovery_verify(bench.tokens, &first, 1), TROUBLE_ABORT_BATCH);
    ck_assert_str_eq(before, bench_state());
    ck_assert_int_eq(recovery_verify(bench.tokens, &second, 1), TROUBLE_NONE);
    ck_assert_int_eq(recovery_verify(bench.tokens, &first, 1), TROUBLE_ABORT_BATCH);
}
END_TEST

START_TEST(another_server_or_a_flush_ends_a_recovery)
{
    add(ENTRY_GRANT, U, "top-up", 10, 1);
    struct recovery recovery = begin();
    if (_i == 0)
        bench_ask("FLUSHALL");
    else
        /* as if the server had restarted */
        snprintf(recovery.server, sizeof recovery.server, "%040d:%040d", 1, 2);
    ck_assert(empty_is_over(&recovery));
    ck_assert_int_eq(replay_all(&recovery), TROUBLE_ABORT_BATCH);
    ck_assert_int_eq(recovery_stands(bench.tokens, &recovery), TROUBLE_ABORT_BATCH);
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 1), TROUBLE_ABORT_BATCH);
    ck_assert_str_eq(bench_ask("KEYS rg:{0}:user:*"), "");
    ck_assert_str_eq(bench_ask("HEXISTS rg:{0}:meta verified"), "0");
}
END_TEST

START_TEST(a_bucket_of_another_partition_count_is_read_from_zero)
{
    struct tokens *more = bench_open(2, 2000);
    struct recovery recovery;
    bool verified;
    char line[33];
    int64_t journaled;
    ck_assert_int_eq(recovery_guard(more, 0, &verified, line, &journaled), TROUBLE_NONE);
    ck_assert(!verified);
    ck_assert_int_eq(recovery_begin(more, 0, &recovery), TROUBLE_NONE);
    ck_assert_str_eq(recovery.line, "");
    ck_assert_int_eq(recovery.journaled, 0);
    tokens_close(&more);
}
END_TEST

START_TEST(journaled_moves_forward_under_its_line_only)
{
    bool verified;
    char line[33];
    int64_t journaled;
    ck_assert_int_eq(recovery_guard(bench.tokens, 0, &verified, line, &journaled), TROUBLE_NONE);
    ck_assert_int_eq(journaled, 0);
    ck_assert_int_eq(recovery_journaled(bench.tokens, 0, line, 10), TROUBLE_NONE);
    ck_assert_int_eq(recovery_journaled(bench.tokens, 0, line, 7), TROUBLE_NONE);
    ck_assert_str_eq(bench_ask("HGET rg:{0}:meta journaled"), "10");
    ck_assert_int_eq(recovery_journaled(bench.tokens, 0, "00", 11), TROUBLE_ABORT_BATCH);
    struct recovery recovery = begin();
    ck_assert_int_eq(recovery_journaled(bench.tokens, 0, line, 11), TROUBLE_ABORT_BATCH);
    ck_assert_str_eq(bench_ask("HGET rg:{0}:meta journaled"), "10");
    ck_assert_int_eq(recovery_verify(bench.tokens, &recovery, 12), TROUBLE_NONE);
    ck_assert_int_eq(recovery_journaled(bench.tokens, 0, line, 13), TROUBLE_ABORT_BATCH);
}
END_TEST

START_TEST(a_wrong_type_in_replay_leaves_nothing_half_done)
{
    static const char *const keys[] = { "rg:{0}:open", "rg:{0}:user:u1", "rg:{0}:gen:g1",
                                        "rg:{0}:grant:top-up" };
    add(ENTRY_GRANT, "u0", "first", 10, 1);
    add(ENTRY_RESERVE, "u0", "g0", 5, 1);
    add(ENTRY_GRANT, U, "top-up", 10, 2);
    add(ENTRY_RESERVE, U, "g1", 5, 2);
    bench_ask("RPUSH %s odd", keys[_i]);
    struct recovery recovery = begin();
    const char *before = bench_state();
    ck_assert_int_eq(replay_all(&recovery), TROUBLE_RETRY);
    ck_assert_str_eq(before, bench_state());
}
END_TEST

/* ---- what an audit sees */

struct seen { int users, held, settled, refused, grants; int64_t granted, available, reserved, spent, open; };

static void see_user(void *self, const struct audit_user *user)
{
    struct seen *seen = self;
    ck_assert(balance_adds_up(&user->balance));
    ck_assert_int_eq(user->bucket, 0);
    seen->users++;
    seen->granted += user->balance.granted;
    seen->reserved += user->balance.reserved;
}

static void see_generation(void *self, const struct audit_generation *generation)
{
    struct seen *seen = self;
    ck_assert(strncmp(generation->generation_id, "g-", 2) == 0);
    ck_assert_int_eq(generation->user_id[1], generation->generation_id[2]);
    ck_assert(strncmp(generation->origin, "requests/0@", 11) == 0);
    if (strcmp(generation->state, "reserved") == 0) {
        seen->held++;
        seen->open += generation->held_tokens;
        ck_assert_str_eq(generation->settle_origin, "");
    } else if (strcmp(generation->state, "settled") == 0) {
        seen->settled++;
        ck_assert_int_eq(generation->committed_tokens + generation->released_tokens, generation->held_tokens);
        ck_assert(generation->moved_on);
    } else {
        seen->refused++;
    }
}

static void see_grant(void *self, const struct audit_grant *grant_)
{
    struct seen *seen = self;
    ck_assert_str_eq(grant_->state, "done");
    seen->grants++;
    seen->spent += grant_->amount_tokens;
}

START_TEST(an_audit_sees_every_account_and_generation)
{
    live();
    bench_reserve("u4", "g-4-refused", 999, 5000);
    struct seen seen = { 0 };
    const struct audit_visitor visitor = { &seen, see_user, see_generation, see_grant };
    bench_ask("SET rg:{x}:user:odd 1");                  /* not ours */
    bench_ask("HSET other granted 1");
    ck_assert_int_eq(tokens_audit(bench.tokens, &visitor), TROUBLE_NONE);
    ck_assert_int_eq(seen.users, 5);
    ck_assert_int_eq(seen.granted, 5 * 993);
    ck_assert_int_eq(seen.spent, 5 * 993);
    ck_assert_int_eq(seen.grants, 10);
    ck_assert_int_eq(seen.held + seen.settled, 150);
    ck_assert_int_eq(seen.refused, 1);
    ck_assert_int_eq(seen.open, seen.reserved);

    seen = (struct seen){ 0 };                           /* single rows */
    ck_assert_int_eq(tokens_audit_generation(bench.tokens, 0, "g-1-3", &visitor), TROUBLE_NONE);
    ck_assert_int_eq(tokens_audit_generation(bench.tokens, 0, "nobody", &visitor), TROUBLE_NONE);
    ck_assert_int_eq(tokens_audit_grant(bench.tokens, 0, "correction-1", &visitor), TROUBLE_NONE);
    ck_assert_int_eq(seen.settled, 1);
    ck_assert_int_eq(seen.grants, 1);
    ck_assert_int_eq(seen.spent, -7);
}
END_TEST

/* ---- rebuild on demand, and what a recovery may have under way */

static void retries_unverified(void)
{
    struct reservation reservation = bench_reservation(U, "late", 999, 1);
    tokens_batch_clear(bench.batch);
    tokens_reserve(bench.batch, &reservation);
    ck_assert_int_eq(tokens_batch_receive(bench.batch), TROUBLE_RETRY);
    ck_assert_int_eq(tokens_unverified(bench.tokens, NULL), 0);
}

START_TEST(a_forgotten_bucket_is_read_from_zero)
{
    live();
    struct recovery under_way = begin();
    under_way.replayed = 4711;
    replay(&under_way);
    int64_t replayed;
    ck_assert_int_eq(recovery_progress(bench.tokens, 0, &replayed), TROUBLE_NONE);
    ck_assert_int_eq(replayed, 4711);
    ck_assert_int_eq(recovery_forget(bench.tokens, 0), TROUBLE_NONE);
    ck_assert_int_eq(recovery_verify(bench.tokens, &under_way, 1), TROUBLE_ABORT_BATCH);
    struct recovery next = begin();
    ck_assert_str_eq(next.line, "");
    ck_assert_int_eq(next.journaled, 0);
    ck_assert_int_eq(recovery_progress(bench.tokens, 0, &replayed), TROUBLE_NONE);
    ck_assert_int_eq(replayed, 0);
    retries_unverified();
}
END_TEST

START_TEST(open_holds_are_counted_by_age)
{
    struct open_holds holds;
    ck_assert_int_eq(tokens_open_holds(bench.tokens, 0, AT(100), &holds), TROUBLE_NONE);
    ck_assert(holds.count == 0 && holds.overdue == 0 && holds.oldest_at_ms == 0);
    grant(U, "top-up", 1, 100);
    for (int i = 0; i < 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "g%d", i);
        reserve(U, id, 10 * (i + 1), 1);
    }
    ck_assert_int_eq(tokens_open_holds(bench.tokens, 0, AT(30), &holds), TROUBLE_NONE);
    ck_assert_int_eq(holds.count, 5);
    ck_assert_int_eq(holds.overdue, 2);
    ck_assert(holds.oldest_at_ms == AT(10));
    settle(U, "g0", 99, SETTLE_ALL);
    ck_assert_int_eq(tokens_open_holds(bench.tokens, 0, AT(30), &holds), TROUBLE_NONE);
    ck_assert_int_eq(holds.count, 4);
    ck_assert(holds.oldest_at_ms == AT(20));
}
END_TEST

static const char *count_keys(const char *pattern)
{
    return redis_server_ask_words(bench.server, 4, (const char *[]){
        "EVAL", "return #redis.call('KEYS', ARGV[1]) .. ''", "0", pattern });
}

START_TEST(one_scan_empties_many_buckets_and_leaves_the_rest)
{
    struct tokens *many = bench_open(4, 2000);
    struct recovery recoveries[3] = { 0 }, *rows[3] = { &recoveries[0], &recoveries[1], &recoveries[2] };
    uint64_t cursor = 0;
    for (int bucket = 0; bucket < 4; bucket++)
        for (int i = 0; i < 700; i++)
            bench_ask("SET rg:{%d}:gen:g%d x", bucket, i);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(recovery_begin(many, i, &recoveries[i]), TROUBLE_NONE);
    struct recovery other;
    ck_assert_int_eq(recovery_begin(many, 1, &other), TROUBLE_NONE);     /* somebody else recovers bucket 1 */
    int steps = 0;
    do
        ck_assert_int_eq(recovery_empty(many, rows, 3, &cursor), TROUBLE_NONE);
    while (cursor != 0 && ++steps < 100);
    ck_assert(!recoveries[0].over && recoveries[1].over && !recoveries[2].over);
    ck_assert_str_eq(count_keys("rg:{0}:gen:*"), "0");
    ck_assert_str_eq(count_keys("rg:{1}:gen:*"), "700");
    ck_assert_str_eq(count_keys("rg:{2}:gen:*"), "0");
    ck_assert_str_eq(count_keys("rg:{3}:gen:*"), "700");
    ck_assert_str_eq(bench_ask("HEXISTS rg:{0}:meta nonce"), "1");
    tokens_close(&many);
}
END_TEST

/* More scripts than may be under way at once, two buckets in turn; then one of them is taken over in the middle. */
START_TEST(what_is_under_way_is_told_bucket_by_bucket)
{
    struct tokens *two = bench_open(2, 2000);
    struct recovery recoveries[2], other;
    int32_t bucket = -1;
    for (int i = 0; i < 250; i++) {
        char id[16];
        snprintf(id, sizeof id, "grant-%d", i);
        add(ENTRY_GRANT, U, id, 1, i)->balance = (struct balance){ .granted = 1, .available = 1 };
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(recovery_begin(two, i, &recoveries[i]), TROUBLE_NONE);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(recovery_replay(two, &recoveries[i], journal, length), TROUBLE_NONE);
        if (round == 1)
            ck_assert_int_eq(recovery_begin(bench.tokens, 0, &other), TROUBLE_NONE);
    }
    ck_assert_int_eq(recovery_replayed(two, &bucket), TROUBLE_ABORT_BATCH);
    ck_assert_int_eq(bucket, 0);
    ck_assert_int_eq(recovery_replayed(two, &bucket), TROUBLE_NONE);
    ck_assert_str_eq(bench_ask("HGET rg:{1}:user:" U " granted"), "250");

    /* an error, or Redis away, in the middle: none of it counts */
    bench_ask("DEL rg:{1}:user:" U);
    bench_ask("RPUSH rg:{1}:user:" U " odd");
    (void)recovery_replay(two, &recoveries[1], journal, length);
    ck_assert_int_eq(recovery_replayed(two, &bucket), TROUBLE_RETRY);
    ck_assert_int_eq(recovery_replayed(two, &bucket), TROUBLE_NONE);
    tokens_close(&two);
}
END_TEST

CHECK_MAIN("tokens-recovery", tcase_add_checked_fixture(tests, bench_start,
                                                        bench_stop); tcase_set_timeout(tests, 60);
           tcase_add_test(tests, the_journal_alone_rebuilds_the_bucket);
           tcase_add_test(tests, what_is_there_already_is_skipped);
           tcase_add_test(tests, the_journal_wins_in_amount_and_origin);
           tcase_add_test(tests, settled_only_when_both_halves_are_there);
           tcase_add_test(tests, a_refusal_here_gives_way_to_a_hold_in_the_journal);
           tcase_add_test(tests, a_user_below_zero_waits_for_the_grant_and_others_go_on);
           tcase_add_test(tests, one_entry_twice_in_the_journal_counts_once);
           tcase_add_test(tests, begin_takes_verified_away_and_verify_gives_it_back);
           tcase_add_test(tests, a_second_recovery_ends_the_first);
           tcase_add_loop_test(tests, another_server_or_a_flush_ends_a_recovery, 0, 2);
           tcase_add_test(tests, a_bucket_of_another_partition_count_is_read_from_zero);
           tcase_add_test(tests, journaled_moves_forward_under_its_line_only);
           tcase_add_loop_test(tests, a_wrong_type_in_replay_leaves_nothing_half_done, 0, 4);
           tcase_add_test(tests, an_audit_sees_every_account_and_generation);
           tcase_add_test(tests, a_forgotten_bucket_is_read_from_zero);
           tcase_add_test(tests, open_holds_are_counted_by_age);
           tcase_add_test(tests, one_scan_empties_many_buckets_and_leaves_the_rest);
           tcase_add_test(tests, what_is_under_way_is_told_bucket_by_bucket);)
