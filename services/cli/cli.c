#include "cli/cli.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define AT(member) .offset = offsetof(struct cli_settings, member)

static const struct param common_rows[] = {
    { .name = "json", .type = PARAM_BOOL, .fallback = "false", AT(json),
      .meaning = "Print one JSON object a line." },
    { .name = "quiet", .type = PARAM_BOOL, .fallback = "false", AT(quiet),
      .meaning = "No words on stderr but errors." },
    { .name = "timeout_ms", .type = PARAM_MS, .fallback = "10s", .least = "100ms", .most = "10m",
      AT(timeout_ms),
      .unit = "ms", .meaning = "How long to wait for an answer of Kafka, Redis or a server." },
    { .name = "log_level", .type = PARAM_CHOICE, .fallback = "error", .choices = "debug|info|warn|error",
      AT(log_level),
      .meaning = "The least level of the client libraries' own words that is shown." },
    { .name = NULL },
};
static const struct param kafka_rows[] = {
    { .name = "kafka_bootstrap_servers", .type = PARAM_TEXT, .fallback = "127.0.0.1:9092", .least = "1",
      .environment = "KAFKA_BOOTSTRAP_SERVERS", AT(kafka_bootstrap_servers),
      .meaning = "Kafka brokers to ask first, host:port, several separated by commas." },
    { .name = "topic_prefix", .type = PARAM_TEXT, .fallback = "reelgate.", AT(topic_prefix),
      .meaning = "What the names of all topics begin with; the same as the workers have." },
    { .name = NULL },
};
static const struct param redis_rows[] = {
    { .name = "redis_url", .type = PARAM_URL, .fallback = "redis://127.0.0.1:6379",
      .choices = "redis|rediss|unix",
      .environment = "REDIS_URL", AT(redis_url), .meaning = "Redis that holds the token accounts." },
    { .name = NULL },
};
static const struct param no_rows[] = { { .name = NULL } };

static const char *versions(void)
{
    static char line[64];                /* made once, for --version */
    snprintf(line, sizeof line, "librdkafka %s", kafka_version());
    return line;
}

static void set_absent(struct cli_settings *settings)
{
    int64_t *numbers[] = { &settings->amount, &settings->duration, &settings->seed, &settings->deadline,
                           &settings->bucket };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = EVENT_ABSENT;
}

void cli_read(struct cli *cli, const struct verb *verb, int argc, char **argv)
{
    char name[64];
    snprintf(name, sizeof name, "reelgate %s", verb->name);
    const struct param *tables[] = {
        verb->rows ? verb->rows : no_rows, common_rows, verb->uses_kafka ? kafka_rows : no_rows,
        verb->uses_redis ? redis_rows : no_rows, NULL,
    };
    const struct param_program program = {
        .name = name, .summary = verb->summary, .usage = verb->usage, .examples = verb->examples,
        .versions = versions,
        .tables = tables, .words = &cli->words,
    };
    *cli = (struct cli){ .verb = verb };
    set_absent(&cli->settings);
    param_read(&program, argc, argv, &cli->settings, verb->uses_kafka ? &cli->properties : NULL);

    enum log_level level = LOG_LEVEL_ERROR;
    log_level_parse(cli->settings.log_level, &level);
    log_open("reelgate", NULL, level);
    cli->kafka = (struct kafka_config){ .bootstrap_servers = cli->settings.kafka_bootstrap_servers,
                                        .client_id = "reelgate-cli", .properties = &cli->properties };
    char error[200];
    if (verb->uses_kafka && !kafka_config_check(&cli->kafka, error))
        cli_usage(cli, "%s", error);
    if (verb->uses_kafka && strlen(cli->settings.topic_prefix) > 200)
        cli_usage(cli, "topic_prefix has more than 200 bytes");
}

__attribute__((format(printf, 2, 0)))
static void say(const struct cli *cli, const char *format, va_list arguments)
{
    fprintf(stderr, "reelgate %s: ", cli->verb->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(cli, format, arguments);
    va_end(arguments);
    exit(CLI_USAGE);
}

void cli_say(const struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!cli->settings.quiet)
        say(cli, format, arguments);
    va_end(arguments);
}

void cli_complain(const struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(cli, format, arguments);
    va_end(arguments);
}

const char *cli_word(const struct cli *cli, const char *what)
{
    if (cli->words.count != 1)
        cli_usage(cli, "expected %s and nothing else, got %d words; see reelgate %s --help", what,
                  cli->words.count, cli->verb->name);
    return cli->words.rows[0];
}

void cli_no_words(const struct cli *cli)
{
    if (cli->words.count > 0)
        cli_usage(cli, "unexpected word \"%s\"; see reelgate %s --help", cli->words.rows[0], cli->verb->name);
}

const char *cli_id(const struct cli *cli, const char *what, const char *id)
{
    if (!id)
        cli_usage(cli, "%s is missing", what);
    if (!id_valid(id, strlen(id)))
        cli_usage(cli, "%s = \"%.80s\" is not allowed: must be 1 to 64 of A-Z a-z 0-9 . _ : -", what, id);
    return id;
}

void cli_topic(const struct cli *cli, enum topic topic, char out[CLI_TOPIC_BYTES])
{
    snprintf(out, CLI_TOPIC_BYTES, "%s%s", cli->settings.topic_prefix, TOPICS[topic].name);
}

void cli_kafka_away(const struct cli *cli, const char *doing)
{
    cli_complain(cli, "Kafka at %s did not answer while %s (--timeout-ms is %lld)",
                 cli->settings.kafka_bootstrap_servers, doing, (long long)cli->settings.timeout_ms);
}

int32_t cli_partitions(const struct cli *cli, enum topic topic)
{
    char name[CLI_TOPIC_BYTES];
    int32_t partitions = 0;
    cli_topic(cli, topic, name);
    struct kafka_client *client = kafka_client_open(&cli->kafka);
    enum trouble trouble = kafka_client_partitions(client, name, &partitions, (int)cli->settings.timeout_ms);
    kafka_client_close(&client);
    if (trouble == TROUBLE_NONE)
        return partitions;
    cli_complain(cli, "Kafka at %s does not answer, or has no topic %s (see reelgate topics apply)",
                 cli->settings.kafka_bootstrap_servers, name);
    return 0;
}
