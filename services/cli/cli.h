/* What all verbs share: settings, exit statuses, words. One verb is one file; main.c lists them. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/param.h"
#include "kafka/kafka.h"
#include "proto/event.h"

/* Documented in `reelgate --help`: scripts rely on them. */
enum cli_exit {
    CLI_FINE = 0,
    CLI_NO = 1,              /* the answer is no: not found, a difference, a topic that could lose money */
    CLI_USAGE = 2,           /* a wrong flag or setting */
    CLI_INSUFFICIENT = 3,    /* rejected: insufficient_tokens */
    CLI_REJECTED = 4,        /* rejected or refused otherwise */
    CLI_FAILED = 5,          /* the generation failed */
    CLI_CANCELLED = 6,
    CLI_AWAY = 7,            /* Kafka or Redis away, or no answer in time: not known how it ended */
};

struct cli_settings {
    const char *kafka_bootstrap_servers, *topic_prefix, *log_level, *redis_url;
    int64_t timeout_ms;
    bool json, quiet;
    /* of single verbs; a number that was not given is EVENT_ABSENT */
    const char *user, *grant_id, *description;
    const char *role, *jwt_secret, *jwt_issuer, *jwt_audience;
    const char *prompt, *model, *ratio, *image, *generation_id, *project_id;
    int64_t amount, duration, seed, deadline, limit, replication, partitions, journal_partitions, wait_ms,
        settle_ms, expires_ms, under_way_ms, bucket, deadline_ms, days;
    bool wait, no_wait, unknown, all, none, provider, yes;
    const char *task_id, *workers, *runway_base_url, *runway_key, *policy_path;
};

struct cli {
    const struct verb *verb;
    struct cli_settings settings;
    struct param_words words;            /* behind the verb */
    struct param_properties properties;
    struct kafka_config kafka;
};

struct verb {
    const char *name, *summary, *usage, *examples;
    bool uses_kafka, uses_redis;         /* whose settings it has */
    const struct param *rows;            /* its own settings; ended by a row without name */
    enum cli_exit (*run)(struct cli *cli);
};
extern const struct verb verb_topics, verb_grant, verb_balance, verb_statement, verb_request, verb_status,
    verb_cancel, verb_audit, verb_rebuild, verb_repair, verb_reconcile, verb_healthcheck, verb_token, verb_submissions;

/* Reads the settings of a verb; argv[0] is the verb. Ends the process on --help, --version and wrong
 * settings. */
void cli_read(struct cli *cli, const struct verb *verb, int argc, char **argv);

/* One line on stderr, then exit status CLI_USAGE. */
_Noreturn void cli_usage(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Words on stderr; data is for stdout. Silent with --quiet. */
void cli_say(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, also with --quiet: why it did not work. */
void cli_complain(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The only word behind the verb, or a usage error that says what it should be. */
const char *cli_word(const struct cli *cli, const char *what);
void cli_no_words(const struct cli *cli);
/* An id given as flag or word, or a usage error. what: "--user". */
const char *cli_id(const struct cli *cli, const char *what, const char *id);

enum { CLI_TOPIC_BYTES = 256 };
void cli_topic(const struct cli *cli, enum topic topic, char out[CLI_TOPIC_BYTES]);
/* Partitions of a topic, asked from Kafka; 0 after saying why not. */
int32_t cli_partitions(const struct cli *cli, enum topic topic);
void cli_kafka_away(const struct cli *cli, const char *doing);

#endif
