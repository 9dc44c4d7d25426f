/* status --provider: does the provider take our calls, and what do the workers say of it. */
#ifndef CLI_PROVIDER_H
#define CLI_PROVIDER_H

#include "cli/cli.h"

enum cli_exit provider_status(const struct cli *cli);

#endif
