/* Settings that every worker has, as rows for its table, and what is made from them. */
#ifndef WORKER_SETTINGS_H
#define WORKER_SETTINGS_H

#include "base/param.h"
#include "kafka/kafka.h"

struct worker_settings {
    const char *kafka_bootstrap_servers;
    const char *topic_prefix;            /* "reelgate." */
    const char *instance_id;             /* slot of this instance, stable: part of the transactional.id */
    const char *health_address;          /* NULL: 127.0.0.1 and the program's own port (service.h) */
    const char *log_level;
    int64_t drain_ms;                    /* SIGTERM: finish what is in flight within this */
    int64_t replication;                 /* replicas that a topic must have; 0: as the cluster can (topic_rules.h) */
    bool only_check;                     /* --check-config: service_open answers it */
    struct param_properties kafka;       /* the operator's kafka.*: its address goes to param_read */
};
/* Offsets into struct worker_settings: it must be the first member of each program's own settings. */
extern const struct param WORKER_PARAMS[];
struct redis_settings { const char *redis_url; int64_t redis_timeout_ms, dedupe_window_ms; };
/* Rows for a struct with a struct redis_settings at member: REDIS_PARAMS(struct admission_settings, redis) */
#define REDIS_PARAMS(owner, member) \
    { .name = "redis_url", .type = PARAM_URL, .fallback = "redis://127.0.0.1:6379", \
      .choices = "redis|rediss|unix", .environment = "REDIS_URL", \
      .offset = offsetof(owner, member.redis_url), \
      .meaning = "Redis that holds the token accounts (a primary, maxmemory-policy noeviction); of a Redis " \
                 "Cluster, or of a primary and its replicas, several as redis://host:port,host:port." }, \
    { .name = "redis_timeout_ms", .type = PARAM_MS, .fallback = "2000", .least = "50", .most = "60000", \
      .offset = offsetof(owner, member.redis_timeout_ms), .unit = "ms", \
      .meaning = "How long to wait for Redis before the batch runs again on a fresh connection." }, \
    { .name = "dedupe_window_ms", .type = PARAM_MS, .fallback = "7d", .least = "1h", .most = "90d", \
      .offset = offsetof(owner, member.dedupe_window_ms), .unit = "ms", \
      .meaning = "How long after a generation's end its id is known; older requests go to dead-letters." }

/* A row for a struct with int64_t commit_every_ms: what batch_config and workset_config have under that name. */
#define COMMIT_EVERY_PARAM(owner) \
    { .name = "commit_every_ms", .type = PARAM_MS, .fallback = "100ms", .least = "0", .most = "2s", \
      .offset = offsetof(owner, commit_every_ms), .unit = "ms", \
      .meaning = "While there is little to commit, a transaction begins so long after the last one ended, and " \
                 "takes all that came meanwhile: each costs the broker the same, full or empty. 0: at once." }

/* The consumer group of a program, "reelgate-admission" -> "reelgate.admission" (the topic prefix leads,
 * so that two installations on one cluster never meet), and the transactional.id of this instance,
 * "reelgate.admission-0": stable over restarts, else readers would wait for the dead one's time-out
 * (hazards K3). Given. */
char *worker_group(const struct worker_settings *settings, const char *program);
char *worker_transactional_id(const struct worker_settings *settings, const char *group);

const char *worker_versions(void);       /* "librdkafka 2.0.2": of the library in use, for --version */

#endif
