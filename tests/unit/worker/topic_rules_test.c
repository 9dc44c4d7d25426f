#include <string.h>

#include "worker/topic_rules.h"
#include "unit/check_main.h"

static void good_states(struct topic_state states[TOPIC_COUNT])
{
    for (int i = 0; i < TOPIC_COUNT; i++)
        states[i] = (struct topic_state){ .facts = {
            .exists = true, .partitions = TOPICS[i].partitions, .replication = 3,
            .retention_ms = TOPICS[i].retention_ms,
            .retention_bytes = -1, .deletes = true, .log_append_time = TOPICS[i].log_append_time,
            .min_insync_replicas = 2, .brokers = 3,
            .message_bytes_max = i == TOPIC_DEAD_LETTERS ? 8 * 1024 * 1024 : 1048588 } };
}

static int judge(const struct topic_state states[TOPIC_COUNT], unsigned topics, int64_t replication,
                 struct text *lines)
{
    return topic_rules(states, &(struct topic_judged){ .prefix = "p.", .topics = topics, .replication = replication },
                       lines);
}

START_TEST(the_tables_own_topics_are_good)
{
    struct topic_state states[TOPIC_COUNT];
    struct text lines = { 0 };
    good_states(states);
    ck_assert_int_eq(judge(states, TOPICS_ALL, 3, &lines), 0);
    ck_assert_uint_eq(lines.length, 0);
    text_free(&lines);
}
END_TEST

static void missing(struct topic_state *state) { state->facts = (struct kafka_topic_facts){ 0 }; }
static void a_week(struct topic_state *state) { state->facts.retention_ms = 604800000; }
static void a_day(struct topic_state *state) { state->facts.retention_ms = 86400000; }
static void two_days(struct topic_state *state) { state->facts.retention_ms = 2 * 86400000; }
static void for_ever(struct topic_state *state) { state->facts.retention_ms = -1; }
static void limited_bytes(struct topic_state *state) { state->facts.retention_bytes = 1 << 30; }
static void compacted(struct topic_state *state)
{
    state->facts.compacts = true;
    state->facts.deletes = false;
}

static void compacted_too(struct topic_state *state) { state->facts.compacts = true; }
static void create_time(struct topic_state *state) { state->facts.log_append_time = false; }
static void small_messages(struct topic_state *state) { state->facts.message_bytes_max = 1048588; }
static void truncated(struct topic_state *state) { state->low_watermark_most = 17; }
static void more_partitions(struct topic_state *state) { state->facts.partitions++; }
static void one_in_sync(struct topic_state *state) { state->facts.min_insync_replicas = 1; }
static void unclean(struct topic_state *state) { state->facts.unclean_election = true; }
static void two_replicas(struct topic_state *state) { state->facts.replication = 2; }

/* What is done to one good topic, and what the one complaint says; NULL: it may be so. */
static const struct {
    enum topic topic;
    void (*spoil)(struct topic_state *state);
    const char *says;
} rule_cases[] = {
    { TOPIC_REQUESTS, missing, "p.requests: does not exist" },
    { TOPIC_JOURNAL, a_week, "p.journal: retention.ms is 604800000, must be -1" },
    { TOPIC_JOURNAL, limited_bytes, "p.journal: retention.bytes" },
    { TOPIC_JOURNAL, compacted, "p.journal: cleanup.policy is compact" },
    { TOPIC_RESULTS, one_in_sync, "p.results: min.insync.replicas is 1, must be at least 2" },
    { TOPIC_JOURNAL, truncated, "begins at offset 17" },
    { TOPIC_JOURNAL, more_partitions, NULL },
    { TOPIC_DEAD_LETTERS, small_messages, "p.dead-letters: max.message.bytes is 1048588" },
    { TOPIC_RESULTS, small_messages, NULL },
    { TOPIC_JOBS, a_day, "p.jobs: retention.ms is 86400000" },
    { TOPIC_JOBS, two_days, NULL },
    { TOPIC_JOBS, for_ever, NULL },
    { TOPIC_JOBS, compacted, "p.jobs: cleanup.policy" },
    { TOPIC_TASKS, compacted_too, "p.tasks: cleanup.policy" },
    { TOPIC_TASKS, limited_bytes, "p.tasks: retention.bytes" },
    { TOPIC_TASKS, a_day, "p.tasks: retention.ms" },
    { TOPIC_JOBS, more_partitions, "p.tasks: has 12 partitions and p.jobs has 13" },
    { TOPIC_RESULTS, a_day, "p.results: retention.ms" },
    { TOPIC_RESULTS, create_time, NULL },
    { TOPIC_REQUESTS, create_time, "p.requests: message.timestamp.type is CreateTime" },
    { TOPIC_GRANTS, create_time, "p.grants: message.timestamp.type is CreateTime" },
    { TOPIC_REQUESTS, more_partitions, NULL },
    { TOPIC_DEAD_LETTERS, limited_bytes, NULL },
    { TOPIC_RESULTS, unclean, "p.results: unclean.leader.election.enable is true, must be false" },
    { TOPIC_DEAD_LETTERS, two_replicas, "p.dead-letters: has 2 replicas, must be at least 3" },
};

START_TEST(what_could_lose_money_is_said)
{
    struct topic_state states[TOPIC_COUNT];
    struct text lines = { 0 };
    good_states(states);
    rule_cases[_i].spoil(&states[rule_cases[_i].topic]);
    int count = judge(states, TOPICS_ALL, 3, &lines);
    ck_assert_int_eq(count, rule_cases[_i].says ? 1 : 0);
    if (rule_cases[_i].says) {
        ck_assert_msg(strstr(lines.bytes, rule_cases[_i].says), "\"%s\" is not in: %s", rule_cases[_i].says,
                      lines.bytes);
        ck_assert_ptr_eq(strchr(lines.bytes, '\n'), lines.bytes + lines.length - 1);
    }
    text_free(&lines);
}
END_TEST

/* replication as the setting says, in a cluster of so many brokers, for topics with so many replicas. */
static const struct { int64_t replication; int brokers, replicas, in_sync; bool good; } replica_cases[] = {
    { 0, 1, 1, 1, true }, { 0, 2, 1, 1, false }, { 0, 2, 2, 1, true }, { 0, 3, 1, 1, false }, { 0, 3, 2, 1, false },
    { 0, 3, 3, 1, false }, { 0, 3, 3, 2, true }, { 0, 9, 3, 2, true }, { 1, 3, 1, 1, true }, { 3, 1, 1, 1, false },
    { 5, 9, 3, 2, false }, { 0, 0, 1, 1, true },
};

START_TEST(a_cluster_has_to_give_what_it_can)
{
    struct topic_state states[TOPIC_COUNT];
    struct text lines = { 0 };
    good_states(states);
    states[TOPIC_JOURNAL].facts.brokers = replica_cases[_i].brokers;
    states[TOPIC_JOURNAL].facts.replication = replica_cases[_i].replicas;
    states[TOPIC_JOURNAL].facts.min_insync_replicas = replica_cases[_i].in_sync;
    int count = judge(states, 1U << TOPIC_JOURNAL, replica_cases[_i].replication, &lines);
    ck_assert_msg((count == 0) == replica_cases[_i].good, "%s", lines.bytes ? lines.bytes : "no complaint");
    text_free(&lines);
}
END_TEST

START_TEST(topics_of_others_are_not_judged)
{
    struct topic_state states[TOPIC_COUNT];
    struct text lines = { 0 };
    good_states(states);
    missing(&states[TOPIC_JOURNAL]);
    more_partitions(&states[TOPIC_JOBS]);
    ck_assert_int_eq(judge(states, 1U << TOPIC_RESULTS | 1U << TOPIC_TASKS, 3, &lines), 0);
    ck_assert_int_eq(judge(states, TOPICS_ALL, 3, &lines), 2);
    text_free(&lines);
}
END_TEST

CHECK_MAIN("topic rules",
    tcase_add_test(tests, topics_of_others_are_not_judged);
    tcase_add_loop_test(tests, a_cluster_has_to_give_what_it_can, 0, ROWS(replica_cases));
    tcase_add_test(tests, the_tables_own_topics_are_good);
    tcase_add_loop_test(tests, what_could_lose_money_is_said, 0, ROWS(rule_cases));)
