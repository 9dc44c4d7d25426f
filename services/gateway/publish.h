/* Our messages on the topics, as any upstream service's: from many threads, acknowledged or not. */
#ifndef GATEWAY_PUBLISH_H
#define GATEWAY_PUBLISH_H

#include "kafka/admin.h"
#include "proto/event.h"

struct publish;

struct publish_config {
    struct kafka_config kafka;
    const char *topic_prefix;
    int timeout_ms;
};
struct publish *publish_open(const struct publish_config *config);
void publish_close(struct publish **publish);
/* What is published most, made ready, so that nobody's first call waits for metadata. Before any call. */
enum trouble publish_prewarm(struct publish *publish);
const char *publish_topic(const struct publish *publish, enum topic topic);          /* full name; lent */

struct published { int32_t partition; int64_t offset; };

/* The event on its topic, keyed by its user. by: who asked for it, for the audit; may be NULL.
 * traceparent: the caller's, may be NULL. RETRY: not acknowledged in time, publish it again; RESTART:
 * refused. */
enum trouble publish_event(struct publish *publish, const struct event *event, const char *by,
                           const char *traceparent, struct published *published);
/* Bytes as they are. */
enum trouble publish_message(struct publish *publish, const struct kafka_message *message,
                             struct published *published);

#endif
