/* Redis whatever its shape: one server, or the masters of a Redis Cluster, one connection each. Which of the
 * two it is, the server says when it is connected to (INFO cluster); nothing else here differs for callers,
 * and with one server nothing is asked or copied on the way of a command.
 *
 * Commands and replies go through the struct redis of the node that holds their slot. Nothing follows a
 * redirection: a MOVED, ASK, TRYAGAIN or CLUSTERDOWN is an error reply like any other, its caller drops all
 * that is under way (redis_cluster_break), and the next connect takes the map anew, each time from another
 * node, because one of them may be cut off and tell of the past. */
#ifndef REDIS_CLUSTER_H
#define REDIS_CLUSTER_H

#include "redis/redis.h"

enum { REDIS_SLOTS = 16384, REDIS_NODES_MAX = 128 };

struct redis_cluster;

/* As redis_open, and with several hosts, parted by commas: one that answers is enough. Where they are single
 * servers (a primary and its replicas) the one that is the primary is taken, and kept as long as it takes writes. */
struct redis_cluster *redis_cluster_open(const char *url, int timeout_ms, char error[200]);
void redis_cluster_close(struct redis_cluster **cluster);
/* as redis_scripts; loaded into every node */
void redis_cluster_scripts(struct redis_cluster *cluster, const char *const *sources, size_t count);

/* Connects to every node when one of them is not connected; with a map that is asked for then. Blocks up to
 * timeout_ms a step. RETRY: one of them is away, or slots have no node (redis_cluster_reason). */
enum trouble redis_cluster_connect(struct redis_cluster *cluster);
bool redis_cluster_connected(const struct redis_cluster *cluster);      /* to every node */
void redis_cluster_break(struct redis_cluster *cluster);                /* all of them */
const char *redis_cluster_reason(const struct redis_cluster *cluster);
/* a Redis Cluster, as of the last connect */
bool redis_cluster_sharded(const struct redis_cluster *cluster);
/* Is the map of the last connect still the one that the nodes have? Asks one of them. *same is false also when
 * there is only another order. Nothing may be pending. RETRY: away. */
enum trouble redis_cluster_unmoved(struct redis_cluster *cluster, bool *same);

/* Of the last connect, which must have succeeded; valid until the next one. 1 for a single server. */
size_t redis_cluster_count(const struct redis_cluster *cluster);
struct redis *redis_cluster_at(struct redis_cluster *cluster, size_t index);
struct redis *redis_cluster_node(struct redis_cluster *cluster, int slot);
/* redis_send to every node: all have their work before any reply is waited for */
enum trouble redis_cluster_send(struct redis_cluster *cluster);

/* The slot of a key whose hash tag is these bytes: "7" for rg:{7}:meta. */
int redis_slot(const char *tag, size_t length);

#endif
