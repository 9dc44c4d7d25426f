/* What operators, clients and "read it all" need: topics, a reader without a group, a plain publisher.
 * Everything here blocks up to its timeout_ms; nothing here takes part in a consumer group or a
 * transaction. */
#ifndef KAFKA_ADMIN_H
#define KAFKA_ADMIN_H

#include "kafka/kafka.h"
#include "kafka/producer.h"

/* ---- topics */
struct kafka_topic_setting { const char *name, *value; };            /* "retention.ms", "604800000" */
struct kafka_topic_plan {
    const char *name;
    int32_t partitions;
    int replication;                                                 /* -1: the broker's default */
    const struct kafka_topic_setting *settings; size_t setting_count;
};
enum kafka_created { KAFKA_CREATED, KAFKA_EXISTS, KAFKA_REFUSED, KAFKA_UNREACHABLE };
/* KAFKA_EXISTS says nothing of how it is configured: describe it. error: filled for the last two. */
enum kafka_created kafka_topic_create(struct kafka_client *client, const struct kafka_topic_plan *plan,
                                      int timeout_ms, char error[200]);

struct kafka_topic_facts {
    int brokers;                             /* alive, of the whole cluster */
    bool exists;                             /* false: nothing below is set */
    int32_t partitions;
    int replication;                         /* the least of all partitions */
    int64_t retention_ms, retention_bytes;   /* -1: for ever */
    bool compacts, deletes;                  /* cleanup.policy */
    bool log_append_time;                    /* message.timestamp.type */
    bool unclean_election;                   /* unclean.leader.election.enable */
    int64_t min_insync_replicas, message_bytes_max;
};
/* TROUBLE_RETRY: no answer. TROUBLE_NONE also for a topic that is not there. */
enum trouble kafka_topic_describe(struct kafka_client *client, const char *topic,
                                  struct kafka_topic_facts *facts, int timeout_ms);

/* ---- groups */
/* Where the group that the client was opened with (kafka_client_open_group) will go on reading: -1 when it has
 * committed nothing there. Not waiting for a transaction that is moving it: what was true a moment ago. */
enum trouble kafka_group_committed(struct kafka_client *client, const char *topic, int32_t partition,
                                   int64_t *offset, int timeout_ms);

/* ---- reader: given topics from a place on, read_committed, without a group */
struct kafka_reader;

enum { KAFKA_ALL_PARTITIONS = -1 };
#define KAFKA_FROM_BEGINNING (-2)            /* the first offset that is kept */
#define KAFKA_FROM_END (-1)                  /* only what comes from now on: following */

/* Never NULL. Nothing is read until add. */
struct kafka_reader *kafka_reader_open(const struct kafka_config *config);
void kafka_reader_close(struct kafka_reader **reader);
/* Adds a partition, or all of a topic, and takes their real high watermarks (which also count records of
 * transactions that are still open): that far kafka_reader_done waits. RETRY: broker away or no such topic;
 * nothing was added then. The record's topic is the count of add calls for other topics before this one: 0
 * for the first. */
enum trouble kafka_reader_add(struct kafka_reader *reader, const char *topic, int32_t partition,
                              int64_t from, int timeout_ms);
/* KAFKA_RECORD (release it), KAFKA_END (one partition's end for now), KAFKA_NOTHING (timeout), KAFKA_TROUBLE
 * (*trouble: RESTART, the offset is gone). A broker that is away is KAFKA_NOTHING. */
enum kafka_event kafka_reader_poll(struct kafka_reader *reader, int timeout_ms, struct kafka_record *record,
                                   enum trouble *trouble);
/* Readable when poll may have something; never read it yourself. From the first call on. */
int kafka_reader_wake_fd(struct kafka_reader *reader);
/* Every partition has been read up to the watermark that add took. */
bool kafka_reader_done(const struct kafka_reader *reader);
/* The next offset to be read, or -1 for a partition that was not added; target: the watermark that add
 * took. */
int64_t kafka_reader_position(const struct kafka_reader *reader, int topic, int32_t partition);
int64_t kafka_reader_target(const struct kafka_reader *reader, int topic, int32_t partition);

/* ---- publisher: an idempotent producer without transactions, for clients (the CLI, the gateway) */
struct kafka_publisher;
struct kafka_publisher *kafka_publisher_open(const struct kafka_config *config);      /* never NULL */
void kafka_publisher_close(struct kafka_publisher **publisher);
/* A topic's metadata, so that its first message does not wait 1 s (K11). RETRY: not there yet. */
enum trouble kafka_publisher_prewarm(struct kafka_publisher *publisher, const char *topic, int timeout_ms);
/* Publishes one message and waits until it is acknowledged by all in-sync replicas. NONE: *partition and
 * *offset (each may be NULL) are where it lies. RETRY: not acknowledged in time: it may be there or not,
 * publish it again (the same id). RESTART: refused (too large, not allowed); logged. */
enum trouble kafka_publish(struct kafka_publisher *publisher, const struct kafka_message *message,
                           int timeout_ms, int32_t *partition, int64_t *offset);

#endif
