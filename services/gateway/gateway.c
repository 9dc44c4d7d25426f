#include "gateway/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/models.h"
#include "gateway/routes.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

enum {
    TURN_MS = 100, PROBE_EVERY_MS = 2000, PROBE_AWAY_EVERY_MS = 500, PROBE_TIMEOUT_MS = 1000,
    BODY_BYTES_MAX = 64 * 1024, IDLE_SECONDS = 60,
};

/* ---- opening */

/* One of the three, read. NULL: its setting and what is wrong with it. */
static struct bearer_keys *read_keys(const struct gateway_settings *settings, const char **setting,
                                     char error[BEARER_ERROR_BYTES])
{
    if (settings->jwt_secret) {
        *setting = "jwt_secret";
        return bearer_keys_secret(settings->jwt_secret, error);
    }
    *setting = settings->jwt_keys_path ? "jwt_keys" : "jwt_public_key";
    return settings->jwt_keys_path ? bearer_keys_set(settings->jwt_keys_path, error)
        : bearer_keys_pem(settings->jwt_public_key_path, error);
}

static void open_bearer(struct gateway *gateway)
{
    const struct gateway_settings *settings = gateway->settings;
    const char *setting;
    char error[BEARER_ERROR_BYTES];
    if (!!settings->jwt_secret + !!settings->jwt_public_key_path + !!settings->jwt_keys_path != 1)
        service_refuse("jwt_secret", NULL,
                       "exactly one of jwt_secret, jwt_public_key and jwt_keys must be set");
    gateway->keys = read_keys(settings, &setting, error);
    if (!gateway->keys)          /* a secret is never shown */
        service_refuse(setting, settings->jwt_keys_path ? settings->jwt_keys_path
                       : settings->jwt_public_key_path,
                       error);
}

static void open_page_policy(struct gateway *gateway)
{
    const char *media = gateway->settings->media_sources;
    if (media[strcspn(media, ";,\r\n\"")] != '\0')
        service_refuse("media_sources", media, "must be sources separated by spaces");
    text_printf(&gateway->page_policy,
                "default-src 'self'; img-src 'self' data:; media-src 'self' %s; object-src 'none'; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
                "'script'", media);
}

static void open_policy(struct gateway *gateway)
{
    char error[POLICY_ERROR_BYTES];
    gateway->policy = policy_read(gateway->settings->policy_path, error);
    if (!gateway->policy || !models_read(gateway->settings->policy_path, &gateway->models))
        service_refuse("policy", gateway->settings->policy_path, gateway->policy ? "can't be read" : error);
}

static void open_peers(struct gateway *gateway)
{
    char error[200];
    gateway->peers = peers_open(gateway->settings->workers, error);
    if (!gateway->peers)
        service_refuse("workers", gateway->settings->workers, error);
}

static void open_server(struct gateway *gateway)
{
    char error[200];
    const struct gateway_settings *settings = gateway->settings;
    gateway->server = http_server_open(&(struct http_server_config){
        .address = settings->address, .thread_per_connection = true, .body_cap_bytes = BODY_BYTES_MAX,
            .length_required = true,
        .connection_limit = (int)settings->connections, .idle_timeout_seconds = IDLE_SECONDS,
        .handler = routes_handle, .refusal = routes_refuse, .self = gateway }, error);
    if (!gateway->server) {
        log_error("address_refused", LOG_TEXT("address", settings->address), LOG_TEXT("reason", error));
        exit(EXIT_TROUBLE);
    }
    log_info("gateway_listening", LOG_TEXT("address", settings->address),
             LOG_NUMBER("port", http_server_port(gateway->server)));
}

void gateway_prepare(struct gateway *gateway, const struct gateway_settings *settings)
{
    gateway->settings = settings;
    gateway->kafka = (struct kafka_config){ .bootstrap_servers = settings->worker.kafka_bootstrap_servers,
        .client_id = "reelgate-gateway", .properties = &settings->worker.kafka };
    open_bearer(gateway);
    open_page_policy(gateway);
    open_policy(gateway);
    open_peers(gateway);
    gateway->accounts = accounts_open(settings);
}

void gateway_open(struct gateway *gateway, struct service *service)
{
    const struct gateway_settings *settings = gateway->settings;
    pthread_rwlock_init(&gateway->reload_lock, NULL);
    gateway->metrics = service_metrics(service);
    gateway->health = service_health(service);
    gateway->started_at_ms = clock_wall_ms();
    gateway->view = view_open(settings->view_mb * 1024 * 1024, policy_default_model(gateway->policy));
    gateway->publish = publish_open(&(struct publish_config){ .kafka = gateway->kafka,
        .topic_prefix = settings->worker.topic_prefix, .timeout_ms = (int)settings->publish_timeout_ms });
    gateway->follow = follow_open(&(struct follow_config){ .kafka = gateway->kafka,
        .topic_prefix = settings->worker.topic_prefix, .records_max = settings->view_records,
        .view = gateway->view });
    gateway->calls = limits_open(settings->calls_per_minute, settings->calls_per_minute / 10);
    gateway->generations = limits_open(settings->generations_per_minute,
                                       settings->generations_per_minute / 10);
    gateway->probe = kafka_client_open(&gateway->kafka);
    health_part(gateway->health, "view", "the topics are still being read");
    routes_open(gateway->metrics);
    open_server(gateway);
}

void gateway_close(struct gateway *gateway)
{
    http_server_close(&gateway->server);         /* first: its threads use all the rest */
    peers_close(&gateway->peers);
    kafka_client_close(&gateway->probe);
    limits_close(&gateway->generations);
    limits_close(&gateway->calls);
    follow_close(&gateway->follow);
    publish_close(&gateway->publish);
    accounts_close(&gateway->accounts);
    view_close(&gateway->view);
    policy_free(&gateway->policy);
    pthread_rwlock_destroy(&gateway->reload_lock);
    text_free(&gateway->models);
    text_free(&gateway->page_policy);
    bearer_keys_free(&gateway->keys);
}

/* ---- the loop */

static void probe(struct gateway *gateway)
{
    char reason[200];
    int32_t partitions;
    if (clock_mono_ms() < gateway->probe_at_ms)
        return;
    bool kafka = kafka_client_partitions(gateway->probe, publish_topic(gateway->publish, TOPIC_RESULTS),
                                         &partitions, PROBE_TIMEOUT_MS) == TROUBLE_NONE;
    bool redis = accounts_well(gateway->accounts, reason);
    health_part(gateway->health, "kafka", kafka ? NULL : "no broker answers");
    health_part(gateway->health, "redis", redis ? NULL : reason);
    atomic_store(&gateway->kafka_well, kafka);
    atomic_store(&gateway->redis_well, redis);
    gateway->probe_at_ms = clock_mono_ms() + (kafka && redis ? PROBE_EVERY_MS : PROBE_AWAY_EVERY_MS);
}

enum trouble gateway_turn(void *self)
{
    struct gateway *gateway = self;
    enum trouble trouble = follow_turn(gateway->follow, TURN_MS);
    accounts_partitions(gateway->accounts, follow_journal_partitions(gateway->follow));
    if (!gateway->warm && follow_caught_up(gateway->follow)
        && publish_prewarm(gateway->publish) == TROUBLE_NONE) {
        gateway->warm = true;
        health_part(gateway->health, "view", NULL);
    }
    probe(gateway);
    peers_turn(gateway->peers);
    return trouble == TROUBLE_RESTART ? trouble : TROUBLE_NONE;
}

/* Keys that can't be read leave the former ones: a half written file must not sign everybody out. */
static void reload_keys(struct gateway *gateway)
{
    const char *setting;
    char error[BEARER_ERROR_BYTES];
    struct bearer_keys *keys = read_keys(gateway->settings, &setting, error);
    if (!keys) {
        log_error("jwt_keys_refused", LOG_TEXT("setting", setting), LOG_TEXT("reason", error));
        return;
    }
    log_info("jwt_keys_read", LOG_NUMBER("keys", bearer_keys_count(keys)));
    bearer_keys_free(&gateway->keys);
    gateway->keys = keys;
}

/* Under the lock: no call may hold the policy or the keys that go. */
void gateway_reload(void *self)
{
    struct gateway *gateway = self;
    const char *path = gateway->settings->policy_path;
    struct text models = { 0 };
    pthread_rwlock_wrlock(&gateway->reload_lock);
    reload_keys(gateway);
    if (policy_again(&gateway->policy, path) && models_read(path, &models)) {
        struct text former = gateway->models;
        gateway->models = models;
        models = former;
    }
    pthread_rwlock_unlock(&gateway->reload_lock);
    text_free(&models);
}
