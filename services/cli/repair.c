/* repair: writes again what a lost or torn transaction (hazards K1) should have left, from the answer that Redis recorded; and
 * has rebuilt what only Redis has wrong. First the audit, then what could be done about each finding; nothing is written
 * before that was agreed to. All of it is one transaction, under the same second guard as a worker's batch. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "cli/accounts.h"
#include "cli/amends.h"
#include "cli/out.h"
#include "tokens/recovery.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param repair_rows[] = {
    { .name = "settle_ms", .type = PARAM_MS, .fallback = "60s", .least = "0", .most = "10m", .unit = "ms", AT(settle_ms),
      .meaning = "How long a difference must last to count: as for the audit." },
    { .name = "yes", .type = PARAM_BOOL, .fallback = "false", AT(yes),
      .meaning = "Do it without asking. Without it and without a terminal nothing is done." },
    { .name = "policy", .type = PARAM_PATH, AT(policy_path),
      .meaning = "The policy file that admission has: needed only where a job has to be made from its request once more." },
    { .name = "default_deadline_ms", .type = PARAM_MS, .fallback = "15m", .least = "1m", .most = "24h", .unit = "ms",
      AT(deadline_ms), .meaning = "As admission's setting of that name; for the same case." },
    { .name = NULL },
};

struct repair {
    const struct cli *cli;
    struct review review;
    struct evidence evidence;
    struct amends amends;
    bool *rebuild;                       /* by bucket */
    char (*lines)[33];                   /* by bucket: the verification under which all this was read; "": none */
    int64_t writes, rebuilds, left;
};

/* ---- what is to be done, in words */

static void tell(struct repair *repair, struct text *json, const char *id, const char *what)
{
    if (repair->cli->settings.json) {
        out_open(json, NULL, '{');
        out_text(json, "id", id);
        out_text(json, "remedy", what);
        out_close(json, '}');
    } else {
        printf("%s: %s\n", id, what);
    }
}

static void tell_remedy(struct repair *repair, struct text *json, const char *id, const struct remedy *remedy)
{
    static const struct { size_t at; const char *words; } WRITES[] = {
        { offsetof(struct remedy, reserve), "write its reserve entry" },
        { offsetof(struct remedy, commit), "write its commit entry" },
        { offsetof(struct remedy, release), "write its release entry" },
        { offsetof(struct remedy, accepted), "announce its acceptance" },
        { offsetof(struct remedy, job_anew), "make its job from the request once more" },
        { offsetof(struct remedy, job_again), "write its job again" },
        { offsetof(struct remedy, task_again), "write its task again, to be looked at until its verdict" },
    };
    for (size_t i = 0; i < sizeof WRITES / sizeof WRITES[0]; i++)
        if (*(const bool *)((const char *)remedy + WRITES[i].at)) {
            tell(repair, json, id, WRITES[i].words);
            repair->writes++;
        }
    if (remedy->rebuild)
        tell(repair, json, id, "rebuild its bucket: Redis is not what the journal says");
    if (remedy->left) {
        char words[300];
        snprintf(words, sizeof words, "left: %s", remedy->left);
        tell(repair, json, id, words);
        repair->left++;
    }
}

/* ---- deciding */

static void decide_grant(struct repair *repair, const struct suspect *suspect, struct text *json)
{
    const struct book *journal = &repair->review.books[suspect->bucket].journal;
    const struct remedy_grant facts = { .in_journal = names_find(&journal->grants, suspect->id) != NAME_NONE,
                                        .in_redis = suspect->found, .passed = suspect->origin_passed };
    switch (remedy_of_grant(&facts)) {
    case GRANT_REMEDY_ENTRY:
        amends_grant(&repair->amends, suspect);
        tell(repair, json, suspect->id, "write its grant entry");
        repair->writes++;
        return;
    case GRANT_REMEDY_REBUILD:
        repair->rebuild[suspect->bucket] = true;
        tell(repair, json, suspect->id, "rebuild its bucket: Redis is not what the journal says");
        return;
    case GRANT_REMEDY_WAIT:
        tell_remedy(repair, json, suspect->id, &(struct remedy){ .left = REMEDY_WAIT_LEDGER });
        return;
    }
}

static void decide_generation(struct repair *repair, const struct suspect *suspect, struct text *json)
{
    struct remedy_facts facts;
    struct remedy remedy;
    evidence_facts(&repair->evidence, suspect, &facts);
    remedy_of_generation(&facts, &remedy);
    amends_generation(&repair->amends, suspect, &remedy);
    repair->rebuild[suspect->bucket] |= remedy.rebuild;
    tell_remedy(repair, json, suspect->id, &remedy);
}

/* A balance that differs, and nothing else of that bucket does: then no record can mend it. */
static void decide_rest(struct repair *repair, struct text *json)
{
    const struct findings *findings = &repair->review.findings;
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->rows[i];
        bool cause = false;
        if (finding_about(finding->kind) == ABOUT_ENTRY)
            tell_remedy(repair, json, finding->id, &(struct remedy){ .left = "it stands in the journal for ever" });
        if (finding_about(finding->kind) != ABOUT_USER)
            continue;
        for (size_t s = 0; s < repair->evidence.count; s++)
            cause = cause || repair->evidence.rows[s].bucket == finding->bucket;
        if (cause || repair->rebuild[finding->bucket])
            continue;
        repair->rebuild[finding->bucket] = true;
        tell(repair, json, finding->id, "rebuild its bucket: the balance in Redis is not what the journal says");
    }
}

static void decide(struct repair *repair)
{
    struct text json = { 0 };
    out_open(&json, NULL, '{');
    out_open(&json, "remedies", '[');
    for (size_t i = 0; i < repair->evidence.count; i++) {
        const struct suspect *suspect = &repair->evidence.rows[i];
        (suspect->grant ? decide_grant : decide_generation)(repair, suspect, &json);
    }
    decide_rest(repair, &json);
    for (int32_t b = 0; b < repair->review.buckets; b++)
        repair->rebuilds += repair->rebuild[b];
    out_close(&json, ']');
    out_number(&json, "records", repair->writes);
    out_number(&json, "rebuilds", repair->rebuilds);
    out_number(&json, "left", repair->left);
    out_close(&json, '}');
    if (repair->cli->settings.json)
        out_print(&json);
    text_free(&json);
}

/* ---- agreed? */

static bool agreed(const struct repair *repair)
{
    char answer[8] = "";
    if (repair->cli->settings.yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        cli_say(repair->cli, "nothing was done: --yes does it");
        return false;
    }
    fprintf(stderr, "Write %" PRId64 " records and rebuild %" PRId64 " buckets? [y/N] ", repair->writes, repair->rebuilds);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* ---- doing */

static enum cli_exit read_lines(struct repair *repair)
{
    for (int32_t b = 0; b < repair->review.buckets; b++) {
        bool verified = false;
        int64_t journaled;
        if (recovery_guard(repair->review.tokens, b, &verified, repair->lines[b], &journaled) != TROUBLE_NONE)
            return accounts_away(repair->cli, repair->review.tokens);
        if (!verified)
            repair->lines[b][0] = '\0';
    }
    return CLI_FINE;
}

/* After the flush and before the commit: every bucket that is written about is verified as it was when it was read. An entry
 * that a recovery has not seen would otherwise pass for one that Redis has. */
static bool unchanged(void *self, int32_t bucket)
{
    struct repair *repair = self;
    bool verified = false;
    char line[33];
    int64_t journaled;
    return recovery_guard(repair->review.tokens, bucket, &verified, line, &journaled) == TROUBLE_NONE && verified
        && strcmp(line, repair->lines[bucket]) == 0;
}

static enum cli_exit forget_buckets(struct repair *repair)
{
    for (int32_t b = 0; b < repair->review.buckets; b++)
        if (repair->rebuild[b] && recovery_forget(repair->review.tokens, b) == TROUBLE_RETRY)
            return accounts_away(repair->cli, repair->review.tokens);
    if (repair->rebuilds > 0)
        cli_say(repair->cli, "the ledger rebuilds %" PRId64 " buckets now", repair->rebuilds);
    return CLI_FINE;
}

static enum cli_exit do_it(struct repair *repair)
{
    enum cli_exit status = CLI_FINE;
    if (repair->writes > 0)
        status = amends_write(&repair->amends, &(struct amends_guard){ repair, unchanged });
    if (status == CLI_FINE)
        status = forget_buckets(repair);
    if (status == CLI_FINE && repair->writes > 0)
        cli_say(repair->cli, "%" PRId64 " records written; reelgate audit shows whether all is well", repair->writes);
    return status == CLI_FINE && repair->left > 0 ? CLI_NO : status;
}

static enum cli_exit repair_all(struct repair *repair)
{
    repair->rebuild = xcalloc((size_t)repair->review.buckets, sizeof *repair->rebuild);
    repair->lines = xcalloc((size_t)repair->review.buckets, sizeof *repair->lines);
    enum cli_exit status = read_lines(repair);
    if (status == CLI_FINE)
        status = evidence_open(&repair->evidence, &repair->review);
    if (status == CLI_FINE)
        status = review_look(&repair->review);
    if (status == CLI_FINE)
        status = evidence_gather(&repair->evidence);
    if (status != CLI_FINE)
        return status;
    amends_open(&repair->amends, repair->cli);
    decide(repair);
    if (repair->writes + repair->rebuilds == 0)
        return repair->left > 0 ? CLI_NO : CLI_FINE;
    return agreed(repair) ? do_it(repair) : CLI_NO;
}

static enum cli_exit repair_run(struct cli *cli)
{
    struct repair repair = { .cli = cli };
    cli_no_words(cli);
    enum cli_exit status = review_open(&repair.review, cli);
    if (status == CLI_FINE)
        status = repair_all(&repair);
    amends_close(&repair.amends);
    evidence_close(&repair.evidence);
    review_close(&repair.review);
    free(repair.rebuild);
    free(repair.lines);
    return status;
}

const struct verb verb_repair = {
    .name = "repair", .summary = "write again what a lost transaction should have left.", .usage = "[SETTINGS]",
    .examples = "  reelgate repair\n  reelgate repair --yes --policy=/etc/reelgate/policy.json",
    .uses_kafka = true, .uses_redis = true, .rows = repair_rows, .run = repair_run,
};
