/* Kafka, the parts that consumers and producers share. Only this folder names librdkafka. */
#ifndef KAFKA_KAFKA_H
#define KAFKA_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/param.h"
#include "base/text.h"
#include "base/trouble.h"

struct kafka_config {
    const char *bootstrap_servers;
    const char *client_id;                       /* at most 40 characters (librdkafka #4689) */
    /* the operator's kafka.*; wins over our defaults; may be NULL */
    const struct param_properties *properties;
    bool reads_backlogs;         /* a consumer that must be quick through one: prefetches more, up to some 60 MB */
};

/* Would these be taken? false: error says which property and why, in one line (exit status 2 is for the
 * caller). Properties that promises rest on (isolation.level, acks, partitioner, ...) are refused. Every open
 * call must()s what this refuses. */
bool kafka_config_check(const struct kafka_config *config, char error[200]);

/* What librdkafka really has for each kind of handle, read back from it: every property that is not its own default, or
 * that promises rest on (hazards K10), one a line: "kafka consumer: check.crcs = true (fixed)". Secrets are not shown.
 * After kafka_config_check. */
void kafka_config_effective(const struct kafka_config *config, struct text *out);

struct kafka_header { const char *name; const char *value; size_t length; };

/* A record as read; everything is lent until kafka_record_release. */
struct kafka_record {
    int topic;                   /* index in the list that the consumer was opened with */
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;        /* -1 when the broker gave none */
    const char *key;   size_t key_length;      /* NULL when there is none */
    const char *value; size_t value_length;    /* NULL when there is none */
    void *handle;
};

/* The last header of this name, or false. Lent. */
bool kafka_record_header(const struct kafka_record *record, const char *name, const char **value,
                         size_t *length);
/* Header by position, for copying them all; false past the end. */
bool kafka_record_header_at(const struct kafka_record *record, size_t index, struct kafka_header *header);
void kafka_record_release(struct kafka_record *record);

const char *kafka_version(void);   /* of the librdkafka in use */

/* A passing look at the cluster, on a handle of its own that reads uncommitted (so watermarks are the real
 * ones). All calls block up to timeout_ms; each may be repeated. */
struct kafka_client;
/* never NULL; connects in the background */
struct kafka_client *kafka_client_open(const struct kafka_config *config);
/* The same, and it may be asked for what this group, anybody's, has committed (kafka/admin.h). Joins nothing. */
struct kafka_client *kafka_client_open_group(const struct kafka_config *config, const char *group);
void kafka_client_close(struct kafka_client **client);
/* TROUBLE_RETRY: broker away, or topic unknown (then *partitions = 0). */
enum trouble kafka_client_partitions(struct kafka_client *client, const char *topic, int32_t *partitions,
                                     int timeout_ms);
/* low: first offset kept; high: the real high watermark (also past open transactions and commit markers). Two
 * questions, each for up to timeout_ms, also when the partition's leader is dead. */
enum trouble kafka_client_watermarks(struct kafka_client *client, const char *topic, int32_t partition,
                                     int64_t *low, int64_t *high, int timeout_ms);

#endif
