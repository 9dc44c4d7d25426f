/* rebuild: have Redis made anew from the journal, one bucket or all. Nothing is rebuilt here: the bucket's mark of being
 * verified and where it stood are taken away, and the ledger that guards it does what it does after FLUSHALL. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/accounts.h"
#include "cli/out.h"
#include "tokens/recovery.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param rebuild_rows[] = {
    { .name = "bucket", .type = PARAM_COUNT, .least = "0", .most = "999999", AT(bucket),
      .meaning = "Only this bucket: a partition of the journal. Without it and --user: all of them." },
    { .name = "user", .type = PARAM_TEXT, AT(user), .meaning = "Only the bucket that this user's account lies in." },
    { .name = "wait", .type = PARAM_BOOL, .fallback = "true", AT(wait),
      .meaning = "Follow the ledger until all is verified again." },
    { .name = "wait_ms", .type = PARAM_MS, .fallback = "90s", .least = "100ms", .most = "1d", AT(wait_ms), .unit = "ms",
      .meaning = "How long to wait without any progress. A transaction that was left open holds a recovery up for its "
                 "time-out." },
    { .name = NULL },
};

enum { LOOK_EVERY_MS = 100, FORGET_TRIES = 100, FORGET_AGAIN_MS = 20, BAR_WIDTH = 30, SAY_EVERY_MS = 2000 };

struct row { int32_t bucket; bool done; int64_t high, replayed; };

struct rebuild {
    const struct cli *cli;
    struct tokens *tokens;
    struct row *rows; int32_t count;
    int64_t begun_ms, moved_ms, said_ms;
    bool live;                           /* stderr is a terminal: a bar that moves */
};

/* ---- words */

struct sums { int32_t done; int64_t high, replayed; };

static struct sums sum_up(const struct rebuild *rebuild)
{
    struct sums sums = { 0 };
    for (int32_t i = 0; i < rebuild->count; i++) {
        const struct row *row = &rebuild->rows[i];
        sums.done += row->done;
        sums.high += row->high;
        sums.replayed += row->done ? row->high : row->replayed;
    }
    return sums;
}

static void show(struct rebuild *rebuild, const struct sums *sums)
{
    const int64_t now_ms = clock_mono_ms(), elapsed_ms = now_ms - rebuild->begun_ms;
    const double part = sums->high > 0 ? (double)sums->replayed / (double)sums->high : 0;
    if (rebuild->cli->settings.quiet)
        return;
    if (rebuild->live) {
        char bar[BAR_WIDTH + 1];
        for (int i = 0; i < BAR_WIDTH; i++)
            bar[i] = (double)i < part * BAR_WIDTH ? '#' : '.';
        bar[BAR_WIDTH] = '\0';
        fprintf(stderr, "\r\033[K[%s] %3.0f%%  %" PRId64 " of %" PRId64 ", %" PRId32 " of %" PRId32 " buckets verified, "
                "%.1f s", bar, 100 * part, sums->replayed, sums->high, sums->done, rebuild->count,
                (double)elapsed_ms / 1000);
        fflush(stderr);
    } else if (now_ms - rebuild->said_ms >= SAY_EVERY_MS) {
        rebuild->said_ms = now_ms;
        cli_say(rebuild->cli, "%3.0f%%, %" PRId64 " of %" PRId64 " journal offsets, %" PRId32 " of %" PRId32
                " buckets verified", 100 * part, sums->replayed, sums->high, sums->done, rebuild->count);
    }
}

static void show_end(const struct rebuild *rebuild)
{
    if (rebuild->live && !rebuild->cli->settings.quiet)
        fputs("\r\033[K", stderr);
}

static void print(const struct rebuild *rebuild, const struct sums *sums)
{
    const int64_t took_ms = clock_mono_ms() - rebuild->begun_ms;
    const int64_t rate = took_ms > 0 ? sums->high * 1000 / took_ms : sums->high;
    if (!rebuild->cli->settings.json) {
        printf("rebuilt   %" PRId32 " of %" PRId32 " buckets\noffsets   %" PRId64 "\nseconds   %.1f\nrate      %" PRId64
               " a second\n", sums->done, rebuild->count, sums->high, (double)took_ms / 1000, rate);
        return;
    }
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_number(&out, "buckets", rebuild->count);
    out_number(&out, "verified", sums->done);
    out_number(&out, "journalOffsets", sums->high);
    out_number(&out, "durationMs", took_ms);
    out_open(&out, "waiting", '[');
    for (int32_t i = 0; i < rebuild->count; i++)
        if (!rebuild->rows[i].done)
            out_number(&out, NULL, rebuild->rows[i].bucket);
    out_close(&out, ']');
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

/* ---- what is to be rebuilt */

static enum cli_exit choose(struct rebuild *rebuild)
{
    const struct cli_settings *settings = &rebuild->cli->settings;
    const int32_t buckets = tokens_count(rebuild->tokens);
    int32_t first = 0;
    rebuild->count = buckets;
    if (settings->user || settings->bucket != EVENT_ABSENT) {
        rebuild->count = 1;
        first = settings->user ? bucket_of(settings->user, strlen(settings->user), buckets) : (int32_t)settings->bucket;
    }
    if (first >= buckets) {
        cli_complain(rebuild->cli, "--bucket = %" PRId32 " is not there: the journal has %" PRId32 " partitions", first,
                     buckets);
        return CLI_USAGE;
    }
    rebuild->rows = xcalloc((size_t)rebuild->count, sizeof *rebuild->rows);
    for (int32_t i = 0; i < rebuild->count; i++)
        rebuild->rows[i].bucket = first + i;
    return CLI_FINE;
}

/* What there is to read; a journal without its beginning is refused before anything is taken away, as the ledger would only
 * refuse it afterwards. */
static enum cli_exit measure(struct rebuild *rebuild)
{
    const struct cli *cli = rebuild->cli;
    char journal[CLI_TOPIC_BYTES];
    enum cli_exit status = CLI_FINE;
    cli_topic(cli, TOPIC_JOURNAL, journal);
    struct kafka_client *client = kafka_client_open(&cli->kafka);
    for (int32_t i = 0; i < rebuild->count && status == CLI_FINE; i++) {
        struct row *row = &rebuild->rows[i];
        int64_t low = 0;
        if (kafka_client_watermarks(client, journal, row->bucket, &low, &row->high, (int)cli->settings.timeout_ms)
            != TROUBLE_NONE) {
            cli_kafka_away(cli, "looking at the journal");
            status = CLI_AWAY;
        } else if (low > 0) {
            cli_complain(cli, "%s partition %" PRId32 " begins at offset %" PRId64 ": its first entries are gone, balances "
                         "can't be rebuilt from it; what is in Redis was left alone", journal, row->bucket, low);
            status = CLI_NO;
        }
    }
    kafka_client_close(&client);
    return status;
}

/* ---- doing and following */

static enum cli_exit forget(struct rebuild *rebuild, int32_t bucket)
{
    enum trouble trouble = recovery_forget(rebuild->tokens, bucket);
    for (int i = 0; i < FORGET_TRIES && trouble == TROUBLE_ABORT_BATCH; i++) {
        clock_sleep_ms(FORGET_AGAIN_MS);
        trouble = recovery_forget(rebuild->tokens, bucket);
    }
    if (trouble == TROUBLE_NONE)
        return CLI_FINE;
    if (trouble != TROUBLE_ABORT_BATCH)
        return accounts_away(rebuild->cli, rebuild->tokens);
    cli_complain(rebuild->cli, "bucket %" PRId32 " is being recovered over and over: see the ledger's log", bucket);
    return CLI_NO;
}

static enum cli_exit look(struct rebuild *rebuild)
{
    for (int32_t i = 0; i < rebuild->count; i++) {
        struct row *row = &rebuild->rows[i];
        char line[33];
        int64_t journaled, replayed = 0;
        if (row->done)
            continue;
        if (recovery_guard(rebuild->tokens, row->bucket, &row->done, line, &journaled) != TROUBLE_NONE
            || (!row->done && recovery_progress(rebuild->tokens, row->bucket, &replayed) != TROUBLE_NONE))
            return accounts_away(rebuild->cli, rebuild->tokens);
        if (row->done || replayed != row->replayed)
            rebuild->moved_ms = clock_mono_ms();
        row->replayed = replayed;
    }
    return CLI_FINE;
}

static enum cli_exit follow(struct rebuild *rebuild, struct sums *sums)
{
    enum cli_exit status = look(rebuild);
    *sums = sum_up(rebuild);
    while (status == CLI_FINE && sums->done < rebuild->count
           && clock_mono_ms() - rebuild->moved_ms < rebuild->cli->settings.wait_ms) {
        show(rebuild, sums);
        clock_sleep_ms(LOOK_EVERY_MS);
        status = look(rebuild);
        *sums = sum_up(rebuild);
    }
    show_end(rebuild);
    if (status != CLI_FINE || sums->done == rebuild->count)
        return status;
    cli_complain(rebuild->cli, "%" PRId32 " of %" PRId32 " buckets wait: is the ledger running? They are rebuilt as soon as "
                 "it is; until then nothing is admitted there", rebuild->count - sums->done, rebuild->count);
    return CLI_AWAY;
}

static enum cli_exit rebuild_all(struct rebuild *rebuild)
{
    struct sums sums;
    enum cli_exit status = choose(rebuild);
    if (status == CLI_FINE)
        status = measure(rebuild);
    rebuild->begun_ms = rebuild->moved_ms = rebuild->said_ms = clock_mono_ms();
    for (int32_t i = 0; i < rebuild->count && status == CLI_FINE; i++)
        status = forget(rebuild, rebuild->rows[i].bucket);
    if (status != CLI_FINE)
        return status;
    if (rebuild->cli->settings.wait)
        status = follow(rebuild, &sums);
    else
        sums = sum_up(rebuild);
    print(rebuild, &sums);
    return status;
}

static enum cli_exit rebuild_run(struct cli *cli)
{
    cli_no_words(cli);
    if (cli->settings.user && cli->settings.bucket != EVENT_ABSENT)
        cli_usage(cli, "--user and --bucket: give one of them");
    if (cli->settings.user)
        cli_id(cli, "--user", cli->settings.user);
    struct rebuild rebuild = { .cli = cli, .live = isatty(STDERR_FILENO) };
    enum cli_exit status;
    rebuild.tokens = accounts_open(cli, &status);
    if (!rebuild.tokens)
        return status;
    status = rebuild_all(&rebuild);
    free(rebuild.rows);
    tokens_close(&rebuild.tokens);
    return status;
}

const struct verb verb_rebuild = {
    .name = "rebuild", .summary = "have the ledger rebuild Redis from the journal.", .usage = "[SETTINGS]",
    .examples = "  reelgate rebuild\n  reelgate rebuild --user=u-1\n  reelgate rebuild --bucket=7 --wait=false",
    .uses_kafka = true, .uses_redis = true, .rows = rebuild_rows, .run = rebuild_run,
};
