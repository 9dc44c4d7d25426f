/* A transactional producer. Order of calls: begin, produce..., send_offsets, flush, then commit or abort.
 * Blocks in begin never; in send_offsets, flush, commit and abort up to the transaction's time-out (10 s).
 * Every error is logged here once and answered as the next step: RETRY is handled inside; ABORT_BATCH: call
 * abort, seek back, go again; RENEW: call kafka_producer_renew (routine), then as ABORT_BATCH. Fenced three
 * times in a minute without a time-out of our own: another instance has this id: RESTART, with a log line
 * that names the id. Not thread-safe. */
#ifndef KAFKA_PRODUCER_H
#define KAFKA_PRODUCER_H

#include "kafka/consumer.h"
#include "kafka/kafka.h"

struct kafka_producer;

struct kafka_message {
    const char *topic;           /* full name */
    int32_t partition;           /* -1: by key (murmur2) */
    const char *key;   size_t key_length;
    const char *value; size_t value_length;          /* NULL and 0: an empty value */
    const struct kafka_header *headers; size_t header_count;
};

/* topic: the consumer's index */
struct kafka_offset { int topic; int32_t partition; int64_t next_offset; };

/* Never NULL; not yet usable: call renew until TROUBLE_NONE. transactional_id is stable over restarts. */
struct kafka_producer *kafka_producer_open(const struct kafka_config *config, const char *transactional_id);
void kafka_producer_close(struct kafka_producer **producer);
/* Makes the handle anew and runs init_transactions, which fences and aborts what a former one left open. May
 * be repeated. reason: for the metric and the log ("start", "fenced", "timed_out", "fatal"). Blocks up to
 * timeout_ms. */
enum trouble kafka_producer_renew(struct kafka_producer *producer, const char *reason, int timeout_ms);
/* Metadata of an output topic, so that its first message does not wait 1 s (K11). TROUBLE_RETRY: not there
 * yet. */
enum trouble kafka_producer_prewarm(struct kafka_producer *producer, const char *topic, int timeout_ms);

enum trouble kafka_producer_begin(struct kafka_producer *producer);
/* Copies everything. A full queue is waited out inside. delivered, when not NULL, gets the record's offset at
 * flush (-1 until then) and must live until commit or abort. */
enum trouble kafka_producer_produce(struct kafka_producer *producer, const struct kafka_message *message,
                                    int64_t *delivered);
/* Also when the offsets have not moved: sending them is what fences a worker that lost its partitions. So
 * count is at least 1 (librdkafka sends nothing for an empty list). membership NULL (nothing assigned):
 * ABORT_BATCH. */
enum trouble kafka_producer_send_offsets(struct kafka_producer *producer, struct kafka_consumer *consumer,
                                         const struct kafka_membership *membership,
                                             const struct kafka_offset *offsets, size_t count);
/* all acknowledged, or ABORT_BATCH / RENEW */
enum trouble kafka_producer_flush(struct kafka_producer *producer);
/* ABORT_BATCH: not committed. RENEW: the end is not known until the producer is renewed and the topic (or the
 * committed offset) has been read again (K1). */
enum trouble kafka_producer_commit(struct kafka_producer *producer);
/* flushes first (K6); RENEW when that failed */
enum trouble kafka_producer_abort(struct kafka_producer *producer);
int64_t kafka_producer_renewals(const struct kafka_producer *producer);       /* without the first */
/* Why it must be renewed: "start", "fenced", "timed_out", "fatal", "idle"; NULL: it need not. */
const char *kafka_producer_lost(const struct kafka_producer *producer);

#endif
