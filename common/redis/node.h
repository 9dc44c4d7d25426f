/* A connection to one of an address's hosts; only this folder uses it. */
#ifndef REDIS_NODE_H
#define REDIS_NODE_H

#include "redis/redis.h"
#include "redis/url.h"

/* As redis_open; address NULL: the url's own unix socket. */
struct redis *redis_open_node(const struct redis_url *url, const struct redis_address *address, int timeout_ms);

#endif
