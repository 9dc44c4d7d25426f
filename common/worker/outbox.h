/* Writes our messages into the open transaction: encodes events, marks and dead letters with their headers
 * and keys. On the hot path: every buffer is reused, nothing is allocated per message. All calls return what
 * the producer returned. */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include "kafka/producer.h"
#include "proto/event.h"
#include "worker/metrics.h"

struct outbox;

struct outbox_config {
    const char *program;                     /* ce_source and dlq-service: "reelgate-admission" */
    const char *topic_prefix, *group;
    struct kafka_producer *producer;
    struct metrics *metrics;                 /* for reelgate_dlq_records_total; may be NULL */
};
struct outbox *outbox_open(const struct outbox_config *config);      /* copies the strings */
void outbox_close(struct outbox **outbox);
void outbox_journal_partitions(struct outbox *outbox, int32_t partitions);   /* before the first entry */
const char *outbox_topic(const struct outbox *outbox, enum topic topic);         /* full name; lent */

/* traceparent: of the record that caused this, may be NULL; a child of it is written. origin: for a
 * rejection's ce_id, else ignored. A journal entry goes to its user's bucket. */
enum trouble outbox_event(struct outbox *outbox, const struct event *event, enum topic topic,
                          const struct kafka_header *traceparent, const char *origin);
/* An event's bytes as they are, under the same key and with extra headers (a rewritten copy). */
enum trouble outbox_copy(struct outbox *outbox, const struct kafka_message *message, int64_t *delivered);
/* What fits the topic for sure: `topics apply` gives dead-letters OUTBOX_LETTER_TOPIC_BYTES for one message. */
enum { OUTBOX_LETTER_BYTES_MAX = 6 * 1024 * 1024, OUTBOX_LETTER_TOPIC_BYTES = 8 * 1024 * 1024 };
/* key, value and headers as they were, plus dlq-original-topic|partition|offset|timestamp|consumer-group,
 * dlq-error-code, dlq-error-message, dlq-attempts, dlq-first-failed-at, dlq-service, dlq-version as text. */
enum trouble outbox_dead_letter(struct outbox *outbox, const struct kafka_record *record, enum topic topic,
                                const char *code, const char *message);

/* header mark: done, intent, close; headers item, attempt (the item's attempts from this mark on).
 * delivered: where it came to lie, known from the flush on; may be NULL. */
enum mark { MARK_DONE, MARK_INTENT, MARK_CLOSE };
enum trouble outbox_mark(struct outbox *outbox, enum topic topic, int32_t partition, const char *key,
                         size_t key_length,
                         enum mark mark, int64_t item_offset, int attempt, int64_t *delivered);

/* How the transaction ended: what was written in it counts only when it committed. */
void outbox_settled(struct outbox *outbox, bool committed);

/* A record's parts as the decoder wants them; and its traceparent header (value NULL when none). */
void record_source(const struct kafka_record *record, enum topic topic, struct event_source *source);
void record_traceparent(const struct kafka_record *record, struct kafka_header *header);

#endif
