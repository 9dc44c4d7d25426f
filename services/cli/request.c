/* request: ask for a video and follow it to its end. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "cli/outcome.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param request_rows[] = {
    { .name = "user", .type = PARAM_TEXT, AT(user), .meaning = "Whose tokens pay for it." },
    { .name = "prompt", .type = PARAM_TEXT, AT(prompt), .meaning = "What the video should show." },
    { .name = "model", .type = PARAM_TEXT, AT(model),
      .meaning = "The provider's model; without one, the policy's default." },
    { .name = "duration", .type = PARAM_COUNT, .least = "1", .most = "3600", AT(duration), .unit = "seconds",
      .meaning = "How long the video should be." },
    { .name = "ratio", .type = PARAM_TEXT, AT(ratio),
      .meaning = "Its ratio, as the model names it: 1280:720." },
    { .name = "image", .type = PARAM_TEXT, AT(image), .meaning = "https URL of the picture to begin with." },
    { .name = "seed", .type = PARAM_COUNT, .least = "0", .most = "4294967295", AT(seed),
      .meaning = "The model's seed." },
    { .name = "deadline", .type = PARAM_COUNT, .least = "60", .most = "86400", AT(deadline),
      .unit = "seconds",
      .meaning = "How long the generation may take before it is given up." },
    { .name = "generation_id", .type = PARAM_TEXT, AT(generation_id),
      .meaning = "Its id: the same id is generated once, however often it is published. Without one, a new "
                 "one is made." },
    { .name = "project_id", .type = PARAM_TEXT, AT(project_id), .meaning = "Handed on to the results." },
    { .name = "no_wait", .type = PARAM_BOOL, .fallback = "false", AT(no_wait),
      .meaning = "Publish and don't follow." },
    { .name = "wait_ms", .type = PARAM_MS, .fallback = "1h", .least = "100ms", .most = "2d", AT(wait_ms),
      .unit = "ms",
      .meaning = "How long to follow." },
    { .name = NULL },
};

static void write_message(const struct cli_settings *settings, const char *id, struct text *data)
{
    out_open(data, NULL, '{');
    out_text(data, "generationId", id);
    out_text(data, "userId", settings->user);
    out_text(data, "projectId", settings->project_id);
    out_text(data, "prompt", settings->prompt);
    out_text(data, "model", settings->model);
    out_number(data, "durationSeconds", settings->duration);
    out_text(data, "ratio", settings->ratio);
    out_text(data, "image", settings->image);
    out_number(data, "seed", settings->seed);
    out_number(data, "deadlineSeconds", settings->deadline);
    out_close(data, '}');
}

static enum cli_exit request_run(struct cli *cli)
{
    char made[UUID_BYTES];
    cli_no_words(cli);
    uuid7_make(made);
    const char *id = cli->settings.generation_id ? cli_id(cli, "--generation-id", cli->settings.generation_id)
        : made;
    cli_id(cli, "--user", cli->settings.user);
    if (!cli->settings.prompt)
        cli_usage(cli, "--prompt is missing");
    struct text data = { 0 };
    write_message(&cli->settings, id, &data);
    enum cli_exit status = outcome_publish(cli, &(struct outcome_order){
        .type = EVENT_GENERATION_REQUESTED, .data = &data, .generation_id = id, .user_id = cli->settings.user,
        .follow = !cli->settings.no_wait });
    text_free(&data);
    return status;
}

const struct verb verb_request = {
    .name = "request", .summary = "ask for a video and follow it to its end.",
    .usage = "--user=USER --prompt=PROMPT [SETTINGS]",
    .examples = "  reelgate request --user=u-1 --prompt=\"a red balloon over the sea\" --duration=5 "
                "--ratio=1280:720\n"
                "  reelgate request --user=u-1 --prompt=\"a red balloon\" --no-wait --json",
    .uses_kafka = true, .rows = request_rows, .run = request_run,
};
