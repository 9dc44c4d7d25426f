/* The adapter against a real broker: what a transaction promises, what fencing does, what the watermarks
 * mean. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "component/kafka/broker.h"
#include "unit/base/captured.h"
#include "unit/check_main.h"

static struct kafka_producer *producer_ready(const char *id)
{
    struct kafka_config config = broker_config("test-producer");
    struct kafka_producer *producer = kafka_producer_open(&config, id);
    ck_assert_int_eq(kafka_producer_renew(producer, "start", 20000), TROUBLE_NONE);
    return producer;
}

static void produce(struct kafka_producer *producer, const char *topic, const char *value, int64_t *delivered)
{
    struct kafka_header headers[] = { { "ce_type", "t", 1 }, { "empty", "", 0 } };
    struct kafka_message message = { .topic = topic, .partition = 0, .key = "k", .key_length = 1,
                                     .value = value,
                                     .value_length = strlen(value), .headers = headers, .header_count = 2 };
    ck_assert_int_eq(kafka_producer_produce(producer, &message, delivered), TROUBLE_NONE);
}

static void commit_one(struct kafka_producer *producer, const char *topic, const char *value)
{
    ck_assert_int_eq(kafka_producer_begin(producer), TROUBLE_NONE);
    produce(producer, topic, value, NULL);
    ck_assert_int_eq(kafka_producer_flush(producer), TROUBLE_NONE);
    ck_assert_int_eq(kafka_producer_commit(producer), TROUBLE_NONE);
}

/* ---- a consumer that remembers what its hooks were told */
struct member { struct kafka_consumer *consumer; int assigned, revoked; int64_t committed; };

static void on_assigned(void *self, int topic, int32_t partition, int64_t committed)
{
    struct member *member = self;
    ck_assert_int_eq(topic, 0);
    (void)partition;
    member->assigned++;
    member->committed = committed;
}

static void on_revoked(void *self, int topic, int32_t partition)
{
    struct member *member = self;
    (void)topic;
    (void)partition;
    member->revoked++;
}

static void member_open(struct member *member, const char *group, const char *topic)
{
    struct kafka_config config = broker_config("test-consumer");
    struct kafka_consumer_hooks hooks = { .self = member, .assigned = on_assigned, .revoked = on_revoked };
    *member = (struct member){ .committed = -2 };
    member->consumer = kafka_consumer_open(&config, group, &topic, 1, &hooks);
}

/* The next event of this kind within 20 s. */
static struct kafka_record await(struct member *member, enum kafka_event wanted)
{
    struct kafka_record record = { 0 };
    enum trouble trouble;
    int64_t until_ms = clock_mono_ms() + 20000;
    while (clock_mono_ms() < until_ms) {
        enum kafka_event event = kafka_consumer_poll(member->consumer, 100, &record, &trouble);
        if (event == wanted)
            return record;
        if (event == KAFKA_RECORD)
            kafka_record_release(&record);
    }
    ck_abort_msg("no such event");
}

START_TEST(only_what_is_committed_is_read)
{
    const char *topic = broker_name("commit", 0);
    broker_topic(topic, 1);
    struct kafka_producer *producer = producer_ready(broker_name("id", 1));
    ck_assert_int_eq(kafka_producer_prewarm(producer, topic, 5000), TROUBLE_NONE);
    int64_t delivered = -7;
    ck_assert_int_eq(kafka_producer_begin(producer), TROUBLE_NONE);
    produce(producer, topic, "aborted", &delivered);
    ck_assert_int_eq(delivered, -1);
    ck_assert_int_eq(kafka_producer_flush(producer), TROUBLE_NONE);
    ck_assert_int_eq(delivered, 0);
    ck_assert_int_eq(kafka_producer_abort(producer), TROUBLE_NONE);
    commit_one(producer, topic, "kept");
    struct seen_list list = broker_read_all(topic);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(list.rows[0].value, "kept");
    /* the aborted record and its marker have their places */
    ck_assert_int_eq(list.rows[0].offset, 2);
    broker_seen_free(&list);
    kafka_producer_close(&producer);
}
END_TEST

START_TEST(a_second_handle_fences_the_first_and_three_times_is_a_restart)
{
    const char *topic = broker_name("fence", 0), *id = broker_name("id", 1);
    broker_topic(topic, 1);
    struct kafka_producer *ours = producer_ready(id);
    enum trouble trouble = TROUBLE_NONE;
    for (int round = 1; round <= 3; round++) {
        ck_assert_int_eq(kafka_producer_begin(ours), TROUBLE_NONE);
        produce(ours, topic, "ours", NULL);
        ck_assert_int_eq(kafka_producer_flush(ours), TROUBLE_NONE);
        struct kafka_producer *other = producer_ready(id);       /* aborts ours */
        trouble = kafka_producer_commit(ours);
        ck_assert_int_eq(trouble, round < 3 ? TROUBLE_RENEW : TROUBLE_RESTART);
        ck_assert_str_eq(kafka_producer_lost(ours), "fenced");
        commit_one(other, topic, "other");
        kafka_producer_close(&other);
        if (round < 3)
            ck_assert_int_eq(kafka_producer_renew(ours, "fenced", 20000), TROUBLE_NONE);
    }
    ck_assert_int_eq(kafka_producer_renewals(ours), 2);
    ck_assert_int_eq(kafka_producer_begin(ours) == TROUBLE_NONE, 0);
    struct seen_list list = broker_read_all(topic);
    ck_assert_uint_eq(list.count, 3);
    for (size_t i = 0; i < list.count; i++)
        ck_assert_str_eq(list.rows[i].value, "other");
    broker_seen_free(&list);
    kafka_producer_close(&ours);
}
END_TEST

START_TEST(a_transaction_past_its_time_is_renewed_and_not_taken_for_a_fence)
{
    const char *topic = broker_name("late", 0);
    broker_topic(topic, 1);
    struct param_property rows[] = { { "transaction.timeout.ms", "2000" } };
    struct param_properties properties = { rows, 1 };
    struct kafka_config config = broker_config("test-producer");
    config.properties = &properties;
    struct kafka_producer *producer = kafka_producer_open(&config, broker_name("id", 1));
    ck_assert_int_eq(kafka_producer_renew(producer, "start", 20000), TROUBLE_NONE);
    ck_assert_int_eq(kafka_producer_begin(producer), TROUBLE_NONE);
    produce(producer, topic, "late", NULL);
    kafka_producer_flush(producer);
    clock_sleep_ms(13000);                               /* the broker looks for late ones every 10 s */
    ck_assert_int_eq(kafka_producer_commit(producer), TROUBLE_RENEW);
    ck_assert_str_eq(kafka_producer_lost(producer), "timed_out");
    ck_assert_int_eq(kafka_producer_renew(producer, "timed_out", 20000), TROUBLE_NONE);
    commit_one(producer, topic, "again");
    struct seen_list list = broker_read_all(topic);
    ck_assert_uint_eq(list.count, 1);
    ck_assert_str_eq(list.rows[0].value, "again");
    broker_seen_free(&list);
    kafka_producer_close(&producer);
}
END_TEST

START_TEST(real_watermark_passes_an_open_transaction_and_the_end_does_not)
{
    const char *topic = broker_name("lso", 0), *group = broker_name("g", 1);
    broker_topic(topic, 1);
    struct kafka_producer *open = producer_ready(broker_name("id", 2)),
        *done = producer_ready(broker_name("id", 3));
    ck_assert_int_eq(kafka_producer_begin(open), TROUBLE_NONE);
    produce(open, topic, "open", NULL);
    ck_assert_int_eq(kafka_producer_flush(open), TROUBLE_NONE);
    commit_one(done, topic, "committed behind it");

    struct kafka_config config = broker_config("test-client");
    struct kafka_client *client = kafka_client_open(&config);
    int64_t low = -1, high = -1;
    ck_assert_int_eq(kafka_client_watermarks(client, topic, 0, &low, &high, 10000), TROUBLE_NONE);
    ck_assert_int_eq(low, 0);
    ck_assert_int_eq(high, 3);                           /* open 0, committed 1, its marker 2 */

    struct member member;
    member_open(&member, group, topic);
    struct kafka_record end = await(&member, KAFKA_END);
    /* the last stable offset: here a barrier would be wrong */
    ck_assert_int_eq(end.offset, 0);
    ck_assert_int_eq(kafka_consumer_lag(member.consumer), 0);
    ck_assert_int_eq(kafka_producer_commit(open), TROUBLE_NONE);
    for (int64_t offset = 0; offset < 2; offset++) {
        struct kafka_record record = await(&member, KAFKA_RECORD);
        ck_assert_int_eq(record.offset, offset);
        kafka_record_release(&record);
    }
    end = await(&member, KAFKA_END);
    ck_assert_int_eq(end.offset, 4);                     /* counts both markers: the next to commit */
    ck_assert_int_eq(kafka_consumer_lag(member.consumer), 0);      /* K8: a quiet system has no lag */
    kafka_consumer_close(&member.consumer);
    ck_assert_int_eq(member.revoked, member.assigned);
    kafka_client_close(&client);
    kafka_producer_close(&open);
    kafka_producer_close(&done);
}
END_TEST

START_TEST(a_watermark_is_told_though_the_handle_remembers_the_topic_otherwise)
{
    const char *topic = broker_name("grows", 0);
    broker_topic(topic, 1);
    struct kafka_config config = broker_config("test-client");
    struct kafka_client *client = kafka_client_open(&config);
    int64_t low = -1, high = -1;
    ck_assert_int_eq(kafka_client_watermarks(client, topic, 0, &low, &high, 10000), TROUBLE_NONE);
    broker_grow(topic, 2);
    ck_assert_int_eq(kafka_client_watermarks(client, topic, 1, &low, &high, 10000), TROUBLE_NONE);
    ck_assert_int_eq(high, 0);
    ck_assert_int_eq(kafka_client_watermarks(client, topic, 2, &low, &high, 1000), TROUBLE_RETRY);
    kafka_client_close(&client);
}
END_TEST

static enum trouble consume_commit(struct member *member, struct kafka_producer *producer, bool commit,
                                   const struct kafka_membership *membership, int64_t next_offset)
{
    struct kafka_offset offset = { .topic = 0, .partition = 0, .next_offset = next_offset };
    ck_assert_int_eq(kafka_producer_begin(producer), TROUBLE_NONE);
    enum trouble trouble = kafka_producer_send_offsets(producer, member->consumer, membership, &offset, 1);
    if (trouble == TROUBLE_NONE)
        trouble = commit ? kafka_producer_commit(producer) : kafka_producer_abort(producer);
    return trouble;
}

START_TEST(offsets_move_with_the_transaction_and_seek_reads_again)
{
    const char *topic = broker_name("offsets", 0), *group = broker_name("g", 1);
    broker_topic(topic, 1);
    struct kafka_producer *producer = producer_ready(broker_name("id", 2));
    commit_one(producer, topic, "first");
    struct member member;
    member_open(&member, group, topic);
    ck_assert_ptr_null(kafka_membership_now(member.consumer));
    struct kafka_record record = await(&member, KAFKA_RECORD);
    const char *value;
    size_t length;
    ck_assert(kafka_record_header(&record, "ce_type", &value, &length));
    ck_assert_uint_eq(length, 1);
    ck_assert(!kafka_record_header(&record, "nothing", &value, &length));
    struct kafka_header header;
    ck_assert(kafka_record_header_at(&record, 1, &header));
    ck_assert_str_eq(header.name, "empty");
    ck_assert(!kafka_record_header_at(&record, 2, &header));
    ck_assert_int_gt(record.timestamp_ms, 0);
    kafka_record_release(&record);
    ck_assert_int_eq(member.committed, -1);

    struct kafka_membership *membership = kafka_membership_now(member.consumer);
    int64_t committed = -2;
    ck_assert_int_eq(consume_commit(&member, producer, false, membership, 1), TROUBLE_NONE);
    ck_assert_int_eq(kafka_consumer_committed(member.consumer, 0, 0, &committed), TROUBLE_NONE);
    ck_assert_int_eq(committed, -1);                     /* the abort took it back ... */
    ck_assert_int_eq(kafka_consumer_seek(member.consumer, 0, 0, 0), TROUBLE_NONE);
    record = await(&member, KAFKA_RECORD);               /* ... and only a seek reads the record again (K7) */
    ck_assert_int_eq(record.offset, 0);
    kafka_record_release(&record);
    ck_assert_int_eq(consume_commit(&member, producer, true, membership, 1), TROUBLE_NONE);
    ck_assert_int_eq(kafka_consumer_committed(member.consumer, 0, 0, &committed), TROUBLE_NONE);
    ck_assert_int_eq(committed, 1);
    kafka_consumer_close(&member.consumer);

    member_open(&member, group, topic);                  /* the next owner begins there */
    await(&member, KAFKA_END);
    ck_assert_int_eq(member.committed, 1);
    /* a former life */
    ck_assert_int_eq(consume_commit(&member, producer, true, membership, 0), TROUBLE_ABORT_BATCH);
    ck_assert_int_eq(kafka_producer_abort(producer), TROUBLE_NONE);
    kafka_membership_free(&membership);
    kafka_consumer_close(&member.consumer);
    kafka_producer_close(&producer);
}
END_TEST

START_TEST(the_wake_pipe_tells_of_a_record)
{
    const char *topic = broker_name("wake", 0);
    broker_topic(topic, 1);
    struct member member;
    member_open(&member, broker_name("g", 1), topic);
    await(&member, KAFKA_END);
    struct kafka_record record;
    enum trouble trouble;
    while (kafka_consumer_poll(member.consumer, 0, &record, &trouble) != KAFKA_NOTHING)
        continue;
    struct pollfd wait = { .fd = kafka_consumer_wake_fd(member.consumer), .events = POLLIN };
    ck_assert_int_eq(poll(&wait, 1, 0), 0);
    broker_publish(topic, 0, "k", "v");
    ck_assert_int_eq(poll(&wait, 1, 10000), 1);
    record = await(&member, KAFKA_RECORD);
    ck_assert_int_eq(record.offset, 0);
    kafka_record_release(&record);
    kafka_consumer_close(&member.consumer);
}
END_TEST

START_TEST(an_offset_that_is_gone_is_a_restart)
{
    const char *topic = broker_name("gone", 0), *group = broker_name("g", 1);
    broker_topic(topic, 1);
    broker_publish(topic, 0, "k", "v");
    struct kafka_producer *producer = producer_ready(broker_name("id", 2));
    struct member member;
    member_open(&member, group, topic);
    struct kafka_record record = await(&member, KAFKA_RECORD);
    kafka_record_release(&record);
    struct kafka_membership *membership = kafka_membership_now(member.consumer);
    ck_assert_int_eq(consume_commit(&member, producer, true, membership, 77), TROUBLE_NONE);
    kafka_membership_free(&membership);
    kafka_consumer_close(&member.consumer);
    member_open(&member, group, topic);
    enum trouble trouble = TROUBLE_NONE;
    int64_t until_ms = clock_mono_ms() + 20000;
    while (kafka_consumer_poll(member.consumer, 100, &record, &trouble) != KAFKA_TROUBLE)
        ck_assert(clock_mono_ms() < until_ms);
    ck_assert_int_eq(trouble, TROUBLE_RESTART);
    ck_assert_int_eq(kafka_consumer_poll(member.consumer, 0, &record, &trouble), KAFKA_TROUBLE);
    kafka_consumer_close(&member.consumer);
    kafka_producer_close(&producer);
}
END_TEST

static void close_before_the_assignment_is_looked_at(void *topic)
{
    log_open("test", "0", LOG_LEVEL_INFO);
    struct member member;
    member_open(&member, broker_name("g", 1), topic);
    struct pollfd wait = { .fd = kafka_consumer_wake_fd(member.consumer), .events = POLLIN };
    ck_assert_int_eq(poll(&wait, 1, 20000), 1);
    kafka_consumer_close(&member.consumer);
    ck_assert_int_eq(member.assigned, 0);
}

START_TEST(an_assignment_that_comes_before_a_close_is_declined)
{
    const char *topic = broker_name("declined", 0);
    broker_topic(topic, 1);
    struct captured captured;
    captured_run(&captured, close_before_the_assignment_is_looked_at, (void *)topic);
    ck_assert_int_eq(captured.status, 0);
    ck_assert_ptr_nonnull(strstr(captured.err, "kafka_assignment_declined"));
    ck_assert_ptr_null(strstr(captured.err, "kafka_committed_unknown"));
}
END_TEST

START_TEST(a_missing_topic_is_waited_for)
{
    const char *topic = broker_name("later", 0);
    struct member member;
    member_open(&member, broker_name("g", 1), topic);
    struct kafka_record record;
    enum trouble trouble;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(kafka_consumer_poll(member.consumer, 100, &record, &trouble), KAFKA_NOTHING);
    broker_topic(topic, 1);
    broker_publish(topic, 0, "k", "v");
    record = await(&member, KAFKA_RECORD);
    kafka_record_release(&record);
    kafka_consumer_close(&member.consumer);
}
END_TEST

START_TEST(topics_are_made_and_described_as_they_are)
{
    struct kafka_config config = broker_config("test-admin");
    struct kafka_client *client = kafka_client_open(&config);
    const char *topic = broker_name("facts", 0);
    struct kafka_topic_facts facts;
    ck_assert_int_eq(kafka_topic_describe(client, topic, &facts, 10000), TROUBLE_NONE);
    ck_assert(!facts.exists);
    struct kafka_topic_setting settings[] = { { "retention.ms", "-1" },
                                              { "message.timestamp.type", "LogAppendTime" },
                                              { "cleanup.policy", "delete" },
                                                  { "max.message.bytes", "2000000" } };
    struct kafka_topic_plan plan = { .name = topic, .partitions = 5, .replication = -1, .settings = settings,
                                     .setting_count = 4 };
    char error[200] = "";
    ck_assert_int_eq(kafka_topic_create(client, &plan, 20000, error), KAFKA_CREATED);
    ck_assert_int_eq(kafka_topic_create(client, &plan, 20000, error), KAFKA_EXISTS);
    plan.name = "not/a/topic";
    ck_assert_int_eq(kafka_topic_create(client, &plan, 20000, error), KAFKA_REFUSED);
    ck_assert_int_gt((int)strlen(error), 0);
    int64_t until_ms = clock_mono_ms() + 10000;
    do
        ck_assert_int_eq(kafka_topic_describe(client, topic, &facts, 10000), TROUBLE_NONE);
    while (!facts.exists && clock_mono_ms() < until_ms);
    ck_assert(facts.exists);
    ck_assert_int_eq(facts.partitions, 5);
    ck_assert_int_eq(facts.replication, 1);
    ck_assert_int_eq(facts.retention_ms, -1);
    ck_assert(facts.deletes);
    ck_assert(!facts.compacts);
    ck_assert(facts.log_append_time);
    ck_assert_int_eq(facts.message_bytes_max, 2000000);
    ck_assert_int_eq(facts.min_insync_replicas, 1);
    kafka_client_close(&client);
}
END_TEST

START_TEST(a_reader_follows_from_the_end)
{
    const char *topic = broker_name("follow", 0);
    broker_topic(topic, 2);
    broker_publish(topic, 1, "k", "before");
    struct kafka_config config = broker_config("test-reader");
    struct kafka_reader *reader = kafka_reader_open(&config);
    ck_assert_int_eq(kafka_reader_add(reader, "no-such-topic-here", 0, KAFKA_FROM_END, 3000), TROUBLE_RETRY);
    ck_assert_int_eq(kafka_reader_add(reader, topic, KAFKA_ALL_PARTITIONS, KAFKA_FROM_END, 10000),
                     TROUBLE_NONE);
    ck_assert(kafka_reader_done(reader));
    ck_assert_int_eq(kafka_reader_target(reader, 0, 1), 1);
    broker_publish(topic, 1, "k", "after");
    struct kafka_record record;
    enum trouble trouble;
    int64_t until_ms = clock_mono_ms() + 10000;
    while (kafka_reader_poll(reader, 100, &record, &trouble) != KAFKA_RECORD)
        ck_assert(clock_mono_ms() < until_ms);
    ck_assert_uint_eq(record.value_length, 5);
    ck_assert(memcmp(record.value, "after", 5) == 0);
    kafka_record_release(&record);
    kafka_reader_close(&reader);
}
END_TEST

/* {property, value, taken} */
static const struct { const char *name, *value; bool taken; } property_cases[] = {
    { "linger.ms", "20", true },
    { "session.timeout.ms", "20000", true },
    { "linger.ms", "soon", false },
    { "no.such.property", "1", false },
    { "isolation.level", "read_uncommitted", false },
    { "acks", "1", false },
    { "partition.assignment.strategy", "cooperative-sticky", false },
};
START_TEST(properties_that_promises_rest_on_are_refused)
{
    struct param_property row = { property_cases[_i].name, property_cases[_i].value };
    struct param_properties properties = { &row, 1 };
    struct kafka_config config = { .bootstrap_servers = "127.0.0.1:1", .client_id = "c",
                                   .properties = &properties };
    char error[200] = "";
    ck_assert_int_eq(kafka_config_check(&config, error), property_cases[_i].taken);
    if (!property_cases[_i].taken)
        ck_assert_ptr_nonnull(strstr(error, property_cases[_i].name));
}
END_TEST

/* Hazards K10: not what our tables wish, but what librdkafka has. */
START_TEST(the_effective_configuration_is_told)
{
    struct param_property rows[] = { { "linger.ms", "7" }, { "sasl.password", "the-canary" }, { "socket.nagle.disable",
                                                                                              "false" } };
    struct param_properties properties = { .rows = rows, .count = 3 };
    struct kafka_config config = broker_config("test-effective");
    struct text told = { 0 };
    config.properties = &properties;
    kafka_config_effective(&config, &told);
    static const char *const lines[] = {
        "kafka consumer: auto.offset.reset = error (fixed)\n", "kafka consumer: check.crcs = true (fixed)\n",
        "kafka consumer: enable.auto.commit = false (fixed)\n", "kafka consumer: isolation.level = read_committed (fixed)\n",
        "kafka reader: check.crcs = true (fixed)\n", "kafka client: isolation.level = read_uncommitted (fixed)\n",
        "kafka producer: enable.idempotence = true (fixed)\n", "kafka producer: partitioner = murmur2_random (fixed)\n",
        /* librdkafka tells the names that it had first: acks, linger.ms */
        "kafka producer: request.required.acks = -1 (fixed)\n", "kafka producer: queue.buffering.max.ms = 7\n",
        "kafka publisher: enable.idempotence = true (fixed)\n", "kafka producer: sasl.password = (redacted)\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(told.bytes, lines[i]) != NULL, "not told: %s", lines[i]);
    ck_assert_ptr_null(strstr(told.bytes, "the-canary"));
    ck_assert_ptr_null(strstr(told.bytes, " = 0x"));        /* addresses */
    ck_assert_ptr_null(strstr(told.bytes, "consumer: socket.nagle.disable"));        /* now librdkafka's own default */
    text_free(&told);
}
END_TEST

START_TEST(a_broker_that_is_away_is_waited_for_and_left_in_time)
{
    struct kafka_config config = { .bootstrap_servers = "127.0.0.1:1", .client_id = "test-away" };
    struct member member = { 0 };
    struct kafka_consumer_hooks hooks = { .self = &member, .assigned = on_assigned, .revoked = on_revoked };
    const char *topic = "t";
    member.consumer = kafka_consumer_open(&config, "g", &topic, 1, &hooks);
    struct kafka_producer *producer = kafka_producer_open(&config, "id");
    struct kafka_record record;
    enum trouble trouble;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(kafka_consumer_poll(member.consumer, 100, &record, &trouble), KAFKA_NOTHING);
    ck_assert(!kafka_consumer_assigned(member.consumer));
    ck_assert(kafka_consumer_away(member.consumer));
    ck_assert_int_eq(kafka_producer_begin(producer), TROUBLE_RENEW);
    ck_assert_int_eq(kafka_producer_renew(producer, "start", 300), TROUBLE_RETRY);
    ck_assert_int_eq(kafka_producer_renew(producer, "start", 300), TROUBLE_RETRY);
    ck_assert_int_eq(kafka_producer_renewals(producer), 0);
    int64_t began_ms = clock_mono_ms();
    kafka_producer_close(&producer);
    kafka_consumer_close(&member.consumer);
    ck_assert_int_lt(clock_mono_ms() - began_ms, 15000);
}
END_TEST

CHECK_MAIN("kafka adapter",
    tcase_add_loop_test(tests, properties_that_promises_rest_on_are_refused, 0, ROWS(property_cases));
    tcase_add_test(tests, the_effective_configuration_is_told);
    tcase_add_test(tests, a_broker_that_is_away_is_waited_for_and_left_in_time);
    tcase_add_test(tests, only_what_is_committed_is_read);
    tcase_add_test(tests, a_second_handle_fences_the_first_and_three_times_is_a_restart);
    tcase_add_test(tests, a_transaction_past_its_time_is_renewed_and_not_taken_for_a_fence);
    tcase_add_test(tests, real_watermark_passes_an_open_transaction_and_the_end_does_not);
    tcase_add_test(tests, a_watermark_is_told_though_the_handle_remembers_the_topic_otherwise);
    tcase_add_test(tests, offsets_move_with_the_transaction_and_seek_reads_again);
    tcase_add_test(tests, the_wake_pipe_tells_of_a_record);
    tcase_add_test(tests, an_offset_that_is_gone_is_a_restart);
    tcase_add_test(tests, an_assignment_that_comes_before_a_close_is_declined);
    tcase_add_test(tests, a_missing_topic_is_waited_for);
    tcase_add_test(tests, topics_are_made_and_described_as_they_are);
    tcase_add_test(tests, a_reader_follows_from_the_end);)
