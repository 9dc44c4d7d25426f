#include "cli/accounts.h"

struct tokens *accounts_open(const struct cli *cli, enum cli_exit *status)
{
    char error[200];
    *status = CLI_AWAY;
    const struct tokens_config config = {
        .redis_url = cli->settings.redis_url, .timeout_ms = (int)cli->settings.timeout_ms,
        /* not used for reading */
        .dedupe_window_ms = INT64_C(7) * 86400000, .refusal_window_ms = INT64_C(3600000),
    };
    struct tokens *tokens = tokens_open(&config, error);
    if (!tokens)
        cli_usage(cli, "redis_url: %s", error);
    int32_t partitions = cli_partitions(cli, TOPIC_JOURNAL);
    if (partitions == 0) {
        tokens_close(&tokens);
        return NULL;
    }
    tokens_partitions(tokens, partitions);
    *status = CLI_FINE;
    return tokens;
}

enum cli_exit accounts_away(const struct cli *cli, const struct tokens *tokens)
{
    const char *reason = NULL;
    tokens_unverified(tokens, &reason);
    cli_complain(cli, "Redis did not answer%s%s", reason && *reason ? ": " : "", reason ? reason : "");
    return CLI_AWAY;
}
