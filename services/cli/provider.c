#include "cli/provider.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "cli/out.h"
#include "json/json.h"
#include "runway/runway.h"

enum { ANSWER_BYTES_MAX = 1024 * 1024, WORKERS_MAX = 64, REASONS_BYTES = 300 };

/* ---- the provider itself */

struct asked { bool there; struct runway_organization_answer answer; char words[200]; };

static void take_organization(void *self, void *tag, const struct runway_organization_answer *answer)
{
    struct asked *asked = self;
    (void)tag;
    asked->there = true;
    asked->answer = *answer;
    snprintf(asked->words, sizeof asked->words, "%s", answer->message ? answer->message : "");
}

static void ask_provider(const struct cli *cli, struct asked *asked)
{
    const struct cli_settings *settings = &cli->settings;
    const struct runway_config config = { .base_url = settings->runway_base_url, .key = settings->runway_key,
                                          .create_timeout_ms = (int)settings->timeout_ms,
                                          .look_timeout_ms = (int)settings->timeout_ms };
    const char *flaw = runway_config_flaw(&config);
    if (flaw)
        cli_usage(cli, "runway_api_secret: %s", flaw);
    struct http_client *http = http_client_open();
    struct runway *runway = runway_open(&config, http);
    runway_organization(runway, take_organization, asked, NULL);
    while (!asked->there)
        http_client_step(http, NULL, 0, 500);
    runway_close(&runway);
    http_client_close(&http);
}

static const char *verdict_of(const struct runway_organization_answer *answer)
{
    if (answer->operator_trouble)
        return "key_refused";
    if (!answer->answered)
        return "no_answer";
    return answer->credit_balance > 0 ? "good" : "no_credit";
}

static enum cli_exit status_of(const struct runway_organization_answer *answer)
{
    if (!answer->answered && !answer->operator_trouble)
        return CLI_AWAY;
    return strcmp(verdict_of(answer), "good") == 0 ? CLI_FINE : CLI_NO;
}

static void print_limit(const char *name, int64_t limit)
{
    if (limit >= 0)
        printf("  %s %" PRId64, name, limit);
}

static void print_provider(const struct cli *cli, const struct asked *asked)
{
    const struct runway_organization_answer *answer = &asked->answer;
    printf("provider  %s  %s", cli->settings.runway_base_url, verdict_of(answer));
    if (answer->answered)
        printf(", %" PRId64 " credits\n", answer->credit_balance);
    else
        printf(": HTTP %d, %s\n", answer->http_status, asked->words);
    for (int i = 0; i < answer->model_count; i++) {
        printf("model     %s", answer->models[i].model);
        print_limit("at once", answer->models[i].concurrent);
        print_limit("a day", answer->models[i].daily);
        print_limit("used", answer->models[i].daily_used);
        putchar('\n');
    }
}

static int64_t or_absent(int64_t limit)
{
    return limit >= 0 ? limit : OUT_ABSENT;
}

static void json_provider(const struct cli *cli, const struct asked *asked, struct text *out)
{
    const struct runway_organization_answer *answer = &asked->answer;
    out_open(out, "provider", '{');
    out_text(out, "url", cli->settings.runway_base_url);
    out_text(out, "state", verdict_of(answer));
    out_number(out, "credits", answer->answered ? answer->credit_balance : OUT_ABSENT);
    out_text(out, "message", answer->answered ? NULL : asked->words);
    out_open(out, "models", '[');
    for (int i = 0; i < answer->model_count; i++) {
        out_open(out, NULL, '{');
        out_text(out, "model", answer->models[i].model);
        out_number(out, "concurrent", or_absent(answer->models[i].concurrent));
        out_number(out, "daily", or_absent(answer->models[i].daily));
        out_number(out, "dailyUsed", or_absent(answer->models[i].daily_used));
        out_close(out, '}');
    }
    out_close(out, ']');
    out_close(out, '}');
}

/* ---- what the workers say: their metrics and the reasons why they are not ready */

static const struct { const char *metric, *name; } numbers[] = {
    { "reelgate_breaker_open", "breakerOpen" },
    { "reelgate_generations_in_flight{state=\"ready\"}", "ready" },
    { "reelgate_generations_in_flight{state=\"waiting\"}", "waiting" },
    { "reelgate_generations_in_flight{state=\"doubtful\"}", "doubtful" },
    { "reelgate_generations_in_flight{state=\"unknown\"}", "unknown" },
    { "reelgate_tasks_live", "liveTasks" },
    { "reelgate_models_held", "modelsHeld" },
    { "reelgate_daily_limits_total", "dailyLimits" },
    { "reelgate_submissions_unknown_total", "submissionsUnknown" },
    { "reelgate_orphans_total{outcome=\"deleted\"}", "orphansDeleted" },
    { "reelgate_tasks_missing", "tasksMissing" },
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

struct worker { const char *url; bool answers, ready; char reasons[REASONS_BYTES]; int64_t values[NUMBERS]; };
struct page { bool there; int status; struct text body; };

static void take_page(void *self, void *tag, const struct http_answer *answer)
{
    struct page *page = self;
    (void)tag;
    page->there = true;
    page->status = answer->end == HTTP_ANSWERED ? answer->status : 0;
    if (page->status != 0)
        text_add(&page->body, answer->body, answer->body_length);
}

static struct page page_get(const struct cli *cli, struct http_client *http, const char *url, const char *path)
{
    struct page page = { 0 };
    struct text full = { 0 };
    text_printf(&full, "%s%s", url, path);
    text_add(&page.body, "", 0);
    http_client_start(http, &(struct http_request){ .method = "GET", .url = full.bytes,
                          .connect_timeout_ms = (int)cli->settings.timeout_ms,
                          .timeout_ms = (int)cli->settings.timeout_ms, .answer_cap_bytes = ANSWER_BYTES_MAX },
                      take_page, &page, NULL);
    while (!page.there)
        http_client_step(http, NULL, 0, 500);
    text_free(&full);
    return page;
}

/* The value of the line that begins with the metric's name and labels; OUT_ABSENT: that program has none. */
static int64_t number_in(const char *metrics, const char *metric)
{
    size_t length = strlen(metric);
    for (const char *line = metrics; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, metric, length) == 0 && line[length] == ' ')
            return (int64_t)strtod(line + length, NULL);
    }
    return OUT_ABSENT;
}

static void read_reasons(const struct page *page, struct worker *worker)
{
    char error[JSON_ERROR_BYTES];
    struct json *root = json_parse(page->body.bytes, page->body.length, JSON_BYTES_MAX, error);
    const struct json *reasons = json_get(root, "reasons");
    size_t used = 0;
    for (size_t i = 0; i < json_count(reasons); i++) {
        const char *reason = json_string(json_at(reasons, i), NULL);
        if (reason && used < sizeof worker->reasons)
            used += (size_t)snprintf(worker->reasons + used, sizeof worker->reasons - used, "%s%s", used ? "; " : "",
                                     reason);
    }
    json_free(&root);
}

static void ask_worker(const struct cli *cli, struct http_client *http, struct worker *worker)
{
    struct page ready = page_get(cli, http, worker->url, "/readyz");
    struct page metrics = page_get(cli, http, worker->url, "/metrics");
    worker->answers = ready.status != 0 && metrics.status == 200;
    worker->ready = ready.status == 200;
    if (ready.status != 0)
        read_reasons(&ready, worker);
    for (int i = 0; i < NUMBERS; i++)
        worker->values[i] = number_in(metrics.body.bytes, numbers[i].metric);
    text_free(&ready.body);
    text_free(&metrics.body);
}

static enum cli_exit status_of_worker(const struct worker *worker)
{
    if (!worker->answers)
        return CLI_AWAY;
    return worker->ready && worker->values[0] <= 0 ? CLI_FINE : CLI_NO;
}

static void print_worker(const struct worker *worker)
{
    printf("worker    %s  %s%s%s\n", worker->url, !worker->answers ? "no answer" : worker->ready ? "ready"
           : "not ready", worker->reasons[0] ? ": " : "", worker->reasons);
    for (int i = 0; i < NUMBERS && worker->answers; i++)
        if (worker->values[i] != OUT_ABSENT)
            printf("          %s %" PRId64 "\n", numbers[i].name, worker->values[i]);
}

static void json_worker(const struct worker *worker, struct text *out)
{
    out_open(out, NULL, '{');
    out_text(out, "url", worker->url);
    out_bool(out, "answers", worker->answers);
    out_bool(out, "ready", worker->ready);
    out_text(out, "reasons", worker->reasons[0] ? worker->reasons : NULL);
    for (int i = 0; i < NUMBERS; i++)
        out_number(out, numbers[i].name, worker->values[i]);
    out_close(out, '}');
}

/* ---- both */

/* The worst of both: "no" outranks "no answer", which outranks "fine". */
static void worsen(enum cli_exit *status, enum cli_exit other)
{
    if (other == CLI_NO || (other == CLI_AWAY && *status == CLI_FINE))
        *status = other;
}

static size_t ask_workers(const struct cli *cli, char *urls, struct worker *workers)
{
    size_t count = 0;
    char *rest = NULL;
    struct http_client *http = http_client_open();
    for (char *url = strtok_r(urls, ", ", &rest); url && count < WORKERS_MAX; url = strtok_r(NULL, ", ", &rest)) {
        if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
            cli_usage(cli, "workers: \"%s\" is not allowed: must be http://... or https://...", url);
        workers[count].url = url;
        ask_worker(cli, http, &workers[count++]);
    }
    http_client_close(&http);
    return count;
}

enum cli_exit provider_status(const struct cli *cli)
{
    static struct worker workers[WORKERS_MAX];
    struct asked asked = { 0 };
    bool has_key = cli->settings.runway_key && *cli->settings.runway_key;
    char *urls = xstrdup(cli->settings.workers ? cli->settings.workers : "");
    enum cli_exit status = CLI_FINE;
    cli_no_words(cli);
    if (!has_key && !*urls)
        cli_usage(cli, "--provider needs Runway's key (RUNWAYML_API_SECRET), or --workers, or both");
    if (has_key) {
        ask_provider(cli, &asked);
        worsen(&status, status_of(&asked.answer));
    }
    size_t count = ask_workers(cli, urls, workers);
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    if (has_key && cli->settings.json)
        json_provider(cli, &asked, &out);
    else if (has_key)
        print_provider(cli, &asked);
    out_open(&out, "workers", '[');
    for (size_t i = 0; i < count; i++) {
        worsen(&status, status_of_worker(&workers[i]));
        json_worker(&workers[i], &out);
        if (!cli->settings.json)
            print_worker(&workers[i]);
    }
    out_close(&out, ']');
    out_close(&out, '}');
    if (cli->settings.json)
        out_print(&out);
    text_free(&out);
    free(urls);
    return status;
}
