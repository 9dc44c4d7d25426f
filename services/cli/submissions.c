/* submissions: create calls of which nobody knows whether the provider took them; listed, and settled by the
 * operator's word, who has looked at the provider's own list of tasks.
 *
 * The word goes to jobs, where its generation is: whoever owns that partition heeds it in a transaction of its
 * own (generator/words.c). While the generation is live its task is adopted, or, when there is none, it is
 * submitted again. When it has ended its tokens are released: its task is deleted. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/out.h"
#include "cli/unknown.h"
#include "cli/wire.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param submissions_rows[] = {
    { .name = "unknown", .type = PARAM_BOOL, .fallback = "false", AT(unknown),
      .meaning = "List the submissions that nobody knows of: held, or calling as long as an answer may come, and "
                 "ended." },
    { .name = "all", .type = PARAM_BOOL, .fallback = "false", AT(all),
      .meaning = "List those that ended and were settled, too." },
    { .name = "user", .type = PARAM_TEXT, AT(user), .meaning = "Whose generation it is." },
    { .name = "task_id", .type = PARAM_TEXT, AT(task_id),
      .meaning = "The task that the provider made of it: adopted while the generation is held, deleted when it "
                 "has ended." },
    { .name = "none", .type = PARAM_BOOL, .fallback = "false", AT(none),
      .meaning = "The provider made no task of it: a held one is submitted again, an ended one is noted." },
    { .name = "under_way_ms", .type = PARAM_MS, .fallback = "90s", .least = "0", .most = "15m", AT(under_way_ms),
      .unit = "ms",
      .meaning = "So long after its intent a create call may still be answered: create_timeout_ms of the generators "
                 "and 30 s. Until then there is nothing to settle." },
    { .name = "wait_ms", .type = PARAM_MS, .fallback = "60s", .least = "0", .most = "1h", AT(wait_ms), .unit = "ms",
      .meaning = "How long to wait until the generator has heeded it; 0: publish only." },
    { .name = NULL },
};

/* ---- list */

static bool under_way(const struct cli *cli, const struct unknown *row)
{
    return row->state == UNKNOWN_OPEN && clock_wall_ms() - row->since_ms < cli->settings.under_way_ms;
}

static const char *state_word(const struct cli *cli, const struct unknown *row)
{
    if (row->state == UNKNOWN_OPEN)
        return under_way(cli, row) ? "calling" : "held";
    return row->settled ? "settled" : "ended";
}

static void print_json(const struct cli *cli, const struct unknown *row)
{
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_text(&out, "generationId", row->generation_id);
    out_text(&out, "userId", row->user_id);
    out_text(&out, "state", state_word(cli, row));
    out_time(&out, "since", row->since_ms);
    out_number(&out, "attempts", row->attempts > 0 ? row->attempts : OUT_ABSENT);
    out_text(&out, "taskId", row->task_id[0] ? row->task_id : NULL);
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

static void print_row(const struct cli *cli, const struct unknown *row)
{
    char since[RFC3339_BYTES];
    clock_format(row->since_ms, since);
    printf("%-8s %s  %s  %s%s%s\n", state_word(cli, row), since, row->generation_id, row->user_id,
           row->task_id[0] ? "  " : "", row->task_id);
}

static enum cli_exit list(const struct cli *cli)
{
    struct unknowns unknowns = { 0 };
    size_t shown = 0;
    cli_no_words(cli);
    enum cli_exit status = unknowns_read(cli, &unknowns);
    for (size_t i = 0; status == CLI_FINE && i < unknowns.count; i++) {
        const struct unknown *row = &unknowns.rows[i];
        if (row->settled && row->state == UNKNOWN_ENDED && !cli->settings.all)
            continue;
        (cli->settings.json ? print_json : print_row)(cli, row);
        shown++;
    }
    if (status == CLI_FINE && shown == 0)
        cli_say(cli, "no submission is unknown");
    else if (status == CLI_FINE)
        cli_say(cli, "look for its task at the provider, then: reelgate submissions GENERATION --user=USER "
                     "--task-id=TASK, or --none");
    unknowns_free(&unknowns);
    return status;
}

/* ---- settle */

struct settling {
    const struct cli *cli;
    const char *generation_id;
    const struct unknown *row;
    struct wire_place place;             /* of the word */
    bool job_ended, job_released, heeded;
};

static void take_mark(struct settling *settling, const struct kafka_record *record)
{
    struct wire_mark mark;
    if (record->partition != settling->place.partition || !wire_read_mark(record, &mark))
        return;
    bool done = strcmp(mark.kind, "done") == 0;
    if (done && mark.item == settling->place.offset)
        settling->heeded = true;
    if (settling->row->state != UNKNOWN_OPEN || mark.item != settling->row->offset)
        return;
    settling->job_ended |= done;
    settling->job_released |= strcmp(mark.kind, "close") == 0;
}

/* What the generator made of the word shows in its marks. CLI_AWAY: no answer in time. */
static enum cli_exit await(struct settling *settling)
{
    const struct cli *cli = settling->cli;
    int64_t until_ms = clock_mono_ms() + cli->settings.wait_ms;
    struct kafka_reader *reader = kafka_reader_open(&cli->kafka);
    enum trouble trouble = kafka_reader_add(reader, settling->place.topic, settling->place.partition,
                                            settling->place.offset, (int)cli->settings.timeout_ms);
    while (trouble == TROUBLE_NONE && !settling->heeded && clock_mono_ms() < until_ms) {
        struct kafka_record record;
        if (kafka_reader_poll(reader, 100, &record, &trouble) != KAFKA_RECORD)
            continue;
        take_mark(settling, &record);
        kafka_record_release(&record);
    }
    kafka_reader_close(&reader);
    if (settling->heeded)
        return CLI_FINE;
    cli_complain(cli, "published, but no generator has heeded it in time (--wait-ms); it will, as soon as one runs");
    return CLI_AWAY;
}

static const char *outcome_of(const struct settling *settling)
{
    bool none = settling->cli->settings.none;
    if (settling->row->state == UNKNOWN_ENDED)
        return none ? "noted" : "deleting";
    if (settling->job_ended && !none)
        return "adopted";
    return settling->job_released && none ? "released" : "refused";
}

static enum cli_exit tell(const struct settling *settling)
{
    const struct cli *cli = settling->cli;
    const char *outcome = outcome_of(settling);
    if (cli->settings.json) {
        struct text out = { 0 };
        out_open(&out, NULL, '{');
        out_text(&out, "generationId", settling->generation_id);
        out_text(&out, "userId", cli->settings.user);
        out_text(&out, "taskId", cli->settings.task_id);
        out_text(&out, "outcome", outcome);
        out_close(&out, '}');
        out_print(&out);
        text_free(&out);
    } else {
        printf("%s %s\n", outcome, settling->generation_id);
    }
    if (strcmp(outcome, "refused") != 0)
        return CLI_FINE;
    cli_complain(cli, "the generator refused it: a call of it may be under way, or it was settled meanwhile; its "
                      "log says which (word_refused)");
    return CLI_NO;
}

static enum cli_exit publish(struct settling *settling)
{
    const struct cli *cli = settling->cli;
    struct text data = { 0 };
    out_open(&data, NULL, '{');
    out_text(&data, "generationId", settling->generation_id);
    out_text(&data, "userId", cli->settings.user);
    out_text(&data, "taskId", cli->settings.task_id);
    out_close(&data, '}');
    wire_check(cli, EVENT_GENERATION_SUBMISSION_SETTLED, &data);
    enum cli_exit status = wire_publish(cli, EVENT_GENERATION_SUBMISSION_SETTLED, &data, &settling->place);
    text_free(&data);
    if (status != CLI_FINE || cli->settings.wait_ms == 0)
        return status;
    status = await(settling);
    return status == CLI_FINE ? tell(settling) : status;
}

/* A task that is somebody's must not be deleted or adopted for a slip of the pen. */
static enum cli_exit settle(const struct cli *cli, const char *generation_id)
{
    struct unknowns unknowns = { .wanted_task = cli->settings.task_id };
    struct settling settling = { .cli = cli, .generation_id = generation_id };
    enum cli_exit status = unknowns_read(cli, &unknowns);
    settling.row = unknowns_find(&unknowns, generation_id, cli->settings.user);
    if (status == CLI_FINE && unknowns.owner[0]) {
        cli_complain(cli, "task %s was submitted for generation %s: it is not unknown", cli->settings.task_id,
                     unknowns.owner);
        status = CLI_NO;
    } else if (status == CLI_FINE && !settling.row) {
        cli_complain(cli, "nothing is unknown about generation %s of user %s; see reelgate submissions --unknown",
                     generation_id, cli->settings.user);
        status = CLI_NO;
    } else if (status == CLI_FINE && under_way(cli, settling.row)) {
        cli_complain(cli, "the call of %s may still be answered (--under-way-ms); come again a little later",
                     generation_id);
        status = CLI_NO;
    } else if (status == CLI_FINE) {
        status = publish(&settling);
    }
    unknowns_free(&unknowns);
    return status;
}

static enum cli_exit submissions_run(struct cli *cli)
{
    const struct cli_settings *settings = &cli->settings;
    if (settings->unknown) {
        if (settings->task_id || settings->none)
            cli_usage(cli, "--unknown lists; to settle one: GENERATION --user=USER with --task-id=TASK or --none");
        return list(cli);
    }
    if (cli->words.count == 0)
        cli_usage(cli, "expected --unknown, or a GENERATION; see reelgate submissions --help");
    const char *id = cli_id(cli, "GENERATION", cli_word(cli, "GENERATION"));
    cli_id(cli, "--user", settings->user);
    if ((settings->task_id != NULL) == settings->none)
        cli_usage(cli, "expected either --task-id=TASK or --none");
    if (settings->task_id)
        cli_id(cli, "--task-id", settings->task_id);
    return settle(cli, id);
}

const struct verb verb_submissions = {
    .name = "submissions", .summary = "submissions that nobody knows of: list, settle.",
    .usage = "[GENERATION --user=USER] [SETTINGS]",
    .examples = "  reelgate submissions --unknown\n"
                "  reelgate submissions g-1 --user=u-1 --task-id=17f20503-6c24-4c16-946b-35dbbce2af2f\n"
                "  reelgate submissions g-1 --user=u-1 --none",
    .uses_kafka = true, .rows = submissions_rows, .run = submissions_run,
};
