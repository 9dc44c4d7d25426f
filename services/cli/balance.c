/* balance USER: what the user has, as Redis says. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/accounts.h"
#include "cli/out.h"

static void print_balance(const struct cli *cli, const char *user, const struct balance *balance,
                          bool verified)
{
    if (!cli->settings.json) {
        printf("available %" PRId64 "\nreserved  %" PRId64 "\nspent     %" PRId64 "\ngranted   %" PRId64 "\n",
               balance->available, balance->reserved, balance->spent, balance->granted);
        return;
    }
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_text(&out, "userId", user);
    out_number(&out, "granted", balance->granted);
    out_number(&out, "available", balance->available);
    out_number(&out, "reserved", balance->reserved);
    out_number(&out, "spent", balance->spent);
    out_bool(&out, "verified", verified);
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

static enum cli_exit balance_run(struct cli *cli)
{
    const char *user = cli_id(cli, "USER", cli_word(cli, "USER"));
    enum cli_exit status;
    struct tokens *tokens = accounts_open(cli, &status);
    if (!tokens)
        return status;
    struct balance balance = { 0 };
    bool verified = false;
    if (tokens_balance(tokens, user, &balance, &verified) == TROUBLE_NONE) {
        print_balance(cli, user, &balance, verified);
        if (!verified)
            cli_say(cli, "this account is waiting for the ledger to verify Redis: the numbers may be old");
    } else {
        status = accounts_away(cli, tokens);
    }
    tokens_close(&tokens);
    return status;
}

const struct verb verb_balance = {
    .name = "balance", .summary = "what a user has: available, reserved, spent.", .usage = "USER [SETTINGS]",
    .examples = "  reelgate balance u-1\n  reelgate balance u-1 --json",
    .uses_kafka = true, .uses_redis = true, .run = balance_run,
};
