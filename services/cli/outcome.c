#include "cli/outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/follow.h"
#include "cli/out.h"

bool outcome_is_end(const struct event *event, enum cli_exit *status)
{
    switch (event->type) {
    case EVENT_GENERATION_COMPLETED: *status = CLI_FINE; return true;
    case EVENT_GENERATION_FAILED:    *status = CLI_FAILED; return true;
    case EVENT_GENERATION_CANCELLED: *status = CLI_CANCELLED; return true;
    case EVENT_GENERATION_REJECTED:
        *status = strcmp(event->error.code, ERROR_INSUFFICIENT_TOKENS) == 0 ? CLI_INSUFFICIENT : CLI_REJECTED;
        return true;
    default:
        return false;
    }
}

/* ---- words */

/* One line on stderr that is written over while it waits; on a pipe, one line for each step. */
struct progress { const struct cli *cli; bool live; char step[64]; int64_t begun_ms, shown_ms; };

static void progress_show(struct progress *progress)
{
    static const char turning[] = "|/-\\";
    int64_t now_ms = clock_mono_ms();
    if (!progress->live || progress->cli->settings.quiet || now_ms - progress->shown_ms < 200)
        return;
    progress->shown_ms = now_ms;
    int64_t elapsed_ms = now_ms - progress->begun_ms;
    fprintf(stderr, "\r\033[K%c %s, %" PRId64 ".%" PRId64 " s", turning[elapsed_ms / 200 % 4], progress->step,
            elapsed_ms / 1000, elapsed_ms % 1000 / 100);
}

static void progress_clear(const struct progress *progress)
{
    if (progress->live && !progress->cli->settings.quiet)
        fputs("\r\033[K", stderr);
}

static void progress_step(struct progress *progress, const char *step)
{
    snprintf(progress->step, sizeof progress->step, "%s", step);
    progress->shown_ms = 0;
    if (progress->live)
        progress_show(progress);
    else
        cli_say(progress->cli, "%s", step);
}

static void progress_event(struct progress *progress, const struct event *event)
{
    char step[sizeof progress->step] = "submitted, rendering";
    if (event->type == EVENT_GENERATION_ACCEPTED)
        snprintf(step, sizeof step, "accepted, waiting for the provider");
    else if (event->type == EVENT_GENERATION_PROGRESSED)
        snprintf(step, sizeof step, "rendering, %d %%", (int)(event->progress * 100 + 0.5));
    progress_step(progress, step);
}

static const char *short_type(const struct event *event)
{
    return strrchr(EVENTS[event->type].ce_type, '.') + 1;
}

static void print_end(const struct event *event, enum cli_exit status)
{
    bool colored = out_colored(STDOUT_FILENO);
    const char *color = !colored ? "" : status == CLI_FINE ? "\033[32m" : status == CLI_CANCELLED ? "\033[33m"
        : "\033[31m";
    printf("%s%s%s %s\n", color, short_type(event), colored ? "\033[0m" : "", event->generation_id);
    if (event->has_error)
        printf("error     %s: %s\n", event->error.code, event->error.message);
    if (event->has_error && event->error.context)
        printf("context   %s\n", event->error.context);
    for (int i = 0; i < event->output_count; i++)
        printf("output    %s\n", event->outputs[i]);
    if (event->required_tokens != EVENT_ABSENT)
        printf("tokens    %" PRId64 "\n", event->required_tokens);
    if (event->charge != EVENT_ABSENT)
        printf("charge    %" PRId64 "\n", event->charge);
}

static void print_json(const struct event *event)
{
    struct text out = { 0 }, data = { 0 };
    event_encode(event, &data);
    out_open(&out, NULL, '{');
    out_text(&out, "type", EVENTS[event->type].ce_type);
    out_raw(&out, "data", data.bytes);
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
    text_free(&data);
}

static void print_place(const struct cli *cli, const struct outcome_order *order,
                        const struct wire_place *place)
{
    char where[ORIGIN_BYTES];
    origin_format(&(struct origin){ place->topic, place->partition, place->offset }, where);
    if (!cli->settings.json) {
        printf("published %s\norigin    %s\n", order->generation_id, where);
        return;
    }
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_text(&out, "generationId", order->generation_id);
    out_text(&out, "userId", order->user_id);
    out_text(&out, "origin", where);
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

/* ---- following */

static bool is_of(const struct event *event, const struct outcome_order *order)
{
    return event->generation_id && strcmp(event->generation_id, order->generation_id) == 0 && event->user_id
        && strcmp(event->user_id, order->user_id) == 0;
}

/* true: it was the end. */
static bool take_event(const struct cli *cli, const struct event *event, struct progress *progress,
                       enum cli_exit *status)
{
    progress_clear(progress);
    bool end = outcome_is_end(event, status);
    if (cli->settings.json)
        print_json(event);
    else if (end)
        print_end(event, *status);
    if (!end)
        progress_event(progress, event);
    return end;
}

static enum cli_exit follow_to_end(const struct cli *cli, const struct outcome_order *order,
                                   struct follow *follow, const struct wire_place *place)
{
    struct progress progress = { .cli = cli, .live = out_colored(STDERR_FILENO),
                                 .begun_ms = clock_mono_ms() };
    progress_step(&progress, "published, waiting for a decision");
    while (clock_mono_ms() - progress.begun_ms < cli->settings.wait_ms) {
        struct event event;
        struct followed_letter letter;
        enum cli_exit status = CLI_AWAY;
        bool end = false;
        progress_show(&progress);
        switch (follow_next(follow, 100, place, &event, &letter)) {
        case FOLLOWED_EVENT:
            end = is_of(&event, order) && take_event(cli, &event, &progress, &status);
            event_clear(&event);
            break;
        case FOLLOWED_DEAD_LETTER:
            progress_clear(&progress);
            cli_complain(cli, "refused, %s: %s", letter.code, letter.message);
            status = CLI_REJECTED;
            end = true;
            break;
        case FOLLOWED_TROUBLE:
            progress_clear(&progress);
            cli_kafka_away(cli, "following the results");
            end = true;
            break;
        case FOLLOWED_NOTHING:
            break;
        }
        if (end)
            return status;
    }
    progress_clear(&progress);
    cli_complain(cli, "no end of %s in time (--wait-ms): %s. It goes on without us: reelgate status %s "
                      "--user=%s",
                 order->generation_id, progress.step, order->generation_id, order->user_id);
    return CLI_AWAY;
}

enum cli_exit outcome_publish(const struct cli *cli, const struct outcome_order *order)
{
    struct wire_place place;
    struct follow *follow = NULL;
    wire_check(cli, order->type, order->data);
    if (order->follow) {
        follow = follow_open(cli, TOPIC_RESULTS, KAFKA_ALL_PARTITIONS, KAFKA_FROM_END);
        if (!follow)
            return CLI_AWAY;
    }
    enum cli_exit status = wire_publish(cli, order->type, order->data, &place);
    if (status == CLI_FINE && (cli->settings.json || !order->follow))
        print_place(cli, order, &place);
    if (status == CLI_FINE && order->follow)
        status = follow_to_end(cli, order, follow, &place);
    follow_close(&follow);
    return status;
}
