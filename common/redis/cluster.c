#include "redis/cluster.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "redis/node.h"

enum { NOBODY = 255 };
_Static_assert((int)REDIS_NODES_MAX <= (int)NOBODY, "a node's index fits a byte of the map");

/* Who holds which slot. */
struct map {
    struct redis_address masters[REDIS_NODES_MAX];
    size_t count;
    uint8_t owner[REDIS_SLOTS];
};

struct redis_cluster {
    struct redis_url url;
    int timeout_ms;
    const char *const *sources;
    size_t script_count;
    bool sharded;
    struct map map;                      /* sharded: as of the last connect */
    struct map *fresh;                   /* room for the next one */
    struct redis *nodes[REDIS_NODES_MAX];
    size_t count;
    size_t turn;                         /* which of the known addresses is asked next */
    char reason[200];
};

/* CRC-16/XMODEM, as Redis Cluster hashes its keys. */
int redis_slot(const char *tag, size_t length)
{
    unsigned crc = 0;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned)(unsigned char)tag[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
        crc &= 0xffff;
    }
    return (int)(crc % REDIS_SLOTS);
}

struct redis_cluster *redis_cluster_open(const char *url, int timeout_ms, char error[200])
{
    struct redis_url parsed;
    if (!redis_url_parse(url, &parsed, error))
        return NULL;
    struct redis_cluster *cluster = xcalloc(1, sizeof *cluster);
    cluster->url = parsed;
    cluster->timeout_ms = timeout_ms;
    cluster->fresh = xcalloc(1, sizeof *cluster->fresh);
    return cluster;
}

static void close_nodes(struct redis_cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++)
        redis_close(&cluster->nodes[i]);
    cluster->count = 0;
}

void redis_cluster_close(struct redis_cluster **cluster)
{
    if (!*cluster)
        return;
    close_nodes(*cluster);
    explicit_bzero(&(*cluster)->url, sizeof (*cluster)->url);
    free((*cluster)->fresh);
    free(*cluster);
    *cluster = NULL;
}

void redis_cluster_scripts(struct redis_cluster *cluster, const char *const *sources, size_t count)
{
    cluster->sources = sources;
    cluster->script_count = count;
    for (size_t i = 0; i < cluster->count; i++)
        redis_scripts(cluster->nodes[i], sources, count);
}

bool redis_cluster_connected(const struct redis_cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++)
        if (!redis_connected(cluster->nodes[i]))
            return false;
    return cluster->count > 0;
}

void redis_cluster_break(struct redis_cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++)
        redis_break(cluster->nodes[i]);
}

const char *redis_cluster_reason(const struct redis_cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++)
        if (!redis_connected(cluster->nodes[i]) && redis_reason(cluster->nodes[i])[0])
            return redis_reason(cluster->nodes[i]);
    return cluster->reason;
}

bool redis_cluster_sharded(const struct redis_cluster *cluster) { return cluster->sharded; }

size_t redis_cluster_count(const struct redis_cluster *cluster) { return cluster->count; }

struct redis *redis_cluster_at(struct redis_cluster *cluster, size_t index)
{
    must(index < cluster->count);
    return cluster->nodes[index];
}

struct redis *redis_cluster_node(struct redis_cluster *cluster, int slot)
{
    must(cluster->count > 0 && slot >= 0 && slot < REDIS_SLOTS);
    return cluster->nodes[cluster->sharded ? cluster->map.owner[slot] : 0];
}

enum trouble redis_cluster_send(struct redis_cluster *cluster)
{
    for (size_t i = 0; i < cluster->count; i++)
        if (redis_send(cluster->nodes[i]) != TROUBLE_NONE)
            return TROUBLE_RETRY;
    return TROUBLE_NONE;
}

/* ---- the map */

__attribute__((format(printf, 2, 3)))
static enum trouble away(struct redis_cluster *cluster, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cluster->reason, sizeof cluster->reason, format, arguments);
    va_end(arguments);
    return TROUBLE_RETRY;
}

/* One question to a node; an error reply is trouble, too. */
static enum trouble ask(struct redis_cluster *cluster, struct redis *node, const char *const words[2],
                        struct redis_reply **reply)
{
    if (redis_ask(node, words[1] ? 2 : 1, words, reply) != TROUBLE_NONE)
        return away(cluster, "%s", redis_reason(node));
    if (redis_reply_kind(*reply) != REDIS_ERROR)
        return TROUBLE_NONE;
    away(cluster, "%s: %s", words[0], redis_reply_text(*reply, NULL));
    redis_reply_free(reply);
    return TROUBLE_RETRY;
}

/* [host, port, id, ...]; a node that does not know its own address gives none: it is where we found it. */
static bool read_address(const struct redis_reply *row, const struct redis_address *guide,
                         struct redis_address *address)
{
    if (redis_reply_count(row) < 2)
        return false;
    const char *host = redis_reply_text(redis_reply_at(row, 0), NULL);
    int64_t port = redis_reply_integer(redis_reply_at(row, 1));
    if (!host || !*host)
        host = guide->host;
    address->port = (int)port;
    return port > 0 && port < 65536
           && (size_t)snprintf(address->host, sizeof address->host, "%s", host) < sizeof address->host;
}

static uint8_t place_of(struct map *map, const struct redis_address *address)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->masters[i].port == address->port && strcmp(map->masters[i].host, address->host) == 0)
            return (uint8_t)i;
    if (map->count == REDIS_NODES_MAX)
        return NOBODY;
    map->masters[map->count] = *address;
    return (uint8_t)map->count++;
}

/* [first slot, last slot, master, replica...] */
static bool read_range(const struct redis_reply *row, const struct redis_address *guide, struct map *map)
{
    struct redis_address address;
    if (redis_reply_count(row) < 3 || !read_address(redis_reply_at(row, 2), guide, &address))
        return false;
    int64_t first = redis_reply_integer(redis_reply_at(row, 0));
    int64_t last = redis_reply_integer(redis_reply_at(row, 1));
    uint8_t place = place_of(map, &address);
    if (first < 0 || last >= REDIS_SLOTS || first > last || place == NOBODY)
        return false;
    memset(map->owner + first, place, (size_t)(last - first + 1));
    return true;
}

static enum trouble read_map(struct redis_cluster *cluster, const struct redis_reply *reply,
                             const struct redis_address *guide)
{
    struct map *map = cluster->fresh;
    map->count = 0;
    memset(map->owner, NOBODY, sizeof map->owner);
    for (size_t i = 0; i < redis_reply_count(reply); i++)
        if (!read_range(redis_reply_at(reply, i), guide, map))
            return away(cluster, "CLUSTER SLOTS' answer can't be read");
    if (memchr(map->owner, NOBODY, sizeof map->owner))
        return away(cluster, "the Redis Cluster has slots without a node");
    return TROUBLE_NONE;
}

static enum trouble ask_map(struct redis_cluster *cluster, struct redis *guide,
                            const struct redis_address *address)
{
    struct redis_reply *reply;
    enum trouble trouble = ask(cluster, guide, (const char *const[2]){ "CLUSTER", "SLOTS" }, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    trouble = read_map(cluster, reply, address);
    redis_reply_free(&reply);
    return trouble;
}

static bool same_map(const struct map *one, const struct map *other)
{
    if (one->count != other->count || memcmp(one->owner, other->owner, sizeof one->owner) != 0)
        return false;
    for (size_t i = 0; i < one->count; i++)
        if (one->masters[i].port != other->masters[i].port
            || strcmp(one->masters[i].host, other->masters[i].host) != 0)
            return false;
    return true;
}

enum trouble redis_cluster_unmoved(struct redis_cluster *cluster, bool *same)
{
    *same = true;
    if (!cluster->sharded)
        return TROUBLE_NONE;
    enum trouble trouble = ask_map(cluster, cluster->nodes[0], &cluster->map.masters[0]);
    *same = trouble == TROUBLE_NONE && same_map(&cluster->map, cluster->fresh);
    return trouble;
}

/* ---- connecting */

static struct redis *open_node(struct redis_cluster *cluster, const struct redis_address *address)
{
    struct redis *node = redis_open_node(&cluster->url, address, cluster->timeout_ms);
    if (cluster->script_count)
        redis_scripts(node, cluster->sources, cluster->script_count);
    return node;
}

/* The addresses that may be asked for the map: the masters of the last one, then those of the settings. */
static size_t candidates(const struct redis_cluster *cluster)
{
    size_t seeds = cluster->url.seed_count ? (size_t)cluster->url.seed_count : 1;
    return (cluster->sharded ? cluster->map.count : 0) + seeds;
}

static const struct redis_address *candidate(const struct redis_cluster *cluster, size_t index)
{
    size_t known = cluster->sharded ? cluster->map.count : 0;
    if (index < known)
        return &cluster->map.masters[index];
    return cluster->url.seed_count ? &cluster->url.seeds[index - known] : NULL;
}

/* Among several single servers the primary is meant, and after a failover not the one that still believes to be it: that
 * one's replicas have left it. The address of one alone is left to its user to judge. */
static enum trouble ask_primary(struct redis_cluster *cluster, struct redis *guide)
{
    struct redis_reply *reply;
    if (cluster->url.seed_count < 2)
        return TROUBLE_NONE;
    enum trouble trouble = ask(cluster, guide, (const char *const[2]){ "INFO", "replication" }, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *text = redis_reply_text(reply, NULL);
    if (!text || !strstr(text, "role:master"))
        trouble = away(cluster, "none of the addresses is that of a primary");
    else if (strstr(text, "min_slaves_good_slaves:0\r"))
        trouble = away(cluster, "the primary takes no writes: none of its replicas is in time");
    redis_reply_free(&reply);
    return trouble;
}

static enum trouble ask_shape(struct redis_cluster *cluster, struct redis *guide, bool *sharded)
{
    struct redis_reply *reply;
    enum trouble trouble = ask(cluster, guide, (const char *const[2]){ "INFO", "cluster" }, &reply);
    if (trouble != TROUBLE_NONE)
        return trouble;
    const char *text = redis_reply_text(reply, NULL);
    *sharded = text && strstr(text, "cluster_enabled:1");
    redis_reply_free(&reply);
    return TROUBLE_NONE;
}

/* The masters of the fresh map become the nodes; the guide is one of them, or not needed any more. */
static enum trouble take_map(struct redis_cluster *cluster, struct redis **guide,
                             const struct redis_address *guide_address)
{
    const struct redis_address address = *guide_address;     /* it may lie in the map that goes */
    cluster->map = *cluster->fresh;
    for (size_t i = 0; i < cluster->map.count; i++) {
        const struct redis_address *master = &cluster->map.masters[i];
        if (*guide && master->port == address.port && strcmp(master->host, address.host) == 0) {
            cluster->nodes[cluster->count++] = *guide;
            *guide = NULL;
        } else {
            cluster->nodes[cluster->count++] = open_node(cluster, master);
        }
    }
    for (size_t i = 0; i < cluster->count; i++)
        if (redis_connect(cluster->nodes[i]) != TROUBLE_NONE)
            return away(cluster, "%s:%d: %s", cluster->map.masters[i].host, cluster->map.masters[i].port,
                        redis_reason(cluster->nodes[i]));
    return TROUBLE_NONE;
}

static enum trouble connect_by(struct redis_cluster *cluster, const struct redis_address *address)
{
    bool sharded = false;
    struct redis *guide = open_node(cluster, address);
    enum trouble trouble = redis_connect(guide);
    if (trouble != TROUBLE_NONE)
        away(cluster, "%s", redis_reason(guide));
    if (trouble == TROUBLE_NONE)
        trouble = ask_shape(cluster, guide, &sharded);
    if (trouble == TROUBLE_NONE)
        trouble = !sharded ? ask_primary(cluster, guide)
            : address      ? ask_map(cluster, guide, address)
                           : away(cluster, "a node of a Redis Cluster needs its host's address, not a socket's");
    if (trouble == TROUBLE_NONE) {
        if (sharded) {
            trouble = take_map(cluster, &guide, address);
        } else {
            cluster->nodes[cluster->count++] = guide;
            guide = NULL;
        }
        cluster->sharded = sharded;
    }
    redis_close(&guide);
    return trouble;
}

enum trouble redis_cluster_connect(struct redis_cluster *cluster)
{
    if (redis_cluster_connected(cluster))
        return TROUBLE_NONE;
    close_nodes(cluster);
    const int64_t until_ms = clock_mono_ms() + cluster->timeout_ms;
    const size_t count = candidates(cluster);
    enum trouble trouble = TROUBLE_RETRY;
    /* In a Cluster the next call begins with the next address, whatever this one says: it may tell of the past. */
    for (size_t i = 0; i < count && trouble != TROUBLE_NONE && (i == 0 || clock_mono_ms() < until_ms); i++) {
        trouble = connect_by(cluster, candidate(cluster, cluster->turn++ % candidates(cluster)));
        if (trouble != TROUBLE_NONE)
            close_nodes(cluster);
        else if (!cluster->sharded)
            cluster->turn--;
    }
    return trouble;
}
