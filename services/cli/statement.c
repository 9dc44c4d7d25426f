/* statement USER: the user's journal entries, newest last, each with the balance after it. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/journal.h"
#include "cli/out.h"

static const struct param statement_rows[] = {
    { .name = "limit", .type = PARAM_COUNT, .fallback = "50", .least = "1", .most = "100000",
      .unit = "entries",
      .offset = offsetof(struct cli_settings, limit),
      .meaning = "How many of the newest entries are printed." },
    { .name = NULL },
};

struct line {
    char kind[17], *id, *description;
    int64_t amount, at_ms, offset;
    bool has_balance;
    struct balance after;
};
/* a ring of the last limit lines */
struct statement { const char *user; struct line *lines; size_t count, limit; };

static void take_entry(void *self, int32_t bucket, int64_t offset, const struct event *entry)
{
    struct statement *statement = self;
    (void)bucket;
    if (!entry->user_id || strcmp(entry->user_id, statement->user) != 0 || entry->amount == EVENT_ABSENT)
        return;
    struct line *line = &statement->lines[statement->count++ % statement->limit];
    free(line->id);
    free(line->description);
    const char *id = entry->generation_id ? entry->generation_id : entry->grant_id;
    *line = (struct line){ .id = xstrdup(id ? id : ""), .description = entry->description
                           ? xstrdup(entry->description) : NULL,
                           .amount = entry->amount, .at_ms = entry->at, .offset = offset,
                           .has_balance = entry->has_balance, .after = entry->balance };
    snprintf(line->kind, sizeof line->kind, "%s", entry->kind);
}

static void print_line(const struct line *line)
{
    char at[RFC3339_BYTES];
    clock_format(line->at_ms, at);
    printf("%s  %-8s %10" PRId64, at, line->kind, line->amount);
    if (line->has_balance)
        printf(" %12" PRId64 " %10" PRId64 " %10" PRId64, line->after.available, line->after.reserved,
               line->after.spent);
    else
        printf(" %12s %10s %10s", "-", "-", "-");
    printf("  %s%s%s\n", line->id, line->description ? "  " : "", line->description ? line->description : "");
}

static void json_line(const struct line *line, struct text *out)
{
    bool grant = strcmp(line->kind, "grant") == 0;
    out_open(out, NULL, '{');
    out_time(out, "at", line->at_ms);
    out_text(out, "kind", line->kind);
    out_text(out, grant ? "grantId" : "generationId", line->id);
    out_number(out, "amount", line->amount);
    out_text(out, "description", line->description);
    if (line->has_balance)
        out_balance(out, "balance", &line->after);
    out_number(out, "offset", line->offset);
    out_close(out, '}');
}

static void print_statement(const struct cli *cli, const struct statement *statement)
{
    size_t kept = statement->count < statement->limit ? statement->count : statement->limit;
    size_t first = statement->count - kept;
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_text(&out, "userId", statement->user);
    out_number(&out, "count", (int64_t)statement->count);
    out_open(&out, "entries", '[');
    if (!cli->settings.json && kept > 0)
        printf("%-24s  %-8s %10s %12s %10s %10s  %s\n", "at", "kind", "amount", "available", "reserved",
               "spent", "for");
    for (size_t i = first; i < statement->count; i++) {
        const struct line *line = &statement->lines[i % statement->limit];
        if (cli->settings.json)
            json_line(line, &out);
        else
            print_line(line);
    }
    out_close(&out, ']');
    out_close(&out, '}');
    if (cli->settings.json)
        out_print(&out);
    text_free(&out);
    if (first > 0)
        cli_say(cli, "%zu older entries are not shown (--limit)", first);
}

static enum cli_exit statement_run(struct cli *cli)
{
    const char *user = cli_id(cli, "USER", cli_word(cli, "USER"));
    int32_t buckets = cli_partitions(cli, TOPIC_JOURNAL);
    if (buckets == 0)
        return CLI_AWAY;
    struct statement statement = { .user = user, .limit = (size_t)cli->settings.limit };
    statement.lines = xcalloc(statement.limit, sizeof *statement.lines);
    int64_t *from = xcalloc((size_t)buckets, sizeof *from);
    int32_t bucket = bucket_of(user, strlen(user), buckets);
    for (int32_t b = 0; b < buckets; b++)
        from[b] = b == bucket ? 0 : -1;
    enum cli_exit status = journal_read(cli, from, buckets,
                                        &(struct journal_visitor){ .self = &statement, .entry = take_entry });
    if (status == CLI_FINE)
        print_statement(cli, &statement);
    for (size_t i = 0; i < statement.limit; i++) {
        free(statement.lines[i].id);
        free(statement.lines[i].description);
    }
    free(statement.lines);
    free(from);
    return status;
}

const struct verb verb_statement = {
    .name = "statement", .summary = "a user's journal entries, newest last.", .usage = "USER [SETTINGS]",
    .examples = "  reelgate statement u-1\n  reelgate statement u-1 --limit=1000 --json",
    .uses_kafka = true, .rows = statement_rows, .run = statement_run,
};
