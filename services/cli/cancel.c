/* cancel GENERATION --user U: ask for a generation to be cancelled. */
#include <stddef.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "cli/outcome.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param cancel_rows[] = {
    { .name = "user", .type = PARAM_TEXT, AT(user), .meaning = "Whose generation it is." },
    { .name = "wait", .type = PARAM_BOOL, .fallback = "false", AT(wait),
      .meaning = "Follow the generation to its end, which may be another: a video that is finished is "
                 "delivered." },
    { .name = "wait_ms", .type = PARAM_MS, .fallback = "10m", .least = "100ms", .most = "2d", AT(wait_ms),
      .unit = "ms",
      .meaning = "How long to follow." },
    { .name = NULL },
};

static enum cli_exit cancel_run(struct cli *cli)
{
    const char *id = cli_id(cli, "GENERATION", cli_word(cli, "GENERATION"));
    cli_id(cli, "--user", cli->settings.user);
    struct text data = { 0 };
    out_open(&data, NULL, '{');
    out_text(&data, "generationId", id);
    out_text(&data, "userId", cli->settings.user);
    out_close(&data, '}');
    enum cli_exit status = outcome_publish(cli, &(struct outcome_order){
        .type = EVENT_GENERATION_CANCEL_REQUESTED, .data = &data, .generation_id = id,
        .user_id = cli->settings.user,
        .follow = cli->settings.wait });
    text_free(&data);
    return status;
}

const struct verb verb_cancel = {
    .name = "cancel", .summary = "ask for a generation to be cancelled.",
    .usage = "GENERATION --user=USER [SETTINGS]",
    .examples = "  reelgate cancel g-1 --user=u-1\n  reelgate cancel g-1 --user=u-1 --wait",
    .uses_kafka = true, .rows = cancel_rows, .run = cancel_run,
};
