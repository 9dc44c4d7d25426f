#include "sandbox/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/server.h"
#include "json/json.h"
#include "sandbox/faults.h"

#include "base/param.h"

#define AT(field) .offset = offsetof(struct sandbox_config, field)

static const struct param rows[] = {
    { "address", PARAM_TEXT, .fallback = "127.0.0.1:8600", .least = "1", AT(address),
      .meaning = "Where to listen, host:port; port 0 takes a free one and logs it." },
    { "public_url", PARAM_URL, .choices = "http|https", AT(public_url),
      .meaning = "How callers reach us, for output and upload URLs; without it the Host header tells." },
    { "log_level", PARAM_CHOICE, .fallback = "info", .choices = "debug|info|warn|error", AT(log_level),
      .meaning = "What is logged; debug shows each call." },
    { "key", PARAM_SECRET, AT(key),
      .meaning = "The only API key that is accepted; without it any key_ and 128 hex digits is." },
    { "run_ms", PARAM_MS, .fallback = "3s", .least = "0", .most = "1h", AT(run_ms), .unit = "ms",
      .meaning = "How long a task renders; a prompt may say [run:1500ms]." },
    { "run_jitter", PARAM_COUNT, .fallback = "20", .least = "0", .most = "100", AT(run_jitter),
      .unit = "percent", .meaning = "How far the rendering time sways up or down." },
    { "pending_ms", PARAM_MS, .fallback = "200ms", .least = "0", .most = "1h", AT(pending_ms), .unit = "ms",
      .meaning = "How long a task is PENDING before it runs." },
    { "concurrency", PARAM_COUNT, .fallback = "20", .least = "1", .most = "1000000", AT(concurrency),
      .unit = "tasks", .meaning = "How many tasks of one model run at once; more are THROTTLED." },
    { "daily", PARAM_COUNT, .fallback = "30000", .least = "0", .most = "1000000000", AT(daily),
      .unit = "tasks", .meaning =
          "How many tasks of one model are taken in 24 hours; more are answered 429." },
    { "credits", PARAM_COUNT, .fallback = "1000000", .least = "0", .most = "1000000000000", AT(credits),
      .unit = "credits", .meaning = "What the account has at the start." },
    { "fail_ratio", PARAM_COUNT, .fallback = "0", .least = "0", .most = "100", AT(fail_ratio),
      .unit = "percent", .meaning = "How many tasks fail by chance, with INTERNAL.BAD_OUTPUT.CODE01." },
    { "url_expiry", PARAM_MS, .fallback = "24h", .least = "0", .most = "7d", AT(url_expiry), .unit = "ms",
      .meaning = "How long an output's URL is good; each look signs a new one." },
    { "retention", PARAM_MS, .fallback = "24h", .least = "1s", .most = "30d", AT(retention), .unit = "ms",
      .meaning = "How long an ended task can be asked for." },
    { "faults", PARAM_TEXT, AT(faults),
      .meaning = "Faults from the start, in JSON as POST /admin/faults takes it." },
    { 0 },
};

static const char *versions(void)
{
    static char line[64];
    snprintf(line, sizeof line, "libmicrohttpd %s", http_server_version());
    return line;
}

static void check_faults(const char *text)
{
    char error[200] = "", json_error[JSON_ERROR_BYTES];
    struct faults faults = { 0 };
    struct json *switches = json_parse(text, strlen(text), JSON_BYTES_MAX, json_error);
    bool good = faults_set(&faults, switches, error);
    json_free(&switches);
    if (good) return;
    fprintf(stderr, "reelgate-sandbox: faults: %s\n", json_error[0] ? json_error : error);
    exit(2);
}

struct sandbox_config sandbox_config_read(int argc, char **argv)
{
    static const struct param *const tables[] = { rows, NULL };
    static const struct param_program program = {
        .name = "reelgate-sandbox",
        .summary = "A local Runway developer API for tests and demonstrations; never for production.",
        .examples =
            "  reelgate-sandbox --address 127.0.0.1:8600 --run-ms 2s\n"
            "  reelgate-sandbox --faults '{\"create\":{\"mode\":\"reset\",\"probability\":0.1}}'\n"
            "  curl -d '{\"create\":{\"mode\":\"hang\",\"count\":1}}' http://127.0.0.1:8600/admin/faults\n"
            "  curl http://127.0.0.1:8600/admin/state\n"
            "\n"
            "Fault modes, for create, look, delete, organization, output, upload:\n"
            "  without effect:  status reset_before hang_before\n"
            "  after it:        hang reset status_after garbage truncate slow_headers drip unknown_status\n"
            "  beside mode:     status ms retryAfter count skip probability body\n"
            "Marks in a prompt, for one task:\n"
            "  [fail:SAFETY.INPUT.TEXT] [fail:null] [cancelled] [run:1500ms] [pending:2s] [status:WEIRD]\n"
            "  [cost:12] [outputs:2] [expiry:1s] [id:gen-17] (counted by this name in /admin/state)\n"
            "  [http:503] (no task)  [after:502] [after:hang|reset|garbage|noid] (a task is made)\n",
        .versions = versions,
        .tables = tables,
    };
    struct sandbox_config config = { 0 };
    param_read(&program, argc, argv, &config, NULL);
    if (config.faults) check_faults(config.faults);
    return config;
}
