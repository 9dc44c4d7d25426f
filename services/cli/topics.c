/* topics apply: create what is missing, then check. topics check: refuse what could lose money. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "worker/outbox.h"
#include "worker/topic_rules.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param topics_rows[] = {
    { .name = "replication", .type = PARAM_COUNT, .fallback = "0", .least = "0", .most = "16",
      AT(replication),
      .unit = "replicas", .meaning = "Replicas of a topic that is created, and the least that one must have; 0: "
                                     "one on each broker, up to 3. With 3 min.insync.replicas is 2." },
    { .name = "partitions", .type = PARAM_COUNT, .fallback = "0", .least = "0", .most = "10000",
      AT(partitions),
      .meaning = "Partitions of the topics that are created, but the journal and dead-letters; 0: each its "
                 "own default." },
    { .name = "journal_partitions", .type = PARAM_COUNT, .fallback = "0", .least = "0", .most = "10000",
      AT(journal_partitions), .meaning = "Partitions of the journal when it is created; 0: its default, 32. "
                                         "They are the buckets "
      "of all accounts: choose once." },
    { .name = NULL },
};

static int32_t partitions_of(const struct cli *cli, enum topic topic)
{
    int64_t given = topic == TOPIC_JOURNAL ? cli->settings.journal_partitions
        : topic == TOPIC_DEAD_LETTERS ? 0 : cli->settings.partitions;
    return given > 0 ? (int32_t)given : TOPICS[topic].partitions;
}

struct making { struct kafka_client *client; int replication; };

static enum kafka_created create(const struct cli *cli, const struct making *making, enum topic topic,
                                 char error[200])
{
    char name[CLI_TOPIC_BYTES], retention[24], letters[24], in_sync[12];
    const struct topic_row *row = &TOPICS[topic];
    cli_topic(cli, topic, name);
    snprintf(retention, sizeof retention, "%" PRId64, row->retention_ms);
    snprintf(in_sync, sizeof in_sync, "%d", topic_least_in_sync(making->replication));
    snprintf(letters, sizeof letters, "%d", (int)OUTBOX_LETTER_TOPIC_BYTES);
    const struct kafka_topic_setting settings[] = {
        { "cleanup.policy", "delete" }, { "retention.ms", retention }, { "retention.bytes", "-1" },
        { "message.timestamp.type", row->log_append_time ? "LogAppendTime" : "CreateTime" },
        { "min.insync.replicas", in_sync },
        { "max.message.bytes", letters },        /* last: only dead-letters have one of their own */
    };
    const struct kafka_topic_plan plan = {
        .name = name, .partitions = partitions_of(cli, topic), .replication = making->replication,
        .settings = settings, .setting_count = sizeof settings / sizeof settings[0] - (topic != TOPIC_DEAD_LETTERS),
    };
    return kafka_topic_create(making->client, &plan, (int)cli->settings.timeout_ms, error);
}

/* Any topic's metadata names the brokers. */
static enum cli_exit count_replicas(const struct cli *cli, struct making *making)
{
    char name[CLI_TOPIC_BYTES];
    struct kafka_topic_facts facts;
    cli_topic(cli, TOPIC_JOURNAL, name);
    if (kafka_topic_describe(making->client, name, &facts, (int)cli->settings.timeout_ms) != TROUBLE_NONE) {
        cli_kafka_away(cli, "counting brokers");
        return CLI_AWAY;
    }
    making->replication = topic_replicas_least(cli->settings.replication, facts.brokers);
    return CLI_FINE;
}

static enum cli_exit apply(const struct cli *cli, struct kafka_client *client, bool created[TOPIC_COUNT])
{
    struct making making = { .client = client };
    enum cli_exit counted = count_replicas(cli, &making);
    if (counted != CLI_FINE)
        return counted;
    for (int i = 0; i < TOPIC_COUNT; i++) {
        char error[200] = "";
        enum kafka_created answer = create(cli, &making, (enum topic)i, error);
        created[i] = answer == KAFKA_CREATED;
        if (answer == KAFKA_REFUSED || answer == KAFKA_UNREACHABLE) {
            cli_complain(cli, "can't create %s%s: %s", cli->settings.topic_prefix, TOPICS[i].name, error);
            return answer == KAFKA_REFUSED ? CLI_NO : CLI_AWAY;
        }
    }
    return CLI_FINE;
}

static bool look(const struct cli *cli, struct kafka_client *client, enum topic topic,
                 struct topic_state *state)
{
    char name[CLI_TOPIC_BYTES];
    int timeout_ms = (int)cli->settings.timeout_ms;
    cli_topic(cli, topic, name);
    *state = (struct topic_state){ 0 };
    bool fine = kafka_topic_describe(client, name, &state->facts, timeout_ms) == TROUBLE_NONE;
    for (int32_t p = 0; fine && topic == TOPIC_JOURNAL && p < state->facts.partitions; p++) {
        int64_t low, high;
        fine = kafka_client_watermarks(client, name, p, &low, &high, timeout_ms) == TROUBLE_NONE;
        if (fine && low > state->low_watermark_most)
            state->low_watermark_most = low;
    }
    return fine;
}

/* A broker hears of a topic, and leads its partitions, only moments after the controller has created it. */
static enum cli_exit look_until_known(const struct cli *cli, struct kafka_client *client, enum topic topic,
                                      bool created, struct topic_state *state)
{
    const int64_t end_ms = clock_mono_ms() + cli->settings.timeout_ms;
    bool fine = look(cli, client, topic, state);
    while (created && !(fine && state->facts.exists) && clock_mono_ms() < end_ms) {
        clock_sleep_ms(50);
        fine = look(cli, client, topic, state);
    }
    if (!fine)
        cli_kafka_away(cli, "describing topics");
    return fine ? CLI_FINE : CLI_AWAY;
}

static void print_row(const struct cli *cli, enum topic topic, const struct topic_state *state, bool created)
{
    char retention[24] = "for ever";
    const struct kafka_topic_facts *facts = &state->facts;
    if (!facts->exists)
        return;
    if (facts->retention_ms >= 0)
        snprintf(retention, sizeof retention, "%" PRId64 " h", facts->retention_ms / 3600000);
    printf("%s%-14s %5" PRId32 " partitions %3d replicas  kept %-9s %-14s%s\n", cli->settings.topic_prefix,
           TOPICS[topic].name, facts->partitions, facts->replication, retention,
           facts->log_append_time ? "LogAppendTime" : "CreateTime", created ? "created" : "");
}

static void json_row(const struct cli *cli, enum topic topic, const struct topic_state *state, bool created,
                     struct text *out)
{
    char name[CLI_TOPIC_BYTES];
    const struct kafka_topic_facts *facts = &state->facts;
    cli_topic(cli, topic, name);
    out_open(out, NULL, '{');
    out_text(out, "topic", name);
    out_bool(out, "exists", facts->exists);
    out_bool(out, "created", created);
    if (facts->exists) {
        out_number(out, "partitions", facts->partitions);
        out_number(out, "replication", facts->replication);
        out_number(out, "retentionMs", facts->retention_ms);
        out_number(out, "retentionBytes", facts->retention_bytes);
        out_bool(out, "logAppendTime", facts->log_append_time);
    }
    out_close(out, '}');
}

static void print_json(const struct cli *cli, const struct topic_state *states, const bool *created,
                       char *complaints)
{
    struct text out = { 0 };
    out_open(&out, NULL, '{');
    out_open(&out, "topics", '[');
    for (int i = 0; i < TOPIC_COUNT; i++)
        json_row(cli, (enum topic)i, &states[i], created[i], &out);
    out_close(&out, ']');
    out_open(&out, "complaints", '[');
    for (char *line = complaints, *end; line && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        out_text(&out, NULL, line);
    }
    out_close(&out, ']');
    out_close(&out, '}');
    out_print(&out);
    text_free(&out);
}

static enum cli_exit report(const struct cli *cli, const struct topic_state *states, const bool *created)
{
    struct text lines = { 0 };
    const struct topic_judged judged = { .prefix = cli->settings.topic_prefix, .topics = TOPICS_ALL,
                                         .replication = cli->settings.replication };
    int complaints = topic_rules(states, &judged, &lines);
    if (complaints > 0)
        fputs(lines.bytes, stderr);
    if (cli->settings.json)
        print_json(cli, states, created, lines.bytes ? lines.bytes : (char[]){ "" });
    else
        for (int i = 0; i < TOPIC_COUNT; i++)
            print_row(cli, (enum topic)i, &states[i], created[i]);
    text_free(&lines);
    if (complaints > 0)
        cli_complain(cli, "%d thing%s must be changed first", complaints, complaints == 1 ? "" : "s");
    return complaints > 0 ? CLI_NO : CLI_FINE;
}

static enum cli_exit topics_run(struct cli *cli)
{
    const char *what = cli_word(cli, "apply or check");
    bool applies = strcmp(what, "apply") == 0;
    if (!applies && strcmp(what, "check") != 0)
        cli_usage(cli, "expected apply or check, not \"%s\"", what);
    bool created[TOPIC_COUNT] = { false };
    struct topic_state states[TOPIC_COUNT];
    struct kafka_client *client = kafka_client_open(&cli->kafka);
    enum cli_exit status = applies ? apply(cli, client, created) : CLI_FINE;
    for (int i = 0; i < TOPIC_COUNT && status == CLI_FINE; i++)
        status = look_until_known(cli, client, (enum topic)i, created[i], &states[i]);
    kafka_client_close(&client);
    return status == CLI_FINE ? report(cli, states, created) : status;
}

const struct verb verb_topics = {
    .name = "topics", .summary = "create or check the topics (apply, check).",
    .usage = "apply|check [SETTINGS]",
    .examples = "  reelgate topics apply --replication=3\n  reelgate topics check --json",
    .uses_kafka = true, .rows = topics_rows, .run = topics_run,
};
