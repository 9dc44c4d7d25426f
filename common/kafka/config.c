/* Configuration of handles: our defaults, the operator's kafka.*, and what nobody may change (hazards
 * K10). */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/priv.h"

enum { CLIENT_ID_MAX = 40, QUIET_MS = 10000 };

/* What promises rest on. A consumer or producer adds its own rows. */
static const char *const KEPT[] = {
    "bootstrap.servers", "client.id", "group.id", "transactional.id", "client.rack",
    "isolation.level", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset",
    "enable.partition.eof", "partition.assignment.strategy", "check.crcs",
    "enable.idempotence", "acks", "request.required.acks", "partitioner", "allow.auto.create.topics",
};

bool kafka_property_kept(const char *name)
{
    for (size_t i = 0; i < sizeof KEPT / sizeof KEPT[0]; i++)
        if (strcmp(KEPT[i], name) == 0)
            return true;
    return false;
}

bool kafka_config_check(const struct kafka_config *config, char error[200])
{
    if (!config->bootstrap_servers || !*config->bootstrap_servers) {
        snprintf(error, 200, "no Kafka bootstrap servers given");
        return false;
    }
    if (!config->client_id || !*config->client_id || strlen(config->client_id) > CLIENT_ID_MAX) {
        snprintf(error, 200, "client id must have 1 to %d characters", CLIENT_ID_MAX);
        return false;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = true;
    for (int i = 0; good && config->properties && i < config->properties->count; i++) {
        const struct param_property *row = &config->properties->rows[i];
        char why[150] = "is fixed: promises rest on it";
        good = !kafka_property_kept(row->name)
            && rd_kafka_conf_set(conf, row->name, row->value, why, sizeof why) == RD_KAFKA_CONF_OK;
        if (!good)
            snprintf(error, 200, "kafka.%.40s: %s", row->name, why);
    }
    rd_kafka_conf_destroy(conf);
    return good;
}

struct kafka_config kafka_config_copy(const struct kafka_config *config)
{
    return (struct kafka_config){ .bootstrap_servers = xstrdup(config->bootstrap_servers),
                                  .client_id = xstrdup(config->client_id), .properties = config->properties,
                                  .reads_backlogs = config->reads_backlogs };
}

void kafka_config_free(struct kafka_config *config)
{
    free((char *)config->bootstrap_servers);
    free((char *)config->client_id);
    *config = (struct kafka_config){ 0 };
}

struct kafka_link *kafka_link_new(void *owner, const char *kind, const char *name)
{
    struct kafka_link *link = xcalloc(1, sizeof *link);
    link->owner = owner;
    snprintf(link->name, sizeof link->name, "%s %s", kind, name);
    pthread_mutex_init(&link->mutex, NULL);
    return link;
}

void kafka_link_free(struct kafka_link **link)
{
    if (!*link)
        return;
    pthread_mutex_destroy(&(*link)->mutex);
    free(*link);
    *link = NULL;
}

bool kafka_link_may_say(struct kafka_link *link, const char *facility)
{
    int64_t now_ms = clock_mono_ms();
    bool may = true;
    size_t slot = 0, count = sizeof link->said / sizeof link->said[0];
    pthread_mutex_lock(&link->mutex);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(link->said[i].facility, facility, sizeof link->said[i].facility - 1) == 0) {
            slot = i;
            may = now_ms >= link->said[i].quiet_until_ms;
            break;
        }
        if (link->said[i].quiet_until_ms < link->said[slot].quiet_until_ms)
            slot = i;                        /* the one that was said longest ago makes room */
    }
    if (may) {
        snprintf(link->said[slot].facility, sizeof link->said[slot].facility, "%s", facility);
        link->said[slot].quiet_until_ms = now_ms + QUIET_MS;
    }
    pthread_mutex_unlock(&link->mutex);
    return may;
}

static bool link_away(struct kafka_link *link, bool away)
{
    pthread_mutex_lock(&link->mutex);
    bool changed = link->away != away;
    link->away = away;
    pthread_mutex_unlock(&link->mutex);
    return changed;
}

void kafka_link_heard(struct kafka_link *link)
{
    if (link->away && link_away(link, false))
        log_info("kafka_back", LOG_TEXT("handle", link->name));
}

static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *words)
{
    struct kafka_link *link = rd_kafka_opaque(handle);
    enum { SYSLOG_WARNING = 4 };
    /* A cut connection is told by on_error, once for the outage; a failed transaction by who judges it. */
    static const char *const TOLD_ELSEWHERE[] = { "FAIL", "ERROR", "CONFWARN", "TXNERR", "FATAL", "GETPID" };
    bool told = false;
    for (size_t i = 0; i < sizeof TOLD_ELSEWHERE / sizeof TOLD_ELSEWHERE[0]; i++)
        told |= strcmp(facility, TOLD_ELSEWHERE[i]) == 0;
    if (level > SYSLOG_WARNING || told || !link)
        log_debug("kafka_says", LOG_TEXT("handle", link ? link->name : NULL), LOG_TEXT("facility", facility),
                  LOG_TEXT("text", words));
    else if (kafka_link_may_say(link, facility))
        log_warn("kafka_says", LOG_TEXT("handle", link->name), LOG_TEXT("facility", facility),
                 LOG_TEXT("text", words));
}

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque)
{
    struct kafka_link *link = opaque;
    (void)handle;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        if (link_away(link, true))
            log_warn("kafka_away", LOG_TEXT("handle", link->name), LOG_TEXT("text", reason));
    } else if (code == RD_KAFKA_RESP_ERR__TRANSPORT) {
        log_debug("kafka_connection_lost", LOG_TEXT("handle", link->name), LOG_TEXT("text", reason));
    } else if (kafka_link_may_say(link, rd_kafka_err2name(code))) {
        log_warn("kafka_error", LOG_TEXT("handle", link->name),
                 LOG_TEXT("error_code", rd_kafka_err2name(code)),
                 LOG_TEXT("text", reason));
    }
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[200];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
        log_error("kafka_property_refused", LOG_TEXT("property", name), LOG_TEXT("text", why));
        must(!"a Kafka property that kafka_config_check would have refused");
    }
}

rd_kafka_conf_t *kafka_conf(const struct kafka_config *config, struct kafka_link *link,
                            const struct kafka_rows *rows)
{
    must(strlen(config->client_id) <= CLIENT_ID_MAX);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, link);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    set(conf, "bootstrap.servers", config->bootstrap_servers);
    set(conf, "client.id", config->client_id);
    set(conf, "socket.nagle.disable", "true");
    set(conf, "reconnect.backoff.max.ms", "2000");
    set(conf, "log.connection.close", "false");
    for (size_t i = 0; i < rows->count; i++)
        if (!rows->rows[i].ours)
            set(conf, rows->rows[i].name, rows->rows[i].value);
    for (int i = 0; config->properties && i < config->properties->count; i++)
        if (!kafka_property_kept(config->properties->rows[i].name))
            set(conf, config->properties->rows[i].name, config->properties->rows[i].value);
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].ours)
            set(conf, rows->rows[i].name, rows->rows[i].value);
    return conf;
}

rd_kafka_t *kafka_handle(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[300];
    rd_kafka_t *handle = rd_kafka_new(type, conf, why, sizeof why);
    if (!handle) {
        rd_kafka_conf_destroy(conf);
        log_error("kafka_handle_refused", LOG_TEXT("text", why));
        must(!"librdkafka refuses our configuration");
    }
    return handle;
}

const char *kafka_version(void) { return rd_kafka_version_str(); }
