/* status GENERATION --user U: where a generation is, as Redis says. status --provider: how Runway is. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/accounts.h"
#include "cli/out.h"
#include "cli/provider.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param status_rows[] = {
    { .name = "user", .type = PARAM_TEXT, AT(user), .meaning = "Whose generation it is." },
    { .name = "provider", .type = PARAM_BOOL, .fallback = "false", AT(provider),
      .meaning = "Not a generation: does Runway take our calls, how much does it take at once, and what do the "
                 "generators and pollers say of it. 1: the key is refused, credit is spent, or a breaker is open." },
    { .name = "workers", .type = PARAM_TEXT, .environment = "REELGATE_WORKERS", AT(workers),
      .meaning = "With --provider: health addresses of generators and pollers, http://host:port, separated by "
                 "commas." },
    { .name = "runway_base_url", .type = PARAM_URL, .fallback = "https://api.dev.runwayml.com",
      .choices = "http|https", .environment = "RUNWAYML_BASE_URL", AT(runway_base_url),
      .meaning = "With --provider: where Runway's API is." },
    { .name = "runway_api_secret", .type = PARAM_SECRET, .environment = "RUNWAYML_API_SECRET", AT(runway_key),
      .meaning = "With --provider: Runway's API key; without it only the workers are asked." },
    { .name = NULL },
};

static void print_json(const char *id, const struct tokens_generation *generation)
{
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_text(&out, "generationId", id);
    out_text(&out, "state", generation->state);
    out_text(&out, "status", generation->status);
    out_number(&out, "heldTokens", generation->held_tokens);
    out_number(&out, "committedTokens", generation->committed_tokens);
    out_number(&out, "releasedTokens", generation->released_tokens);
    out_time(&out, "at", generation->at_ms);
    out_text(&out, "origin", generation->origin);
    out_raw(&out, "view", generation->view && *generation->view ? generation->view : NULL);
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

static void print_words(const struct tokens_generation *generation)
{
    char at[RFC3339_BYTES];
    clock_format(generation->at_ms, at);
    printf("status    %s\n"
           "tokens    %s: held %" PRId64 ", committed %" PRId64 ", released %" PRId64 "\n"
           "since     %s\n",
           generation->status ? generation->status : generation->state, generation->state,
           generation->held_tokens, generation->committed_tokens, generation->released_tokens, at);
    if (generation->origin)
        printf("origin    %s\n", generation->origin);
    if (generation->view && *generation->view)
        printf("details   %s\n", generation->view);
}

static enum cli_exit status_run(struct cli *cli)
{
    if (cli->settings.provider)
        return provider_status(cli);
    const char *id = cli_id(cli, "GENERATION", cli_word(cli, "GENERATION"));
    const char *user = cli_id(cli, "--user", cli->settings.user);
    enum cli_exit status;
    struct tokens *tokens = accounts_open(cli, &status);
    if (!tokens)
        return status;
    struct tokens_generation generation = { 0 };
    bool found = false;
    if (tokens_generation(tokens, user, id, &generation, &found) != TROUBLE_NONE) {
        status = accounts_away(cli, tokens);
    } else if (!found) {
        cli_complain(cli, "no generation %s of user %s (what has ended is remembered for seven days)", id,
                     user);
        status = CLI_NO;
    } else {
        if (cli->settings.json)
            print_json(id, &generation);
        else
            print_words(&generation);
        tokens_generation_free(&generation);
    }
    tokens_close(&tokens);
    return status;
}

const struct verb verb_status = {
    .name = "status", .summary = "where a generation is; or, --provider, how Runway is.",
    .usage = "GENERATION --user=USER [SETTINGS]",
    .examples = "  reelgate status g-1 --user=u-1\n"
                "  RUNWAYML_API_SECRET_FILE=/run/secrets/runway reelgate status --provider "
                "--workers=http://generator-0:9102", .uses_kafka = true, .uses_redis = true,
    .rows = status_rows,
    .run = status_run,
};
