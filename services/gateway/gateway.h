/* One gateway: its parts, and what its one loop does. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/accounts.h"
#include "gateway/config.h"
#include "gateway/follow.h"
#include "gateway/limits.h"
#include "gateway/peers.h"
#include "gateway/publish.h"
#include "gateway/view.h"

#include "bearer/bearer.h"
#include "http/server.h"
#include "policy/policy.h"
#include "worker/service.h"

struct gateway {
    const struct gateway_settings *settings;
    struct kafka_config kafka;
    struct text page_policy;             /* Content-Security-Policy of our pages */
    pthread_rwlock_t reload_lock;        /* SIGHUP replaces these three */
    struct bearer_keys *keys;
    struct policy *policy;
    struct text models;                  /* the answer of /v1/models */
    struct view *view;
    struct follow *follow;
    struct publish *publish;
    struct accounts *accounts;
    struct limits *calls, *generations;
    struct metrics *metrics;
    struct health *health;
    struct http_server *server;
    struct kafka_client *probe;
    struct peers *peers;
    bool warm;                           /* the topics have been read, and publishing is ready */
    atomic_bool kafka_well, redis_well;
    atomic_int streams, history_readers;
    int64_t started_at_ms, probe_at_ms;  /* wall; monotonic */
};

/* Judges the settings and ends the process with status 2 on wrong ones; touches nothing. gateway is zeroed. */
void gateway_prepare(struct gateway *gateway, const struct gateway_settings *settings);
/* Ends the process with status 3 when the address can't be had. */
void gateway_open(struct gateway *gateway, struct service *service);
void gateway_close(struct gateway *gateway);
enum trouble gateway_turn(void *gateway);
void gateway_reload(void *gateway);

#endif
