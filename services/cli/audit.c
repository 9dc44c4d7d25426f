/* audit: fold the journal by entity and compare it with Redis, bucket by bucket, and its open holds with the
 * live items of jobs and tasks. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "cli/review.h"

static const struct param audit_rows[] = {
    { .name = "settle_ms", .type = PARAM_MS, .fallback = "60s", .least = "0", .most = "10m", .unit = "ms",
      .offset = offsetof(struct cli_settings, settle_ms),
      .meaning = "How long a difference must last to count. Longer than a transaction may (10 s) where "
                 "workers are busy." },
    { .name = NULL },
};

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
    out_number(&out, "liveItems", (int64_t)review->items.count);
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
           "granted     %" PRId64 "\navailable   %" PRId64 "\n"
           "reserved    %" PRId64 "\nspent       %" PRId64 "\n",
           review->entries, sums->users, sums->generations, sums->open, sums->balance.granted,
           sums->balance.available, sums->balance.reserved, sums->balance.spent);
    for (size_t i = 0; i < review->findings.count; i++) {
        const struct finding *finding = &review->findings.rows[i];
        printf("difference  %s, bucket %" PRId32 ", %s%s%s%s%s\n", finding_name(finding->kind),
               finding->bucket, finding->id,
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
        cli_complain(review->cli, "%" PRId64 " rows in Redis lie outside their user's bucket: was the "
                                             "journal's partition count "
                     "changed?", review->strays);
    if (review->unverified > 0)
        cli_say(review->cli, "%" PRId32 " of %" PRId32 " buckets wait for the ledger to verify Redis",
                review->unverified, review->buckets);
    return review->findings.count > 0 || review->strays > 0 ? CLI_NO : CLI_FINE;
}

static enum cli_exit audit_run(struct cli *cli)
{
    cli_no_words(cli);
    struct review review;
    enum cli_exit status = review_open(&review, cli);
    if (status == CLI_FINE)
        status = review_look(&review);
    if (status == CLI_FINE)
        status = conclude(&review);
    review_close(&review);
    return status;
}

const struct verb verb_audit = {
    .name = "audit", .summary = "fold the journal and compare it with Redis; 1 on any difference.",
    .usage = "[SETTINGS]",
    .examples = "  reelgate audit\n  reelgate audit --json --settle-ms=30s",
    .uses_kafka = true, .uses_redis = true, .rows = audit_rows, .run = audit_run,
};
