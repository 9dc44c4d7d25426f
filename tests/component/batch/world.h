/* What the tests of the batch worker stand on: topics of their own on a real broker, a redis-server of
 * their own, verified buckets, and admission as the stage, wrapped so that a test can break things at a
 * chosen moment. */
#ifndef TESTS_BATCH_WORLD_H
#define TESTS_BATCH_WORLD_H

#include "admission/stage.h"
#include "component/kafka/broker.h"
#include "harness/redis_server.h"
#include "worker/batch.h"

enum { REQUEST_PARTITIONS = 3, BUCKETS = 4 };

struct world {
    char prefix[64], policy_path[64];
    struct redis_server *redis;
};
void world_open(struct world *world);
void world_close(struct world *world);
/* lent until the next call but three */
const char *world_topic(const struct world *world, enum topic topic);
/* What the ledger does for an unharmed Redis: opens every bucket for this server. */
void world_verify(const struct world *world);
void world_grant(const struct world *world, const char *user_id, int64_t tokens);
/* A plain JSON request of this user; returns its offset. */
int64_t world_request(const struct world *world, const char *generation_id, const char *user_id);

/* One running instance of admission. */
struct rig {
    struct worker_settings settings;
    struct tokens *tokens;
    struct metrics *metrics;
    struct health *health;
    struct admission *admission;
    const struct batch_stage *inner;
    struct batch *batch;
    /* Called in the transaction, after this record's outputs are written; what it returns is what the
     * stage returns. */
    enum trouble (*after_answer)(struct rig *rig, const struct kafka_record *record);
    int answers, commits;
    void *self;
};
void rig_open(struct rig *rig, const struct world *world, const char *instance);
void rig_close(struct rig *rig);
void rig_turn(struct rig *rig);                          /* one turn, which may not end in RESTART */
void rig_run_for(struct rig *rig, int64_t duration_ms);
void rig_run_until_commits(struct rig *rig, int commits);        /* fails after 40 s */
double rig_metric(const struct rig *rig, const char *name, const char *labels);

/* How many committed records of this topic hold all of these words; NULL ends them. */
size_t count_in(const char *topic, const char *const *words);

#endif
