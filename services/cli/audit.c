/* audit: fold the journal by entity and compare it with Redis, bucket by bucket.
 *
 * Workers go on meanwhile: an effect is in Redis a moment before its entry is in the journal. So what differs is looked at
 * again, with what the journal has got since, and only what differs in every look of settle_ms is told. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "cli/accounts.h"
#include "cli/compare.h"
#include "cli/journal.h"
#include "cli/out.h"
#include "tokens/audit.h"

static const struct param audit_rows[] = {
    { .name = "settle_ms", .type = PARAM_MS, .fallback = "10s", .least = "0", .most = "10m", .unit = "ms",
      .offset = offsetof(struct cli_settings, settle_ms),
      .meaning = "How long a difference must last to count. Longer than a transaction may (10 s) where workers are busy." },
    { .name = NULL },
};
enum { LOOK_EVERY_MS = 500 };

struct books { struct book journal, redis; };
struct review {
    const struct cli *cli;
    int32_t buckets;
    struct books *books;                 /* by bucket */
    int64_t *next;                       /* by bucket: the journal offset to read on from; -1: nothing differs there */
    struct findings findings;
    struct tokens *tokens;
    int64_t entries, strays;
    int32_t unverified;
};

/* ---- the journal */

static void note(struct review *review, enum finding_kind kind, int32_t bucket, int64_t offset, const struct event *entry)
{
    const char *id = entry && entry->generation_id ? entry->generation_id
        : entry && entry->grant_id ? entry->grant_id : entry && entry->user_id ? entry->user_id : "";
    struct finding *finding = findings_add(&review->findings, kind, bucket, id);
    snprintf(finding->journal, sizeof finding->journal, "%.16s at offset %" PRId64, entry ? entry->kind : "record", offset);
}

static void take_entry(void *self, int32_t bucket, int64_t offset, const struct event *entry)
{
    struct review *review = self;
    review->entries++;
    if (entry->user_id && bucket_of(entry->user_id, strlen(entry->user_id), review->buckets) != bucket)
        note(review, FINDING_ENTRY_ELSEWHERE, bucket, offset, entry);
    switch (book_fold(&review->books[bucket].journal, entry)) {
    case FOLD_APPLIED:
    case FOLD_OPEN_RECORD: return;
    case FOLD_REPEATED:    note(review, FINDING_ENTRY_REPEATED, bucket, offset, entry); return;
    case FOLD_CONTRADICTS: note(review, FINDING_ENTRY_CONTRADICTS, bucket, offset, entry); return;
    case FOLD_INCOMPLETE:  note(review, FINDING_ENTRY_INCOMPLETE, bucket, offset, entry); return;
    }
}

static void take_unreadable(void *self, int32_t bucket, int64_t offset)
{
    note(self, FINDING_ENTRY_UNREADABLE, bucket, offset, NULL);
}

static enum cli_exit read_journal(struct review *review)
{
    return journal_read(review->cli, review->next, review->buckets,
                        &(struct journal_visitor){ .self = review, .entry = take_entry, .unreadable = take_unreadable });
}

/* ---- Redis */

/* A row that lies where its user's bucket is not was left behind under another partition count. */
static bool belongs(struct review *review, int32_t bucket, const char *user_id)
{
    if (bucket >= 0 && bucket < review->buckets && bucket_of(user_id, strlen(user_id), review->buckets) == bucket)
        return true;
    review->strays++;
    return false;
}

static void take_user(void *self, const struct audit_user *user)
{
    struct review *review = self;
    if (belongs(review, user->bucket, user->user_id))
        *book_balance(&review->books[user->bucket].redis, user->user_id) = user->balance;
}

static void set_hold(struct book *book, const char *id, const char *user, const struct book_generation *now)
{
    struct book_generation *row = book_generation(book, id, user);
    *row = (struct book_generation){ .user = row->user, .held_seen = true, .held = now->held, .committed = now->committed,
                                     .released = now->released };
}

static bool holds_tokens(const char *state)
{
    return strcmp(state, "reserved") == 0 || strcmp(state, "settled") == 0;        /* the others were refused */
}

static void take_generation(void *self, const struct audit_generation *row)
{
    struct review *review = self;
    if (!holds_tokens(row->state) || !belongs(review, row->bucket, row->user_id))
        return;
    set_hold(&review->books[row->bucket].redis, row->generation_id, row->user_id, &(struct book_generation){
        .held = row->held_tokens, .committed = row->committed_tokens, .released = row->released_tokens });
}

static void take_grant(void *self, const struct audit_grant *grant)
{
    struct review *review = self;
    if (strcmp(grant->state, "done") == 0 && belongs(review, grant->bucket, grant->user_id))
        *book_grant(&review->books[grant->bucket].redis, grant->grant_id) = grant->amount_tokens;
}

static enum cli_exit read_redis(struct review *review)
{
    struct tokens *tokens = review->tokens;
    if (tokens_audit_users(tokens, TOKENS_EVERY_BUCKET, take_user, review) != TROUBLE_NONE
        || tokens_audit_generations(tokens, TOKENS_EVERY_BUCKET, take_generation, review) != TROUBLE_NONE
        || tokens_audit_grants(tokens, TOKENS_EVERY_BUCKET, take_grant, review) != TROUBLE_NONE)
        return accounts_away(review->cli, tokens);
    for (int32_t b = 0; b < review->buckets; b++) {
        const struct names *users = &review->books[b].journal.users;
        struct balance balance;
        bool verified = true;
        if (users->count > 0 && tokens_balance(tokens, users->rows[0], &balance, &verified) != TROUBLE_NONE)
            return accounts_away(review->cli, tokens);
        review->unverified += !verified;
    }
    return CLI_FINE;
}

/* ---- looking, and looking again */

static void compare_all(struct review *review)
{
    for (int32_t b = 0; b < review->buckets; b++) {
        size_t before = review->findings.count;
        compare_books(&review->books[b].journal, &review->books[b].redis, &review->findings);
        for (size_t i = before; i < review->findings.count; i++)
            review->findings.rows[i].bucket = b;
    }
}

/* Buckets in which nothing differs are not read again. True: there is something to look at again. */
static bool keep_reading_what_differs(struct review *review)
{
    bool any = false;
    for (int32_t b = 0; b < review->buckets; b++) {
        bool differs = false;
        for (size_t i = 0; i < review->findings.count; i++)
            differs = differs || (review->findings.rows[i].bucket == b && finding_may_pass(review->findings.rows[i].kind));
        if (!differs)
            review->next[b] = -1;
        any = any || differs;
    }
    return any;
}

static const char *user_of(const struct books *books, const char *generation_id)
{
    int64_t number = names_find(&books->journal.generations, generation_id);
    const struct book *book = number != NAME_NONE ? &books->journal : &books->redis;
    if (number == NAME_NONE)
        number = names_find(&book->generations, generation_id);
    return book->users.rows[book->holds[number].user];
}

/* Reads what the finding is about from Redis as it is now. */
static enum trouble refresh(struct review *review, const struct finding *finding)
{
    struct books *books = &review->books[finding->bucket];
    struct tokens_generation now = { 0 };
    bool flag = false;
    enum trouble trouble = TROUBLE_NONE;
    switch (finding_about(finding->kind)) {
    case ABOUT_USER:
        return tokens_balance(review->tokens, finding->id, book_balance(&books->redis, finding->id), &flag);
    case ABOUT_GRANT:
        return tokens_audit_grants(review->tokens, finding->bucket, take_grant, review);
    case ABOUT_GENERATION:
        trouble = tokens_generation(review->tokens, user_of(books, finding->id), finding->id, &now, &flag);
        if (trouble == TROUBLE_NONE && flag && holds_tokens(now.state))
            set_hold(&books->redis, finding->id, user_of(books, finding->id), &(struct book_generation){
                .held = now.held_tokens, .committed = now.committed_tokens, .released = now.released_tokens });
        if (trouble == TROUBLE_NONE && flag)
            tokens_generation_free(&now);
        return trouble;
    case ABOUT_ENTRY:
        return TROUBLE_NONE;
    }
    unreachable();
}

/* Does it still differ? Then its words are brought up to date. */
static bool still_differs(struct review *review, struct finding *finding)
{
    const struct books *books = &review->books[finding->bucket];
    struct findings now = { 0 };
    int32_t bucket = finding->bucket;
    switch (finding_about(finding->kind)) {
    case ABOUT_USER:       compare_user(&books->journal, &books->redis, finding->id, &now); break;
    case ABOUT_GENERATION: compare_generation(&books->journal, &books->redis, finding->id, &now); break;
    case ABOUT_GRANT:      compare_grant(&books->journal, &books->redis, finding->id, &now); break;
    case ABOUT_ENTRY:      return true;
    }
    bool still = false;
    for (size_t i = 0; i < now.count && !still; i++) {
        still = finding_about(now.rows[i].kind) == finding_about(finding->kind);
        *finding = now.rows[i];
        finding->bucket = bucket;
    }
    findings_free(&now);
    return still;
}

static enum cli_exit look_again(struct review *review)
{
    enum cli_exit status = CLI_FINE;
    size_t first = review->findings.count;           /* those that reading on finds are new, and for ever */
    for (size_t i = 0; i < first && status == CLI_FINE; i++)
        if (finding_may_pass(review->findings.rows[i].kind) && refresh(review, &review->findings.rows[i]) != TROUBLE_NONE)
            status = accounts_away(review->cli, review->tokens);
    if (status == CLI_FINE)
        status = read_journal(review);
    size_t kept = 0;
    for (size_t i = 0; i < review->findings.count; i++) {
        struct finding finding = review->findings.rows[i];
        if (!finding_may_pass(finding.kind) || still_differs(review, &finding))
            review->findings.rows[kept++] = finding;
    }
    review->findings.count = kept;
    return status;
}

static enum cli_exit look(struct review *review)
{
    cli_say(review->cli, "reading the journal's %" PRId32 " partitions and Redis", review->buckets);
    enum cli_exit status = read_journal(review);
    if (status == CLI_FINE)
        status = read_redis(review);
    if (status != CLI_FINE)
        return status;
    compare_all(review);
    int64_t end_ms = clock_mono_ms() + review->cli->settings.settle_ms;
    while (status == CLI_FINE && keep_reading_what_differs(review) && clock_mono_ms() < end_ms) {
        cli_say(review->cli, "%zu differences, looking again", review->findings.count);
        clock_sleep_ms(LOOK_EVERY_MS);
        status = look_again(review);
    }
    return status;
}

/* ---- what is told */

struct sums { int64_t users, generations, open; struct balance balance; };

static struct sums sum_up(const struct review *review)
{
    struct sums sums = { 0 };
    for (int32_t b = 0; b < review->buckets; b++) {
        const struct book *book = &review->books[b].journal;
        sums.users += (int64_t)book->users.count;
        sums.generations += (int64_t)book->generations.count;
        for (size_t i = 0; i < book->users.count; i++) {
            sums.balance.granted += book->balances[i].granted;
            sums.balance.available += book->balances[i].available;
            sums.balance.reserved += book->balances[i].reserved;
            sums.balance.spent += book->balances[i].spent;
        }
        for (size_t i = 0; i < book->generations.count; i++)
            sums.open += book->holds[i].committed + book->holds[i].released < book->holds[i].held;
    }
    return sums;
}

static void json_findings(const struct review *review, struct text *out)
{
    out_open(out, "differences", '[');
    for (size_t i = 0; i < review->findings.count; i++) {
        const struct finding *finding = &review->findings.rows[i];
        out_open(out, NULL, '{');
        out_text(out, "kind", finding_name(finding->kind));
        out_number(out, "bucket", finding->bucket);
        out_text(out, "id", finding->id);
        out_text(out, "journal", *finding->journal ? finding->journal : NULL);
        out_text(out, "redis", *finding->redis ? finding->redis : NULL);
        out_close(out, '}');
    }
    out_close(out, ']');
}

static void print_json(const struct review *review, const struct sums *sums)
{
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_number(&out, "entries", review->entries);
    out_number(&out, "buckets", review->buckets);
    out_number(&out, "users", sums->users);
    out_number(&out, "generations", sums->generations);
    out_number(&out, "openHolds", sums->open);
    out_number(&out, "granted", sums->balance.granted);
    out_number(&out, "available", sums->balance.available);
    out_number(&out, "reserved", sums->balance.reserved);
    out_number(&out, "spent", sums->balance.spent);
    out_number(&out, "unverifiedBuckets", review->unverified);
    out_number(&out, "strayRows", review->strays);
    json_findings(review, &out);
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

static void print_words(const struct review *review, const struct sums *sums)
{
    printf("entries     %" PRId64 "\nusers       %" PRId64 "\ngenerations %" PRId64 ", %" PRId64 " open\n"
           "granted     %" PRId64 "\navailable   %" PRId64 "\nreserved    %" PRId64 "\nspent       %" PRId64 "\n",
           review->entries, sums->users, sums->generations, sums->open, sums->balance.granted, sums->balance.available,
           sums->balance.reserved, sums->balance.spent);
    for (size_t i = 0; i < review->findings.count; i++) {
        const struct finding *finding = &review->findings.rows[i];
        printf("difference  %s, bucket %" PRId32 ", %s%s%s%s%s\n", finding_name(finding->kind), finding->bucket, finding->id,
               *finding->journal ? "\n            journal: " : "", finding->journal,
               *finding->redis ? "\n            redis:   " : "", finding->redis);
    }
    printf("differences %zu\n", review->findings.count);
}

static enum cli_exit conclude(const struct review *review)
{
    struct sums sums = sum_up(review);
    if (review->cli->settings.json)
        print_json(review, &sums);
    else
        print_words(review, &sums);
    if (review->strays > 0)
        cli_complain(review->cli, "%" PRId64 " rows in Redis lie outside their user's bucket: was the journal's partition count "
                     "changed?", review->strays);
    if (review->unverified > 0)
        cli_say(review->cli, "%" PRId32 " of %" PRId32 " buckets wait for the ledger to verify Redis", review->unverified,
                review->buckets);
    return review->findings.count > 0 || review->strays > 0 ? CLI_NO : CLI_FINE;
}

static void review_free(struct review *review)
{
    for (int32_t b = 0; b < review->buckets; b++) {
        book_free(&review->books[b].journal);
        book_free(&review->books[b].redis);
    }
    free(review->books);
    free(review->next);
    findings_free(&review->findings);
    tokens_close(&review->tokens);
}

static enum cli_exit audit_run(struct cli *cli)
{
    enum cli_exit status;
    cli_no_words(cli);
    struct review review = { .cli = cli, .tokens = accounts_open(cli, &status) };
    if (!review.tokens)
        return status;
    review.buckets = cli_partitions(cli, TOPIC_JOURNAL);
    review.books = xcalloc((size_t)review.buckets, sizeof *review.books);
    review.next = xcalloc((size_t)review.buckets, sizeof *review.next);
    status = review.buckets > 0 ? look(&review) : CLI_AWAY;
    if (status == CLI_FINE)
        status = conclude(&review);
    review_free(&review);
    return status;
}

const struct verb verb_audit = {
    .name = "audit", .summary = "fold the journal and compare it with Redis; 1 on any difference.", .usage = "[SETTINGS]",
    .examples = "  reelgate audit\n  reelgate audit --json --settle-ms=30s",
    .uses_kafka = true, .uses_redis = true, .rows = audit_rows, .run = audit_run,
};
