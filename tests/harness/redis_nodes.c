#include "harness/redis_nodes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "redis/cluster.h"

enum { NODES_MAX = 4, AGREE_MS = 30000 };

struct redis_nodes {
    int count;
    struct redis_server *servers[NODES_MAX];
    char ids[NODES_MAX][41];
    struct text url;
};

__attribute__((format(printf, 2, 3)))
static const char *ask(struct redis_server *server, const char *format, ...)
{
    char command[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    must(length < (int)sizeof command);
    return redis_server_ask(server, command);
}

static void expect_ok(struct redis_nodes *nodes, int node, const char *command)
{
    const char *answer = redis_server_ask(nodes->servers[node], command);
    if (strcmp(answer, "OK") == 0)
        return;
    fprintf(stderr, "%s: %s\n", command, answer);
    exit(1);
}

static bool agree(struct redis_nodes *nodes)
{
    char known[64];
    snprintf(known, sizeof known, "cluster_known_nodes:%d\r", nodes->count);
    for (int i = 0; i < nodes->count; i++) {
        const char *info = ask(nodes->servers[i], "CLUSTER INFO");
        if (!strstr(info, "cluster_state:ok") || !strstr(info, known))
            return false;
    }
    return true;
}

static void wait_until_agreed(struct redis_nodes *nodes)
{
    int64_t until_ms = clock_mono_ms() + AGREE_MS;
    while (!agree(nodes)) {
        if (clock_mono_ms() > until_ms) {
            fprintf(stderr, "the Redis Cluster does not come up: %s\n", ask(nodes->servers[0], "CLUSTER NODES"));
            exit(1);
        }
        clock_sleep_ms(20);
    }
}

static void join(struct redis_nodes *nodes)
{
    for (int i = 0; i < nodes->count; i++) {
        char command[128];
        int share = REDIS_SLOTS / nodes->count;
        snprintf(command, sizeof command, "CLUSTER ADDSLOTSRANGE %d %d", i * share,
                 i + 1 < nodes->count ? (i + 1) * share - 1 : REDIS_SLOTS - 1);
        expect_ok(nodes, i, command);
        snprintf(command, sizeof command, "CLUSTER SET-CONFIG-EPOCH %d", i + 1);
        expect_ok(nodes, i, command);
        snprintf(nodes->ids[i], sizeof nodes->ids[i], "%s", ask(nodes->servers[i], "CLUSTER MYID"));
    }
    /* The bus's port is not the usual one (10,000 above may be nobody's to take), so it is told. */
    for (int i = 1; i < nodes->count; i++) {
        char command[128];
        const char *bus = strchr(ask(nodes->servers[i], "CONFIG GET cluster-port"), ' ');
        snprintf(command, sizeof command, "CLUSTER MEET 127.0.0.1 %d%s", redis_server_port(nodes->servers[i]), bus);
        expect_ok(nodes, 0, command);
    }
}

struct redis_nodes *redis_nodes_start(int count)
{
    static char bus[NODES_MAX][8];
    struct redis_nodes *nodes = xcalloc(1, sizeof *nodes);
    must(count <= NODES_MAX);
    nodes->count = count;
    text_add_string(&nodes->url, "redis://");
    for (int i = 0; i < count; i++) {
        snprintf(bus[i], sizeof bus[i], "%d", redis_server_free_port());
        const char *const options[] = { "--cluster-enabled", "yes", "--cluster-port", bus[i], "--cluster-node-timeout",
                                        "5000", NULL };
        nodes->servers[i] = redis_server_start(options);
        text_printf(&nodes->url, "%s127.0.0.1:%d", i ? "," : "", redis_server_port(nodes->servers[i]));
    }
    join(nodes);
    wait_until_agreed(nodes);
    return nodes;
}

void redis_nodes_stop(struct redis_nodes **nodes)
{
    if (!*nodes)
        return;
    for (int i = 0; i < (*nodes)->count; i++)
        redis_server_stop(&(*nodes)->servers[i]);
    text_free(&(*nodes)->url);
    free(*nodes);
    *nodes = NULL;
}

const char *redis_nodes_url(const struct redis_nodes *nodes) { return nodes->url.bytes; }

struct redis_server *redis_nodes_at(struct redis_nodes *nodes, int index)
{
    must(index >= 0 && index < nodes->count);
    return nodes->servers[index];
}

static int slot_of(int bucket)
{
    char tag[12];
    int length = snprintf(tag, sizeof tag, "%d", bucket);
    return redis_slot(tag, (size_t)length);
}

int redis_nodes_owner(struct redis_nodes *nodes, int bucket)
{
    for (int i = 0; i < nodes->count; i++)
        if (strncmp(ask(nodes->servers[i], "EXISTS rg:{%d}:nothing", bucket), "MOVED", 5) != 0)
            return i;
    unreachable();
}

void redis_nodes_move_begin(struct redis_nodes *nodes, int bucket, int to)
{
    char command[128];
    int from = redis_nodes_owner(nodes, bucket);
    snprintf(command, sizeof command, "CLUSTER SETSLOT %d IMPORTING %s", slot_of(bucket), nodes->ids[from]);
    expect_ok(nodes, to, command);
    snprintf(command, sizeof command, "CLUSTER SETSLOT %d MIGRATING %s", slot_of(bucket), nodes->ids[to]);
    expect_ok(nodes, from, command);
}

void redis_nodes_move_end(struct redis_nodes *nodes, int bucket, int to)
{
    char command[256];
    int slot = slot_of(bucket);
    for (int from = 0; from < nodes->count; from++) {
        if (from == to)
            continue;
        for (;;) {
            const char *key = ask(nodes->servers[from], "CLUSTER GETKEYSINSLOT %d 1", slot);
            if (!*key)
                break;
            snprintf(command, sizeof command, "MIGRATE 127.0.0.1 %d %s 0 5000", redis_server_port(nodes->servers[to]),
                     key);
            expect_ok(nodes, from, command);
        }
    }
    snprintf(command, sizeof command, "CLUSTER SETSLOT %d NODE %s", slot, nodes->ids[to]);
    expect_ok(nodes, to, command);
    for (int i = 0; i < nodes->count; i++)
        if (i != to)
            expect_ok(nodes, i, command);
}

void redis_nodes_move(struct redis_nodes *nodes, int bucket, int to)
{
    if (redis_nodes_owner(nodes, bucket) == to)
        return;
    redis_nodes_move_begin(nodes, bucket, to);
    redis_nodes_move_end(nodes, bucket, to);
}
