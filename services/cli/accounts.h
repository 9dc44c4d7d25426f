/* The token account as the command line reads it: opened, checked, with words on stderr when it can't be. */
#ifndef CLI_ACCOUNTS_H
#define CLI_ACCOUNTS_H

#include "cli/cli.h"

#include "tokens/tokens.h"

/* Given: tokens_close. NULL after saying why not; *status is CLI_AWAY then (a wrong URL ends the process). */
struct tokens *accounts_open(const struct cli *cli, enum cli_exit *status);
/* After a trouble of one of its calls: says it. Always CLI_AWAY. */
enum cli_exit accounts_away(const struct cli *cli, const struct tokens *tokens);

#endif
