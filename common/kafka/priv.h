/* Inside common/kafka only: how handles are made and ended, and where librdkafka's own words go. */
#ifndef KAFKA_PRIV_H
#define KAFKA_PRIV_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "kafka/kafka.h"

/* One per handle: the opaque of its callbacks. Lives as long as the handle, which may be longer than its
 * owner when destroying hangs (librdkafka #4187, #4724). */
struct kafka_link {
    void *owner;                             /* the consumer, producer, ... that polls the handle */
    char name[80];                           /* for logs: "consumer reelgate.generator" */
    pthread_mutex_t mutex;                   /* librdkafka logs from its own threads */
    struct { char facility[16]; int64_t quiet_until_ms; } said[16];
    bool away;                               /* all brokers down; told once */
};
struct kafka_link *kafka_link_new(void *owner, const char *kind, const char *name);
void kafka_link_free(struct kafka_link **link);
void kafka_link_heard(struct kafka_link *link);          /* something came from a broker: an outage is over */
/* once in 10 s for each facility */
bool kafka_link_may_say(struct kafka_link *link, const char *facility);

struct kafka_row { const char *name, *value; bool ours; };       /* ours: the operator may not change it */
/* All rows of one kind of handle. */
struct kafka_rows { const char *kind; const struct kafka_row *rows; size_t count; };
extern const struct kafka_rows KAFKA_CONSUMER, KAFKA_BACKLOG_CONSUMER, KAFKA_PRODUCER, KAFKA_CLIENT, KAFKA_READER,
                               KAFKA_PUBLISHER;
/* A configuration with callbacks for logs and errors, rows, then the operator's properties. must() on a bad
 * property: kafka_config_check has refused it before. */
rd_kafka_conf_t *kafka_conf(const struct kafka_config *config, struct kafka_link *link,
                            const struct kafka_rows *rows);
bool kafka_property_kept(const char *name);              /* nobody may change it */
/* Takes conf. Never NULL (must). */
rd_kafka_t *kafka_handle(rd_kafka_type_t type, rd_kafka_conf_t *conf);
/* Destroys the handle in a thread of its own and waits up to timeout_ms; then goes on, and the thread (with
 * the link) ends when it can. Both pointers become NULL. */
void kafka_handle_end(rd_kafka_t **handle, struct kafka_link **link, int flags, int timeout_ms);

/* Asks for the topic's metadata, so that its first message does not wait 1 s (K11). RETRY: no answer, or not each
 * partition has a leader (logged). */
enum trouble kafka_prewarm(rd_kafka_t *handle, struct kafka_link *link, rd_kafka_topic_t *topic, int timeout_ms);

/* Where the handle's group will go on reading; -1: nowhere yet. Blocks up to timeout_ms; *offset is untouched on an
 * error. */
rd_kafka_resp_err_t kafka_committed_of(rd_kafka_t *handle, const char *topic, int32_t partition, int timeout_ms,
                                       int64_t *offset);

void kafka_record_fill(struct kafka_record *record, int topic, rd_kafka_message_t *message);
rd_kafka_headers_t *kafka_headers(const struct kafka_header *headers, size_t count);     /* NULL for none */

struct kafka_config kafka_config_copy(const struct kafka_config *config);
void kafka_config_free(struct kafka_config *config);

#endif
