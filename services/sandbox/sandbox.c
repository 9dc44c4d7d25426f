#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/must.h"

static void open_world(struct sandbox *sandbox)
{
    const struct sandbox_config *config = sandbox->config;
    sandbox->store = store_open(&(struct store_limits){
        .run_ms = config->run_ms, .run_jitter = config->run_jitter, .pending_ms = config->pending_ms,
        .concurrency = config->concurrency, .daily = config->daily, .credits = config->credits,
        .fail_ratio = config->fail_ratio, .retention_ms = config->retention });
    sandbox->counts = (struct counts){ 0 };
    sandbox->url_expiry_ms = config->url_expiry;
    snprintf(sandbox->key, sizeof sandbox->key, "%s", config->key ? config->key : "");
    faults_clear(&sandbox->faults);
    if (!config->faults) return;
    char error[200], json_error[JSON_ERROR_BYTES];
    struct json *switches = json_parse(config->faults, strlen(config->faults), JSON_BYTES_MAX, json_error);
    must(faults_set(&sandbox->faults, switches, error));      /* checked when the settings were read */
    json_free(&switches);
}

static void close_world(struct sandbox *sandbox)
{
    store_close(&sandbox->store);
    for (struct upload *upload; (upload = LIST_FIRST(&sandbox->uploads)) != NULL;) {
        LIST_REMOVE(upload, all);
        free(upload);
    }
}

void sandbox_open(struct sandbox *sandbox, const struct sandbox_config *config)
{
    *sandbox = (struct sandbox){ .config = config, .signature_key = { random_u64(), random_u64() } };
    must(pthread_mutex_init(&sandbox->lock, NULL) == 0);
    LIST_INIT(&sandbox->uploads);
    open_world(sandbox);
}

void sandbox_close(struct sandbox *sandbox)
{
    close_world(sandbox);
    pthread_mutex_destroy(&sandbox->lock);
}

void sandbox_reset(struct sandbox *sandbox)
{
    close_world(sandbox);
    open_world(sandbox);
}

int64_t sandbox_now(struct sandbox *sandbox)
{
    int64_t now_ms = clock_wall_ms();
    store_advance(sandbox->store, now_ms);
    return now_ms;
}
