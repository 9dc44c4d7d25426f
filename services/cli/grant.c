/* grant: give a user tokens (a negative amount corrects), and wait until the journal has it. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/follow.h"
#include "cli/out.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param grant_rows[] = {
    { .name = "user", .type = PARAM_TEXT, AT(user), .meaning = "Who gets them." },
    { .name = "amount", .type = PARAM_COUNT, .least = "-2147483648", .most = "2147483648", AT(amount),
      .unit = "tokens",
      .meaning = "How many; below zero for a correction, which may not push what is available below zero." },
    { .name = "grant_id", .type = PARAM_TEXT, AT(grant_id),
      .meaning = "Its id: the same id is granted once, however often it is published. Without one, a new "
                 "one is made." },
    { .name = "description", .type = PARAM_TEXT, AT(description),
      .meaning = "What for: it stands in the statement." },
    { .name = "wait", .type = PARAM_BOOL, .fallback = "true", AT(wait),
      .meaning = "Wait until the journal has it." },
    { .name = "wait_ms", .type = PARAM_MS, .fallback = "30s", .least = "100ms", .most = "1d", AT(wait_ms),
      .unit = "ms",
      .meaning = "How long to wait." },
    { .name = NULL },
};

struct grant_order { const char *user, *id; char made[UUID_BYTES]; };

static void write_message(const struct cli *cli, const struct grant_order *order, struct text *data)
{
    out_open(data, NULL, '{');
    out_text(data, "grantId", order->id);
    out_text(data, "userId", order->user);
    out_number(data, "amount", cli->settings.amount);
    out_text(data, "description", cli->settings.description);
    out_close(data, '}');
}

static void print_grant(const struct cli *cli, const struct grant_order *order, const struct balance *balance)
{
    if (!cli->settings.json) {
        printf("grant     %s\n", order->id);
        if (balance)
            printf("available %" PRId64 "\nreserved  %" PRId64 "\n"
                   "spent     %" PRId64 "\ngranted   %" PRId64 "\n",
                   balance->available, balance->reserved, balance->spent, balance->granted);
        return;
    }
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_text(&out, "grantId", order->id);
    out_text(&out, "userId", order->user);
    out_number(&out, "amount", cli->settings.amount);
    if (balance)
        out_balance(&out, "balance", balance);
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

/* The journal's entry of our grant, if that is what it is. */
static bool is_ours(const struct event *entry, const struct grant_order *order)
{
    return strcmp(entry->kind, "grant") == 0 && entry->grant_id && strcmp(entry->grant_id, order->id) == 0
        && entry->user_id && strcmp(entry->user_id, order->user) == 0;
}

static enum cli_exit judge_entry(const struct cli *cli, const struct grant_order *order,
                                 const struct event *entry)
{
    if (entry->amount != cli->settings.amount) {
        cli_complain(cli, "grant %s was given before with amount %" PRId64 ": nothing was granted now",
                     order->id, entry->amount);
        return CLI_REJECTED;
    }
    print_grant(cli, order, entry->has_balance ? &entry->balance : NULL);
    return CLI_FINE;
}

static enum cli_exit await(const struct cli *cli, const struct grant_order *order, struct follow *follow,
                           const struct wire_place *place)
{
    int64_t end_ms = clock_mono_ms() + cli->settings.wait_ms;
    while (clock_mono_ms() < end_ms) {
        struct event entry;
        struct followed_letter letter;
        switch (follow_next(follow, 100, place, &entry, &letter)) {
        case FOLLOWED_EVENT: {
            bool ours = is_ours(&entry, order);
            enum cli_exit status = ours ? judge_entry(cli, order, &entry) : CLI_FINE;
            event_clear(&entry);
            if (ours)
                return status;
            break;
        }
        case FOLLOWED_DEAD_LETTER:
            cli_complain(cli, "refused, %s: %s", letter.code, letter.message);
            return CLI_REJECTED;
        case FOLLOWED_TROUBLE:
            cli_kafka_away(cli, "following the journal");
            return CLI_AWAY;
        case FOLLOWED_NOTHING:
            break;
        }
    }
    cli_complain(cli, "published as %s/%" PRId32 "@%" PRId64 ", but the journal has no entry yet: is the "
                                                             "ledger running?",
                 place->topic, place->partition, place->offset);
    return CLI_AWAY;
}

/* An id given by the caller may be in the journal already, and then nothing new will come: so that is read
 * as well. */
static enum cli_exit publish_and_wait(const struct cli *cli, const struct grant_order *order,
                                      const struct text *data)
{
    int32_t buckets = cli_partitions(cli, TOPIC_JOURNAL);
    if (buckets == 0)
        return CLI_AWAY;
    struct wire_place place;
    struct follow *follow = follow_open(cli, TOPIC_JOURNAL, bucket_of(order->user, strlen(order->user),
                                                                      buckets),
                                        cli->settings.grant_id ? KAFKA_FROM_BEGINNING : KAFKA_FROM_END);
    if (!follow)
        return CLI_AWAY;
    enum cli_exit status = wire_publish(cli, EVENT_TOKENS_GRANTED, data, &place);
    if (status == CLI_FINE)
        status = await(cli, order, follow, &place);
    follow_close(&follow);
    return status;
}

static enum cli_exit grant_run(struct cli *cli)
{
    cli_no_words(cli);
    struct grant_order order = { .user = cli_id(cli, "--user", cli->settings.user) };
    uuid7_make(order.made);
    order.id = cli->settings.grant_id ? cli_id(cli, "--grant-id", cli->settings.grant_id) : order.made;
    if (cli->settings.amount == EVENT_ABSENT)
        cli_usage(cli, "--amount is missing");
    struct text data = { 0 };
    struct wire_place place;
    write_message(cli, &order, &data);
    wire_check(cli, EVENT_TOKENS_GRANTED, &data);
    enum cli_exit status;
    if (cli->settings.wait) {
        status = publish_and_wait(cli, &order, &data);
    } else {
        status = wire_publish(cli, EVENT_TOKENS_GRANTED, &data, &place);
        if (status == CLI_FINE)
            print_grant(cli, &order, NULL);
    }
    if (status == CLI_AWAY)
        cli_complain(cli, "the grant's id is %s: run again with --grant-id=%s, it can't be granted twice",
                     order.id, order.id);
    text_free(&data);
    return status;
}

const struct verb verb_grant = {
    .name = "grant", .summary = "give a user tokens, or correct with a negative amount.",
    .usage = "--user=USER --amount=N [SETTINGS]",
    .examples = "  reelgate grant --user=u-1 --amount=10 --description=\"welcome\"\n"
                "  reelgate grant --user=u-1 --amount=-3 --grant-id=fix-17",
    .uses_kafka = true, .rows = grant_rows, .run = grant_run,
};
