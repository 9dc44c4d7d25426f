/* healthcheck URL: for containers, so that images need no curl. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "http/client.h"

struct health_answer { bool there; int status; char words[200]; };

static void take_answer(void *self, void *tag, const struct http_answer *answer)
{
    struct health_answer *taken = self;
    (void)tag;
    taken->there = true;
    taken->status = answer->end == HTTP_ANSWERED ? answer->status : 0;
    if (answer->end != HTTP_ANSWERED)
        snprintf(taken->words, sizeof taken->words, "%s", answer->reason ? answer->reason : "no answer");
    else
        snprintf(taken->words, sizeof taken->words, "%.*s", (int)(answer->body_length < 199
                                                                  ? answer->body_length : 199),
                 answer->body ? answer->body : "");
    taken->words[strcspn(taken->words, "\r\n")] = '\0';
}

static enum cli_exit healthcheck_run(struct cli *cli)
{
    const char *url = cli_word(cli, "a URL");
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        cli_usage(cli, "\"%s\" is not allowed: must be http://... or https://...", url);
    struct health_answer answer = { 0 };
    const struct http_request request = {
        .method = "GET", .url = url, .connect_timeout_ms = (int)cli->settings.timeout_ms,
        .timeout_ms = (int)cli->settings.timeout_ms, .answer_cap_bytes = 1024 * 1024,
    };
    struct http_client *client = http_client_open();
    http_client_start(client, &request, take_answer, &answer, NULL);
    while (!answer.there)
        http_client_step(client, NULL, 0, 1000);
    http_client_close(&client);

    bool healthy = answer.status >= 200 && answer.status < 300;
    if (cli->settings.json) {
        struct text out = { 0 };
        out_open(&out, NULL, '{');
        out_text(&out, "url", url);
        out_bool(&out, "healthy", healthy);
        out_number(&out, "status", answer.status);
        out_text(&out, "words", answer.words);
        out_close(&out, '}');
        out_print(&out);
        text_free(&out);
    } else {
        printf("%s %d %s\n", healthy ? "healthy" : "unhealthy", answer.status, answer.words);
    }
    return healthy ? CLI_FINE : CLI_NO;
}

const struct verb verb_healthcheck = {
    .name = "healthcheck", .summary = "ask a worker's health URL; 0 when it answers 2xx.",
    .usage = "URL [SETTINGS]",
    .examples = "  reelgate healthcheck http://127.0.0.1:9101/readyz --timeout-ms=2s",
    .run = healthcheck_run,
};
