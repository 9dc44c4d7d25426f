#include "cli/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static const char *const finding_names[] = {
    [FINDING_ENTRY_UNREADABLE] = "entry_unreadable",
    [FINDING_ENTRY_ELSEWHERE] = "entry_in_wrong_partition",
    [FINDING_ENTRY_REPEATED] = "entry_repeated",
    [FINDING_ENTRY_CONTRADICTS] = "entry_contradicts",
    [FINDING_ENTRY_INCOMPLETE] = "entry_incomplete",
    [FINDING_SETTLED_WITHOUT_HOLD] = "settled_without_hold",
    [FINDING_SETTLED_MORE_THAN_HELD] = "settled_more_than_held",
    [FINDING_SETTLED_IN_PART] = "settled_in_part",
    [FINDING_BELOW_ZERO] = "available_below_zero",
    [FINDING_BALANCE] = "balance_differs",
    [FINDING_GENERATION] = "generation_differs",
    [FINDING_NOT_IN_REDIS] = "hold_not_in_redis",
    [FINDING_NOT_IN_JOURNAL] = "generation_not_in_journal",
    [FINDING_HOLD_WITHOUT_ITEM] = "hold_without_item",
    [FINDING_ITEM_WITHOUT_HOLD] = "item_without_hold",
    [FINDING_GRANT_NOT_IN_REDIS] = "grant_not_in_redis",
    [FINDING_GRANT_NOT_IN_JOURNAL] = "grant_not_in_journal",
    [FINDING_GRANT] = "grant_differs",
};

const char *finding_name(enum finding_kind kind)
{
    return finding_names[kind];
}

bool finding_may_pass(enum finding_kind kind)
{
    return kind >= FINDING_SETTLED_IN_PART;
}

enum finding_about finding_about(enum finding_kind kind)
{
    if (kind < FINDING_SETTLED_WITHOUT_HOLD)
        return ABOUT_ENTRY;
    if (kind == FINDING_BALANCE || kind == FINDING_BELOW_ZERO)
        return ABOUT_USER;
    if (kind == FINDING_HOLD_WITHOUT_ITEM || kind == FINDING_ITEM_WITHOUT_HOLD)
        return ABOUT_ITEM;
    return kind >= FINDING_GRANT_NOT_IN_REDIS ? ABOUT_GRANT : ABOUT_GENERATION;
}

struct finding *findings_add(struct findings *findings, enum finding_kind kind, int32_t bucket,
                             const char *id)
{
    if (findings->count == findings->room) {
        findings->room = findings->room > 0 ? findings->room * 2 : 16;
        findings->rows = xrealloc(findings->rows, findings->room * sizeof *findings->rows);
    }
    struct finding *finding = &findings->rows[findings->count++];
    *finding = (struct finding){ .kind = kind, .bucket = bucket };
    snprintf(finding->id, sizeof finding->id, "%s", id);
    return finding;
}

void findings_free(struct findings *findings)
{
    free(findings->rows);
    *findings = (struct findings){ 0 };
}

static void say_balance(const struct balance *balance, char out[96])
{
    snprintf(out, 96, "granted %" PRId64 ", available %" PRId64 ", reserved %" PRId64 ", spent %" PRId64,
             balance->granted, balance->available, balance->reserved, balance->spent);
}

static const struct balance *find_balance(const struct book *book, const char *user_id)
{
    static const struct balance nothing;      /* a user never heard of has nothing */
    int64_t number = names_find(&book->users, user_id);
    return number == NAME_NONE ? &nothing : &book->balances[number];
}

void compare_user(const struct book *journal, const struct book *redis, const char *user_id,
                  struct findings *findings)
{
    const struct balance *ours = find_balance(journal, user_id), *theirs = find_balance(redis, user_id);
    if (ours->available < 0)
        say_balance(ours, findings_add(findings, FINDING_BELOW_ZERO, 0, user_id)->journal);
    if (ours->granted == theirs->granted && ours->available == theirs->available
        && ours->reserved == theirs->reserved && ours->spent == theirs->spent)
        return;
    struct finding *finding = findings_add(findings, FINDING_BALANCE, 0, user_id);
    say_balance(ours, finding->journal);
    say_balance(theirs, finding->redis);
}

static bool is_open(const struct book_generation *hold)
{
    return hold->committed + hold->released < hold->held;
}

static void say_hold(const struct book *book, const struct book_generation *hold, char out[96])
{
    snprintf(out, 96, "%s, held %" PRId64 ", committed %" PRId64 ", released %" PRId64 ", user %.20s",
             is_open(hold) ? "open" : "ended", hold->held, hold->committed, hold->released,
             book->users.rows[hold->user]);
}

static const struct book_generation *find_hold(const struct book *book, const char *generation_id)
{
    int64_t number = names_find(&book->generations, generation_id);
    return number == NAME_NONE ? NULL : &book->holds[number];
}

/* What a generation's entries say of themselves. */
static void compare_inside(const struct book *journal, const struct book_generation *hold, const char *id,
                           struct findings *findings)
{
    int64_t ended = hold->committed + hold->released;
    struct finding *finding = NULL;
    if (!hold->held_seen)
        finding = findings_add(findings, FINDING_SETTLED_WITHOUT_HOLD, 0, id);
    else if (ended > hold->held)
        finding = findings_add(findings, FINDING_SETTLED_MORE_THAN_HELD, 0, id);
    else if (ended > 0 && ended < hold->held)
        finding = findings_add(findings, FINDING_SETTLED_IN_PART, 0, id);
    if (finding)
        say_hold(journal, hold, finding->journal);
}

void compare_generation(const struct book *journal, const struct book *redis, const char *generation_id,
                        struct findings *findings)
{
    const struct book_generation *ours = find_hold(journal, generation_id);
    const struct book_generation *theirs = find_hold(redis, generation_id);
    if (ours)
        compare_inside(journal, ours, generation_id, findings);
    if (ours && !theirs && !is_open(ours))
        return;                                /* Redis forgets what has ended */
    if (ours && theirs && ours->held == theirs->held && ours->committed == theirs->committed
        && ours->released == theirs->released
        && strcmp(journal->users.rows[ours->user], redis->users.rows[theirs->user]) == 0)
        return;
    if (!ours && !theirs)
        return;
    enum finding_kind kind = !theirs ? FINDING_NOT_IN_REDIS : !ours ? FINDING_NOT_IN_JOURNAL
        : FINDING_GENERATION;
    struct finding *finding = findings_add(findings, kind, 0, generation_id);
    if (ours)
        say_hold(journal, ours, finding->journal);
    if (theirs)
        say_hold(redis, theirs, finding->redis);
}

void compare_grant(const struct book *journal, const struct book *redis, const char *grant_id,
                   struct findings *findings)
{
    int64_t ours = names_find(&journal->grants, grant_id), theirs = names_find(&redis->grants, grant_id);
    if ((ours == NAME_NONE && theirs == NAME_NONE)
        || (ours != NAME_NONE && theirs != NAME_NONE
            && journal->grant_amounts[ours] == redis->grant_amounts[theirs]))
        return;
    enum finding_kind kind = theirs == NAME_NONE ? FINDING_GRANT_NOT_IN_REDIS
        : ours == NAME_NONE ? FINDING_GRANT_NOT_IN_JOURNAL : FINDING_GRANT;
    struct finding *finding = findings_add(findings, kind, 0, grant_id);
    if (ours != NAME_NONE)
        snprintf(finding->journal, sizeof finding->journal, "amount %" PRId64, journal->grant_amounts[ours]);
    if (theirs != NAME_NONE)
        snprintf(finding->redis, sizeof finding->redis, "amount %" PRId64, redis->grant_amounts[theirs]);
}

typedef void compare_one(const struct book *journal, const struct book *redis, const char *id,
                         struct findings *findings);

struct books_pair { const struct book *journal, *redis; };

static void compare_all_of(const struct books_pair *books, const struct names *ours,
                           const struct names *theirs, struct findings *findings, compare_one *compare)
{
    for (size_t i = 0; i < ours->count; i++)
        compare(books->journal, books->redis, ours->rows[i], findings);
    for (size_t i = 0; i < theirs->count; i++)
        if (names_find(ours, theirs->rows[i]) == NAME_NONE)
            compare(books->journal, books->redis, theirs->rows[i], findings);
}

void compare_books(const struct book *journal, const struct book *redis, struct findings *findings)
{
    const struct books_pair books = { journal, redis };
    compare_all_of(&books, &journal->users, &redis->users, findings, compare_user);
    compare_all_of(&books, &journal->generations, &redis->generations, findings, compare_generation);
    compare_all_of(&books, &journal->grants, &redis->grants, findings, compare_grant);
}
