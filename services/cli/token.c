/* token USER: a bearer token for development. In production whoever signs users in makes them. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bearer/bearer.h"
#include "cli/cli.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param token_rows[] = {
    { .name = "role", .type = PARAM_CHOICE, .fallback = "user", .choices = "user|support|admin", AT(role),
      .meaning = "What its bearer may do: support only reads." },
    { .name = "expires_ms", .type = PARAM_MS, .fallback = "12h", .least = "1s", .most = "30d", AT(expires_ms),
      .unit = "ms", .meaning = "How long it is good." },
    { .name = "jwt_secret", .type = PARAM_SECRET, AT(jwt_secret),
      .meaning = "The gateway's secret, at least 32 bytes." },
    { .name = "jwt_issuer", .type = PARAM_TEXT, AT(jwt_issuer), .meaning = "Its iss." },
    { .name = "jwt_audience", .type = PARAM_TEXT, AT(jwt_audience), .meaning = "Its aud." },
    { .name = NULL },
};

static enum cli_exit token_run(struct cli *cli)
{
    const struct cli_settings *settings = &cli->settings;
    const char *user = cli_id(cli, "USER", cli_word(cli, "USER"));
    char error[BEARER_ERROR_BYTES];
    struct bearer_keys *keys = settings->jwt_secret ? bearer_keys_secret(settings->jwt_secret, error) : NULL;
    if (!keys)
        cli_usage(cli, "jwt_secret must have at least %d bytes; give it as REELGATE_JWT_SECRET or "
                       "REELGATE_JWT_SECRET_FILE", BEARER_SECRET_BYTES_MIN);
    int64_t now_ms = clock_wall_ms();
    struct bearer_claims claims = { .expires_at_s = (now_ms + settings->expires_ms) / 1000 };
    snprintf(claims.subject, sizeof claims.subject, "%s", user);
    snprintf(claims.role, sizeof claims.role, "%s", settings->role);
    char *token = bearer_make(&(struct bearer_rules){ .keys = keys,
        .issuer = settings->jwt_issuer, .audience = settings->jwt_audience }, &claims, now_ms / 1000);
    puts(token);
    free(token);
    bearer_keys_free(&keys);
    return CLI_FINE;
}

const struct verb verb_token = {
    .name = "token", .summary = "a bearer token for the gateway, for development.", .usage = "USER [SETTINGS]",
    .examples = "  REELGATE_JWT_SECRET_FILE=jwt.secret reelgate token ada\n"
                "  REELGATE_JWT_SECRET_FILE=jwt.secret reelgate token root --role=admin",
    .rows = token_rows, .run = token_run,
};
