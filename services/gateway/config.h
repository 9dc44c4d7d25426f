/* Settings of the gateway. */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include "worker/settings.h"

struct gateway_settings {
    struct worker_settings worker;       /* first: WORKER_PARAMS points into it */
    struct redis_settings redis;
    const char *address, *policy_path;
    const char *jwt_secret, *jwt_public_key_path, *jwt_keys_path, *jwt_issuer, *jwt_audience;
    const char *cors_origin, *media_sources, *workers;
    int64_t decision_wait_ms, publish_timeout_ms;
    int64_t connections, streams, streams_per_user, redis_connections;
    int64_t calls_per_minute, generations_per_minute;
    int64_t view_mb, view_records;
};
extern const struct param GATEWAY_PARAMS[];

#endif
