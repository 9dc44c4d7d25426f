/* A Redis Cluster of the test's own: masters without replicas, the slots shared out evenly. As redis_server.h. */
#ifndef HARNESS_REDIS_NODES_H
#define HARNESS_REDIS_NODES_H

#include "harness/redis_server.h"

struct redis_nodes;

/* Returns once all agree that the cluster is up. */
struct redis_nodes *redis_nodes_start(int count);
void redis_nodes_stop(struct redis_nodes **nodes);
/* of all of them: redis://host:port,host:port... */
const char *redis_nodes_url(const struct redis_nodes *nodes);
struct redis_server *redis_nodes_at(struct redis_nodes *nodes, int index);
int redis_nodes_owner(struct redis_nodes *nodes, int bucket);        /* index of the node that has the bucket's slot */

/* Moves the bucket's slot with its keys, as an operator does (SETSLOT, MIGRATE). begin: up to before the first key;
 * end: the rest. */
void redis_nodes_move(struct redis_nodes *nodes, int bucket, int to);
void redis_nodes_move_begin(struct redis_nodes *nodes, int bucket, int to);
void redis_nodes_move_end(struct redis_nodes *nodes, int bucket, int to);

#endif
