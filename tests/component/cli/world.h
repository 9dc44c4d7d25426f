/* The real program `reelgate` against a real broker and a real Redis, and somebody who plays the workers'
 * part. */
#ifndef TESTS_CLI_WORLD_H
#define TESTS_CLI_WORLD_H

#include "component/kafka/broker.h"
#include "harness/redis_server.h"

enum { BUCKETS = 3, ARGUMENTS_MAX = 24, PRINTED_BYTES = 16384 };

struct world { char prefix[100]; struct redis_server *redis; };
struct ran { int status; char out[PRINTED_BYTES], err[PRINTED_BYTES]; };

void world_begin(struct world *world);
void world_end(struct world *world);
void world_fresh(struct world *world);       /* a prefix of its own, without topics yet, and an empty Redis */
const char *world_topic(const struct world *world, const char *name);         /* lent until the next call */

/* Runs `reelgate` with these words (NULL-ended) to its end. */
void world_run(const struct world *world, struct ran *ran, const char *const *words);
#define RUN(world, ran, ...) world_run((world), (ran), (const char *const[]){ __VA_ARGS__, NULL })

/* The same in the background, for those that wait for a worker's answer. */
struct running;
struct running *world_start(const struct world *world, const char *const *words);
void world_await(struct running **running, struct ran *ran);

/* A record as a worker writes it; headers beside ce_type: name, value, name, value, NULL. */
struct written { const char *topic; int32_t partition; const char *key, *ce_type,
                 *value; const char *const *headers; };
void world_write(const struct world *world, const struct written *written);
/* The first record of a topic, waited for; ended with broker_seen_free. */
struct seen_list world_first(const struct world *world, const char *topic);

#endif
