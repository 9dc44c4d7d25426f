/* reconcile --provider: what Runway says it billed, per day and model, against the tasks that we submitted and saw end. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/bill.h"
#include "cli/journal.h"
#include "cli/out.h"
#include "cli/wire.h"
#include "runway/runway.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)
#define DAY_MS INT64_C(86400000)

static const struct param reconcile_rows[] = {
    { .name = "provider", .type = PARAM_BOOL, .fallback = "false", AT(provider),
      .meaning = "With the provider: the one thing there is to reconcile with (the audit does the rest)." },
    { .name = "days", .type = PARAM_COUNT, .fallback = "6", .least = "1", .most = "90", AT(days), .unit = "days",
      .meaning = "How many days of UTC, today included. No more than results and tasks are kept: 7 days by default." },
    { .name = "runway_base_url", .type = PARAM_URL, .fallback = "https://api.dev.runwayml.com", .choices = "http|https",
      .environment = "RUNWAYML_BASE_URL", AT(runway_base_url), .meaning = "Where Runway's API is." },
    { .name = "runway_api_secret", .type = PARAM_SECRET, .least = "1", .environment = "RUNWAYML_API_SECRET", AT(runway_key),
      .meaning = "Runway's API key. Required." },
    { .name = NULL },
};

struct reconciliation {
    const struct cli *cli;
    struct bill bill;
    char from[BILL_DATE_BYTES], before[BILL_DATE_BYTES];
    enum topic reading;
    bool answered, refused; int http_status; char words[200];
};

/* ---- the provider's side */

static void take_usage(void *self, void *tag, const struct runway_usage_answer *answer)
{
    struct reconciliation *all = self;
    (void)tag;
    all->answered = true;
    all->refused = !answer->answered;
    all->http_status = answer->http_status;
    snprintf(all->words, sizeof all->words, "%s", answer->message ? answer->message : "");
    for (size_t i = 0; i < answer->count; i++)
        bill_provider(&all->bill, answer->rows[i].date, answer->rows[i].model, answer->rows[i].credits);
}

static enum cli_exit ask_provider(struct reconciliation *all)
{
    const struct cli_settings *settings = &all->cli->settings;
    const struct runway_config config = { .base_url = settings->runway_base_url, .key = settings->runway_key,
                                          .create_timeout_ms = (int)settings->timeout_ms,
                                          .look_timeout_ms = (int)settings->timeout_ms };
    const char *flaw = runway_config_flaw(&config);
    if (flaw)
        cli_usage(all->cli, "runway_api_secret: %s", flaw);
    struct http_client *http = http_client_open();
    struct runway *runway = runway_open(&config, http);
    runway_usage(runway, &(struct runway_usage_span){ all->from, all->before }, take_usage, all, NULL);
    while (!all->answered)
        http_client_step(http, NULL, 0, 500);
    runway_close(&runway);
    http_client_close(&http);
    if (!all->refused)
        return CLI_FINE;
    cli_complain(all->cli, "%s did not tell its usage: HTTP %d, %s", settings->runway_base_url, all->http_status, all->words);
    return CLI_AWAY;
}

/* ---- our side */

static void take_record(void *self, const struct kafka_record *record)
{
    struct reconciliation *all = self;
    struct event event;
    if (record->value_length == 0 || !wire_read(record, all->reading, &event))
        return;
    bill_event(&all->bill, &event, record->timestamp_ms);
    event_clear(&event);
}

static enum cli_exit read_ours(struct reconciliation *all)
{
    static const enum topic READ[] = { TOPIC_TASKS, TOPIC_RESULTS };
    enum cli_exit status = CLI_FINE;
    for (int i = 0; i < 2 && status == CLI_FINE; i++) {
        int32_t partitions = cli_partitions(all->cli, READ[i]);
        int64_t *from = xcalloc((size_t)partitions + 1, sizeof *from);
        all->reading = READ[i];
        status = partitions > 0 ? topic_read(all->cli, READ[i], from, partitions, take_record, all) : CLI_AWAY;
        free(from);
    }
    return status;
}

/* ---- what came of it */

static void print_row(const struct bill_row *row)
{
    char expected[64];
    if (row->most > row->least)
        snprintf(expected, sizeof expected, "%.6g to %.6g", row->least, row->most);
    else
        snprintf(expected, sizeof expected, "%.6g", row->least);
    printf("%s  %-16s %6" PRId64 " submitted %6" PRId64 " completed %6" PRId64 " failed %8" PRId64
           " tokens  expected %-16s billed %-10.6g%s\n", row->date, row->model, row->submitted, row->completed, row->failed,
           row->charged_tokens, expected, row->billed, bill_differs(row) ? "  DIFFERS" : "");
}

static void out_credits(struct text *out, const char *name, double credits)
{
    char number[32];
    snprintf(number, sizeof number, "%.10g", credits);
    out_raw(out, name, number);
}

static void json_row(const struct bill_row *row, struct text *out)
{
    out_open(out, NULL, '{');
    out_text(out, "date", row->date);
    out_text(out, "model", row->model);
    out_number(out, "submitted", row->submitted);
    out_number(out, "completed", row->completed);
    out_number(out, "failed", row->failed);
    out_number(out, "unpriced", row->unpriced);
    out_number(out, "chargedTokens", row->charged_tokens);
    out_credits(out, "expectedLeast", row->least);
    out_credits(out, "expectedMost", row->most);
    out_credits(out, "billed", row->billed);
    out_bool(out, "differs", bill_differs(row));
    out_close(out, '}');
}

static void print_json(const struct reconciliation *all, int64_t differences)
{
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_text(&out, "from", all->from);
    out_text(&out, "before", all->before);
    out_open(&out, "rows", '[');
    for (size_t i = 0; i < all->bill.count; i++)
        json_row(&all->bill.rows[i], &out);
    out_close(&out, ']');
    out_number(&out, "unknownSubmissions", all->bill.unknown);
    out_number(&out, "differences", differences);
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

static enum cli_exit conclude(struct reconciliation *all)
{
    int64_t differences = 0;
    bill_make(&all->bill, all->from, all->before);
    for (size_t i = 0; i < all->bill.count; i++) {
        differences += bill_differs(&all->bill.rows[i]);
        if (!all->cli->settings.json)
            print_row(&all->bill.rows[i]);
    }
    if (all->cli->settings.json)
        print_json(all, differences);
    else
        printf("differences %" PRId64 "\n", differences);
    if (all->bill.unknown > 0)
        cli_say(all->cli, "%" PRId64 " submissions ended without an answer: the provider may have billed them; see reelgate "
                "submissions --unknown", all->bill.unknown);
    return differences > 0 ? CLI_NO : CLI_FINE;
}

static enum cli_exit reconcile_run(struct cli *cli)
{
    struct reconciliation all = { .cli = cli };
    const int64_t today_ms = clock_wall_ms() / DAY_MS * DAY_MS;
    cli_no_words(cli);
    if (!cli->settings.provider)
        cli_usage(cli, "--provider is missing: there is nothing else to reconcile with");
    if (!cli->settings.runway_key)
        cli_usage(cli, "runway_api_secret is not set");
    bill_date(today_ms - (cli->settings.days - 1) * DAY_MS, all.from);
    bill_date(today_ms + DAY_MS, all.before);
    enum cli_exit status = ask_provider(&all);
    if (status == CLI_FINE)
        status = read_ours(&all);
    if (status == CLI_FINE)
        status = conclude(&all);
    bill_free(&all.bill);
    return status;
}

const struct verb verb_reconcile = {
    .name = "reconcile", .summary = "compare the provider's bill with what we submitted; 1 on any difference.",
    .usage = "--provider [SETTINGS]",
    .examples = "  reelgate reconcile --provider\n  reelgate reconcile --provider --days=2 --json",
    .uses_kafka = true, .rows = reconcile_rows, .run = reconcile_run,
};
