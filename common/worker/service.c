#include "worker/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "proto/event.h"
#include "worker/signals.h"
#include "worker/topic_gate.h"

enum {
    STALL_MS = 60 * 1000,            /* a turn may wait out a transaction and a Redis time-out */
    LEAVE_MS = 5 * 1000,             /* to leave the groups and close what is open, once drained */
};

struct service {
    const char *program;
    const struct worker_settings *settings;
    struct metrics *metrics;
    struct health *health;
    struct topic_gate *gate;         /* NULL: the topics have been found good */
};

_Noreturn void service_refuse(const char *setting, const char *value, const char *reason)
{
    if (value)
        fprintf(stderr, "%s: %s = \"%s\" is not allowed: %s\n", program_invocation_short_name, setting,
                value, reason);
    else
        fprintf(stderr, "%s: %s is not allowed: %s\n", program_invocation_short_name, setting, reason);
    exit(EXIT_SETTING);
}

#define T(topic) (1U << TOPIC_##topic)
/* Each program's own address, and the topics that it must be able to rely on: what it reads or writes. The gateway only
 * looks at the others' topics, so those of its own words are enough. */
static const struct known { const char *program, *address; unsigned topics; } KNOWN[] = {
    { "reelgate-admission", "127.0.0.1:9101", T(REQUESTS) | T(RESULTS) | T(JOBS) | T(JOURNAL) | T(DEAD_LETTERS) },
    { "reelgate-generator", "127.0.0.1:9102", T(JOBS) | T(TASKS) | T(RESULTS) | T(DEAD_LETTERS) },
    { "reelgate-poller", "127.0.0.1:9103", T(TASKS) | T(RESULTS) | T(DEAD_LETTERS) },
    { "reelgate-ledger", "127.0.0.1:9104", T(RESULTS) | T(GRANTS) | T(JOURNAL) | T(DEAD_LETTERS) },
    { "reelgate-gateway", "127.0.0.1:9105", T(REQUESTS) | T(GRANTS) | T(DEAD_LETTERS) },
};
#undef T

static const struct known *known(const char *program)
{
    static const struct known other = { "", "127.0.0.1:0", 0 };
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        if (strcmp(KNOWN[i].program, program) == 0)
            return &KNOWN[i];
    return &other;
}

static void check_address(const char *address)
{
    const char *colon = strrchr(address, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || end == colon + 1 || *end || port < 0 || port > 65535)
        service_refuse("health_address", address, "must be host:port with a port of 0 to 65535");
}

static void check_kafka(const char *program, const struct worker_settings *settings)
{
    char error[200];
    const struct kafka_config config = { .bootstrap_servers = settings->kafka_bootstrap_servers,
                                         .client_id = program, .properties = &settings->kafka };
    if (!kafka_config_check(&config, error))
        service_refuse("kafka", NULL, error);
    if (!settings->only_check)
        return;
    struct text effective = { 0 };
    kafka_config_effective(&config, &effective);
    printf("%s%s: configuration is good\n", effective.bytes, program);
    text_free(&effective);
    exit(EXIT_ASKED);
}

struct service *service_open(const char *program, const struct worker_settings *settings)
{
    struct service *service = xcalloc(1, sizeof *service);
    const char *address = settings->health_address ? settings->health_address : known(program)->address;
    enum log_level level = LOG_LEVEL_INFO;
    char error[200];
    check_address(address);
    check_kafka(program, settings);
    log_level_parse(settings->log_level, &level);
    signals_open(settings->drain_ms + LEAVE_MS);
    log_open(program, settings->instance_id, level);
    service->program = program;
    service->settings = settings;
    service->metrics = metrics_open();
    service->health = health_open(address, service->metrics, STALL_MS, error);
    if (!service->health) {
        log_error("health_address_refused", LOG_TEXT("address", address), LOG_TEXT("reason", error));
        exit(EXIT_TROUBLE);
    }
    health_part(service->health, "start", "the first turn is still to come");
    service->gate = topic_gate_open(program, settings, known(program)->topics);
    return service;
}

struct metrics *service_metrics(struct service *service)
{
    return service->metrics;
}

struct health *service_health(struct service *service)
{
    return service->health;
}

/* true: the program may have its turn. */
static bool gate_passed(struct service *service, enum trouble *trouble)
{
    const char *reason;
    if (!service->gate)
        return true;
    *trouble = topic_gate_turn(service->gate, &reason);
    if (*trouble == TROUBLE_NONE) {
        metric_set(metrics_gauge(service->metrics, "reelgate_topic_replicas", NULL,
                                 "The fewest replicas that a topic of this program has, as found at its start."),
                   topic_gate_replicas(service->gate));
        topic_gate_close(&service->gate);
    }
    health_part(service->health, "topics", reason);
    if (*trouble == TROUBLE_RETRY)
        *trouble = TROUBLE_NONE;
    return !service->gate;
}

static enum trouble turn(struct service *service, const struct service_loop *loop)
{
    enum trouble trouble = TROUBLE_NONE;
    if (signals_reload() && loop->reload)
        loop->reload(loop->self);
    health_beat(service->health);
    return gate_passed(service, &trouble) ? loop->turn(loop->self) : trouble;
}

static enum trouble drain(struct service *service, const struct service_loop *loop)
{
    int64_t until_ms = signals_stop_ms() + service->settings->drain_ms;
    enum trouble trouble = TROUBLE_NONE;
    health_part(service->health, "stop", "asked to stop");
    log_info("stopping", LOG_NUMBER("drain_ms", service->settings->drain_ms));
    if (loop->drain)
        loop->drain(loop->self);
    while (trouble == TROUBLE_NONE && loop->drained && !loop->drained(loop->self)) {
        if (clock_mono_ms() >= until_ms) {
            log_warn("drain_time_over", LOG_NUMBER("drain_ms", service->settings->drain_ms));
            break;       /* what is left is still in Kafka: the next owner goes on with it */
        }
        trouble = turn(service, loop);
    }
    return trouble;
}

int service_run(struct service *service, const struct service_loop *loop)
{
    enum trouble trouble = TROUBLE_NONE;
    log_info("started", LOG_TEXT("version", REELGATE_VERSION), LOG_TEXT("libraries", worker_versions()));
    while (trouble == TROUBLE_NONE && signals_stop_ms() == 0) {
        trouble = turn(service, loop);
        if (!service->gate)
            health_part(service->health, "start", NULL);
    }
    if (trouble == TROUBLE_NONE)
        trouble = drain(service, loop);
    return trouble == TROUBLE_NONE ? EXIT_ASKED : EXIT_TROUBLE;
}

void service_close(struct service **service)
{
    struct service *self = *service;
    if (!self)
        return;
    topic_gate_close(&self->gate);
    health_close(&self->health);
    metrics_close(&self->metrics);
    log_info("stopped", LOG_TEXT("program", self->program));
    free(self);
    *service = NULL;
}
