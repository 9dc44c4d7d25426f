#include "worker/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "worker/signals.h"

enum {
    STALL_MS = 60 * 1000,            /* a turn may wait out a transaction and a Redis time-out */
    LEAVE_MS = 5 * 1000,             /* to leave the groups and close what is open, once drained */
};

struct service {
    const char *program;
    const struct worker_settings *settings;
    struct metrics *metrics;
    struct health *health;
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

static const char *default_address(const char *program)
{
    static const struct { const char *program, *address; } defaults[] = {
        { "reelgate-admission", "127.0.0.1:9101" },
        { "reelgate-generator", "127.0.0.1:9102" },
        { "reelgate-poller", "127.0.0.1:9103" },
        { "reelgate-ledger", "127.0.0.1:9104" },
        { "reelgate-gateway", "127.0.0.1:9105" },
    };
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (strcmp(defaults[i].program, program) == 0)
            return defaults[i].address;
    return "127.0.0.1:0";
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
}

struct service *service_open(const char *program, const struct worker_settings *settings)
{
    struct service *service = xcalloc(1, sizeof *service);
    const char *address = settings->health_address ? settings->health_address : default_address(program);
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

static enum trouble turn(struct service *service, const struct service_loop *loop)
{
    if (signals_reload() && loop->reload)
        loop->reload(loop->self);
    health_beat(service->health);
    return loop->turn(loop->self);
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
    health_close(&self->health);
    metrics_close(&self->metrics);
    log_info("stopped", LOG_TEXT("program", self->program));
    free(self);
    *service = NULL;
}
