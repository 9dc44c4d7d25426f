/* Redis Cluster against real nodes: the map, commands to the node that holds their slot, and what a moved slot, a node
 * that is away or one that tells of the past do to a connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "harness/redis_nodes.h"
#include "redis/cluster.h"
#include "unit/check_main.h"

static struct redis_nodes *nodes;

static void up(void) { nodes = redis_nodes_start(3); }
static void down(void) { redis_nodes_stop(&nodes); }

static struct redis_cluster *open_at(const char *url)
{
    char error[200];
    struct redis_cluster *cluster = redis_cluster_open(url, 2000, error);
    ck_assert_msg(cluster != NULL, "%s", error);
    return cluster;
}

static struct redis_cluster *connected(const char *url)
{
    struct redis_cluster *cluster = open_at(url);
    ck_assert_msg(redis_cluster_connect(cluster) == TROUBLE_NONE, "%s", redis_cluster_reason(cluster));
    return cluster;
}

/* One command to the node of bucket; its answer as text, "" for a status or nil. */
static const char *ask(struct redis_cluster *cluster, int bucket, const char *command, const char *value)
{
    static char text[200];
    char tag[12], key[32];
    struct redis_reply *reply;
    snprintf(tag, sizeof tag, "%d", bucket);
    snprintf(key, sizeof key, "rg:{%d}:key", bucket);
    struct redis *node = redis_cluster_node(cluster, redis_slot(tag, strlen(tag)));
    redis_append(node, value ? 3 : 2, (const char *[]){ command, key, value }, NULL);
    ck_assert_msg(redis_receive(node, &reply) == TROUBLE_NONE, "%s", redis_reason(node));
    const char *answer = redis_reply_text(reply, NULL);
    snprintf(text, sizeof text, "%s", answer ? answer : "");
    redis_reply_free(&reply);
    return text;
}

static const struct { const char *tag; int slot; } slots[] = {
    { "0", 13907 }, { "7", 1716 }, { "31", 14004 }, { "123456789", 0x31c3 }, { "", 0 },
};

START_TEST(slots_are_those_of_redis)
{
    char command[64];
    ck_assert_int_eq(redis_slot(slots[_i].tag, strlen(slots[_i].tag)), slots[_i].slot);
    snprintf(command, sizeof command, "CLUSTER KEYSLOT rg:{%s}:user:u1", slots[_i].tag);
    if (*slots[_i].tag)
        ck_assert_int_eq(strtol(redis_server_ask(redis_nodes_at(nodes, 0), command), NULL, 10), slots[_i].slot);
}
END_TEST

START_TEST(each_bucket_is_reached_whichever_host_is_given)
{
    for (int seed = 0; seed < 3; seed++) {
        struct redis_cluster *cluster = connected(redis_server_url(redis_nodes_at(nodes, seed)));
        ck_assert(redis_cluster_sharded(cluster));
        ck_assert_int_eq(redis_cluster_count(cluster), 3);
        for (int bucket = 0; bucket < 32; bucket++)
            ck_assert_str_eq(ask(cluster, bucket, "SET", "here"), "OK");
        for (int bucket = 0; bucket < 32; bucket++)
            ck_assert_str_eq(ask(cluster, bucket, "GET", NULL), "here");
        redis_cluster_close(&cluster);
        ck_assert_ptr_null(cluster);
    }
    for (int node = 0; node < 3; node++)
        ck_assert_int_gt(strtol(redis_server_ask(redis_nodes_at(nodes, node), "DBSIZE"), NULL, 10), 0);
}
END_TEST

START_TEST(scripts_are_loaded_into_every_node)
{
    static const char *const sources[] = { "return redis.call('SET', KEYS[1], ARGV[1])" };
    struct redis_cluster *cluster = open_at(redis_nodes_url(nodes));
    redis_cluster_scripts(cluster, sources, 1);
    ck_assert_int_eq(redis_cluster_connect(cluster), TROUBLE_NONE);
    for (size_t i = 0; i < redis_cluster_count(cluster); i++) {
        struct redis_reply *reply;
        struct redis *node = redis_cluster_at(cluster, i);
        redis_append_script(node, 0, 0, 0, NULL, NULL);
        ck_assert_int_eq(redis_receive(node, &reply), TROUBLE_NONE);
        ck_assert_msg(!strstr(redis_reply_text(reply, NULL), "NOSCRIPT"), "node %zu", i);
        redis_reply_free(&reply);
    }
    redis_cluster_close(&cluster);
}
END_TEST

START_TEST(a_moved_slot_is_said_and_the_next_map_has_it)
{
    bool same = false;
    struct redis_cluster *cluster = connected(redis_nodes_url(nodes));
    ck_assert_str_eq(ask(cluster, 7, "SET", "before"), "OK");
    ck_assert_int_eq(redis_cluster_unmoved(cluster, &same), TROUBLE_NONE);
    ck_assert(same);
    redis_nodes_move(nodes, 7, (redis_nodes_owner(nodes, 7) + 1) % 3);
    ck_assert_msg(strncmp(ask(cluster, 7, "GET", NULL), "MOVED", 5) == 0, "%s", ask(cluster, 7, "GET", NULL));
    ck_assert(redis_cluster_connected(cluster));             /* an error reply, nothing more */
    ck_assert_int_eq(redis_cluster_unmoved(cluster, &same), TROUBLE_NONE);
    ck_assert(!same);
    redis_cluster_break(cluster);
    ck_assert_int_eq(redis_cluster_connect(cluster), TROUBLE_NONE);
    ck_assert_str_eq(ask(cluster, 7, "GET", NULL), "before");
    redis_cluster_close(&cluster);
}
END_TEST

START_TEST(a_slot_on_its_way_is_asked_for_nowhere)
{
    struct redis_cluster *cluster = connected(redis_nodes_url(nodes));
    int to = (redis_nodes_owner(nodes, 7) + 1) % 3;
    ask(cluster, 7, "DEL", NULL);                            /* what has not left yet is still answered */
    redis_nodes_move_begin(nodes, 7, to);
    ck_assert_msg(strncmp(ask(cluster, 7, "GET", NULL), "ASK", 3) == 0, "%s", ask(cluster, 7, "GET", NULL));
    redis_nodes_move_end(nodes, 7, to);
    redis_cluster_close(&cluster);
}
END_TEST

START_TEST(a_node_that_is_away_is_a_retry_and_names_itself)
{
    struct redis_nodes *shared = nodes;
    nodes = redis_nodes_start(2);                            /* of this process, which is to see one of them die */
    struct redis_cluster *cluster = connected(redis_nodes_url(nodes));
    redis_server_down(redis_nodes_at(nodes, 1));
    redis_cluster_break(cluster);
    ck_assert_int_eq(redis_cluster_connect(cluster), TROUBLE_RETRY);
    ck_assert(!redis_cluster_connected(cluster));
    ck_assert_msg(strstr(redis_cluster_reason(cluster), "onnect"), "%s", redis_cluster_reason(cluster));
    redis_server_up(redis_nodes_at(nodes, 1));
    ck_assert_msg(redis_cluster_connect(cluster) == TROUBLE_NONE, "%s", redis_cluster_reason(cluster));
    redis_cluster_close(&cluster);
    redis_nodes_stop(&nodes);
    nodes = shared;
}
END_TEST

START_TEST(one_server_is_one_node)
{
    struct redis_server *server = redis_server_start(NULL);
    struct redis_cluster *cluster = connected(redis_server_url(server));
    bool same = false;
    ck_assert(!redis_cluster_sharded(cluster));
    ck_assert_int_eq(redis_cluster_count(cluster), 1);
    ck_assert_ptr_eq(redis_cluster_node(cluster, 0), redis_cluster_node(cluster, REDIS_SLOTS - 1));
    ck_assert_int_eq(redis_cluster_unmoved(cluster, &same), TROUBLE_NONE);
    ck_assert(same);
    redis_cluster_close(&cluster);
    cluster = connected(redis_server_socket_url(server));
    ck_assert_str_eq(ask(cluster, 7, "SET", "by socket"), "OK");
    redis_cluster_close(&cluster);
    redis_server_stop(&server);
}
END_TEST

/* A primary and its replica, in either order: the primary is taken, and after a promotion the other. */
START_TEST(of_two_single_servers_the_primary_is_taken)
{
    char url[120], command[64];
    struct redis_server *first = redis_server_start(NULL), *second = redis_server_start(NULL);
    snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 %d", redis_server_port(second));
    redis_server_ask(first, command);
    snprintf(url, sizeof url, "%s,127.0.0.1:%d", redis_server_url(first), redis_server_port(second));
    struct redis_cluster *cluster = connected(url);
    ck_assert_str_eq(ask(cluster, 7, "SET", "primary"), "OK");
    ck_assert_str_eq(redis_server_ask(second, "GET rg:{7}:key"), "primary");
    redis_server_down(second);
    redis_cluster_break(cluster);
    ck_assert_int_eq(redis_cluster_connect(cluster), TROUBLE_RETRY);
    redis_server_ask(first, "REPLICAOF NO ONE");
    ck_assert_msg(redis_cluster_connect(cluster) == TROUBLE_NONE, "%s", redis_cluster_reason(cluster));
    ck_assert_str_eq(ask(cluster, 7, "SET", "promoted"), "OK");
    redis_cluster_close(&cluster);
    redis_server_stop(&first);
    redis_server_stop(&second);
}
END_TEST

CHECK_MAIN("redis-cluster", tcase_add_unchecked_fixture(tests, up, down); tcase_set_timeout(tests, 60);
           tcase_add_loop_test(tests, slots_are_those_of_redis, 0, ROWS(slots));
           tcase_add_test(tests, each_bucket_is_reached_whichever_host_is_given);
           tcase_add_test(tests, scripts_are_loaded_into_every_node);
           tcase_add_test(tests, a_moved_slot_is_said_and_the_next_map_has_it);
           tcase_add_test(tests, a_slot_on_its_way_is_asked_for_nowhere);
           tcase_add_test(tests, a_node_that_is_away_is_a_retry_and_names_itself);
           tcase_add_test(tests, one_server_is_one_node);
           tcase_add_test(tests, of_two_single_servers_the_primary_is_taken);)
