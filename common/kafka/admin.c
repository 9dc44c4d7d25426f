/* Topics: made and described; and how far groups are. */
#include "kafka/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "kafka/client_priv.h"

/* One admin request: send() it with options and a queue, wait for its one event. NULL: nothing came. */
struct request { rd_kafka_AdminOptions_t *options; rd_kafka_queue_t *queue; };

static struct request request_open(struct kafka_client *client, rd_kafka_admin_op_t operation, int timeout_ms)
{
    char why[200];
    struct request request = { rd_kafka_AdminOptions_new(client->handle, operation),
                               rd_kafka_queue_new(client->handle) };
    rd_kafka_AdminOptions_set_request_timeout(request.options, timeout_ms, why, sizeof why);
    if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS)
        rd_kafka_AdminOptions_set_operation_timeout(request.options, timeout_ms, why, sizeof why);
    return request;
}

static rd_kafka_event_t *request_wait(const struct request *request, int timeout_ms)
{
    return rd_kafka_queue_poll(request->queue, timeout_ms + 500);
}

static void request_close(struct request *request, rd_kafka_event_t *event)
{
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(request->options);
    rd_kafka_queue_destroy(request->queue);
}

static enum kafka_created created_answer(rd_kafka_event_t *event, char error[200])
{
    if (!event || rd_kafka_event_error(event)) {
        snprintf(error, 200, "%s", event ? rd_kafka_event_error_string(event) : "no answer from the broker");
        return KAFKA_UNREACHABLE;
    }
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    must(count == 1);
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return KAFKA_CREATED;
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return KAFKA_EXISTS;
    const char *words = rd_kafka_topic_result_error_string(results[0]);
    snprintf(error, 200, "%s", words ? words : rd_kafka_err2str(code));
    bool late = code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
    return late ? KAFKA_UNREACHABLE : KAFKA_REFUSED;
}

enum kafka_created kafka_topic_create(struct kafka_client *client, const struct kafka_topic_plan *plan,
                                      int timeout_ms, char error[200])
{
    char why[150];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(plan->name, plan->partitions, plan->replication, why,
                                                       sizeof why);
    if (!topic) {
        snprintf(error, 200, "%s", why);
        return KAFKA_REFUSED;
    }
    for (size_t i = 0; i < plan->setting_count; i++)
        rd_kafka_NewTopic_set_config(topic, plan->settings[i].name, plan->settings[i].value);
    struct request request = request_open(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
    rd_kafka_CreateTopics(client->handle, &topic, 1, request.options, request.queue);
    rd_kafka_event_t *event = request_wait(&request, timeout_ms);
    enum kafka_created created = created_answer(event, error);
    request_close(&request, event);
    rd_kafka_NewTopic_destroy(topic);
    return created;
}

static void setting_read(const char *name, const char *value, struct kafka_topic_facts *facts)
{
    if (!value)
        return;
    if (strcmp(name, "retention.ms") == 0)
        facts->retention_ms = strtoll(value, NULL, 10);
    else if (strcmp(name, "retention.bytes") == 0)
        facts->retention_bytes = strtoll(value, NULL, 10);
    else if (strcmp(name, "min.insync.replicas") == 0)
        facts->min_insync_replicas = strtoll(value, NULL, 10);
    else if (strcmp(name, "max.message.bytes") == 0)
        facts->message_bytes_max = strtoll(value, NULL, 10);
    else if (strcmp(name, "message.timestamp.type") == 0)
        facts->log_append_time = strcmp(value, "LogAppendTime") == 0;
    else if (strcmp(name, "unclean.leader.election.enable") == 0)
        facts->unclean_election = strcmp(value, "true") == 0;
    else if (strcmp(name, "cleanup.policy") == 0) {
        facts->compacts = strstr(value, "compact") != NULL;
        facts->deletes = strstr(value, "delete") != NULL;
    }
}

static enum trouble settings_read(struct kafka_client *client, const char *topic,
                                  struct kafka_topic_facts *facts, int timeout_ms)
{
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    struct request request = request_open(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
    rd_kafka_DescribeConfigs(client->handle, &resource, 1, request.options, request.queue);
    rd_kafka_event_t *event = request_wait(&request, timeout_ms);
    enum trouble trouble = TROUBLE_RETRY;
    size_t count = 0;
    if (event && !rd_kafka_event_error(event)) {
        const rd_kafka_ConfigResource_t **resources =
            rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
        if (count == 1 && !rd_kafka_ConfigResource_error(resources[0])) {
            size_t rows = 0;
            const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &rows);
            for (size_t i = 0; i < rows; i++)
                setting_read(rd_kafka_ConfigEntry_name(entries[i]), rd_kafka_ConfigEntry_value(entries[i]),
                             facts);
            trouble = TROUBLE_NONE;
        }
    }
    request_close(&request, event);
    rd_kafka_ConfigResource_destroy(resource);
    return trouble;
}

enum trouble kafka_topic_describe(struct kafka_client *client, const char *topic,
                                  struct kafka_topic_facts *facts, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    *facts = (struct kafka_topic_facts){ 0 };
    if (kafka_client_metadata(client, topic, &metadata, timeout_ms) != TROUBLE_NONE)
        return TROUBLE_RETRY;
    const rd_kafka_metadata_topic_t *row = metadata->topic_cnt == 1 ? &metadata->topics[0] : NULL;
    bool known = row && !row->err && row->partition_cnt > 0;
    bool gone = row && row->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    facts->brokers = metadata->broker_cnt;
    if (known) {
        facts->exists = true;
        facts->partitions = row->partition_cnt;
        facts->replication = row->partitions[0].replica_cnt;
        for (int i = 1; i < row->partition_cnt; i++)
            if (row->partitions[i].replica_cnt < facts->replication)
                facts->replication = row->partitions[i].replica_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    if (!known)
        return gone ? TROUBLE_NONE : TROUBLE_RETRY;
    return settings_read(client, topic, facts, timeout_ms);
}

/* The admin API has this question too (ListConsumerGroupOffsets), but librdkafka 2.0.2 follows a null pointer when it is
 * asked on a handle without a group and the group's coordinator has moved (rd_kafka_handle_OffsetFetch; in 2.x still:
 * librdkafka #5318): a broker that restarted ended the program. A handle with a group finds the new one. */
enum trouble kafka_group_committed(struct kafka_client *client, const char *topic, int32_t partition,
                                   int64_t *offset, int timeout_ms)
{
    rd_kafka_poll(client->handle, 0);
    rd_kafka_resp_err_t code = kafka_committed_of(client->handle, topic, partition, timeout_ms, offset);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? TROUBLE_NONE : TROUBLE_RETRY;
}
