#include "component/kafka/broker.h"

#include <check.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/xalloc.h"

struct kafka_config broker_config(const char *client_id)
{
    const char *address = getenv("REELGATE_TEST_KAFKA");
    ck_assert_msg(address && *address, "REELGATE_TEST_KAFKA must name a real broker");
    return (struct kafka_config){ .bootstrap_servers = address, .client_id = client_id };
}

const char *broker_name(const char *label, int slot)
{
    static char names[4][100];
    char nonce[33];
    nonce_make(nonce);
    snprintf(names[slot], sizeof names[slot], "t-%s-%.12s", label, nonce);
    return names[slot];
}

static void await_partitions(struct kafka_client *client, const char *topic, int32_t partitions)
{
    int32_t known = 0;
    for (int i = 0; i < 100 && known != partitions; i++) {
        kafka_client_partitions(client, topic, &known, 2000);
        clock_sleep_ms(known == partitions ? 0 : 50);
    }
    ck_assert_int_eq(known, partitions);
}

void broker_topic(const char *topic, int32_t partitions)
{
    struct kafka_config config = broker_config("test-topics");
    struct kafka_client *client = kafka_client_open(&config);
    struct kafka_topic_plan plan = { .name = topic, .partitions = partitions, .replication = 1 };
    char error[200] = "";
    ck_assert_msg(kafka_topic_create(client, &plan, 20000, error) == KAFKA_CREATED, "%s: %s", topic, error);
    await_partitions(client, topic, partitions);
    kafka_client_close(&client);
}

void broker_grow(const char *topic, int32_t partitions)
{
    struct kafka_config config = broker_config("test-grow");
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", config.bootstrap_servers, why, sizeof why);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    rd_kafka_NewPartitions_t *wanted = rd_kafka_NewPartitions_new(topic, (size_t)partitions, why, sizeof why);
    rd_kafka_CreatePartitions(handle, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20000);
    ck_assert(event && !rd_kafka_event_error(event));
    rd_kafka_event_destroy(event);
    rd_kafka_NewPartitions_destroy(wanted);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(handle);

    struct kafka_client *client = kafka_client_open(&config);
    await_partitions(client, topic, partitions);
    kafka_client_close(&client);
}

struct seen_list broker_read_all(const char *topic)
{
    struct kafka_config config = broker_config("test-reader");
    struct kafka_reader *reader = kafka_reader_open(&config);
    struct seen_list list = { 0 };
    ck_assert_int_eq(kafka_reader_add(reader, topic, KAFKA_ALL_PARTITIONS, KAFKA_FROM_BEGINNING, 10000),
                     TROUBLE_NONE);
    int64_t until_ms = clock_mono_ms() + 40000;
    while (!kafka_reader_done(reader)) {
        struct kafka_record record;
        enum trouble trouble;
        ck_assert_msg(clock_mono_ms() < until_ms, "%s: not read to its end", topic);
        if (kafka_reader_poll(reader, 200, &record, &trouble) != KAFKA_RECORD)
            continue;
        const char *mark = NULL;
        size_t length = 0;
        list.rows = xrealloc(list.rows, (list.count + 1) * sizeof *list.rows);
        struct seen *seen = &list.rows[list.count++];
        *seen = (struct seen){ .key = record.key ? xstrndup(record.key, record.key_length) : NULL,
                               .value = record.value ? xstrndup(record.value, record.value_length) : NULL,
                               .key_length = record.key_length, .value_length = record.value_length,
                               .partition = record.partition, .offset = record.offset };
        if (kafka_record_header(&record, "mark", &mark, &length))
            snprintf(seen->mark, sizeof seen->mark, "%.*s", (int)length, mark);
        kafka_record_release(&record);
    }
    kafka_reader_close(&reader);
    return list;
}

void broker_seen_free(struct seen_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->rows[i].key);
        free(list->rows[i].value);
    }
    free(list->rows);
    *list = (struct seen_list){ 0 };
}

int64_t broker_publish(const char *topic, int32_t partition, const char *key, const char *value)
{
    struct kafka_config config = broker_config("test-publisher");
    struct kafka_publisher *publisher = kafka_publisher_open(&config);
    struct kafka_message message = { .topic = topic, .partition = partition, .key = key,
                                     .key_length = strlen(key),
                                     .value = value, .value_length = value ? strlen(value) : 0 };
    int64_t offset = -1;
    ck_assert_int_eq(kafka_publish(publisher, &message, 20000, NULL, &offset), TROUBLE_NONE);
    kafka_publisher_close(&publisher);
    return offset;
}
