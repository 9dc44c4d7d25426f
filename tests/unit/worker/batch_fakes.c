#include "unit/worker/batch_fakes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/admin.h"

struct fakes fakes;

void fakes_reset(void)
{
    text_free(&fakes.trace);
    fakes = (struct fakes){ .committed = 5, .partitions = 4 };
}

void fakes_poll(enum fake_event event, int32_t partition, int64_t offset)
{
    must(fakes.poll_count < 32);
    fakes.polls[fakes.poll_count++] = (struct fake_poll){ event, partition, offset };
}

void fakes_trace(const char *format, ...)
{
    char words[100];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    text_printf(&fakes.trace, "%s ", words);
}

static enum trouble step(const char *name)
{
    fakes_trace("%s", name);
    if (!fakes.fail_at || strcmp(fakes.fail_at, name) != 0)
        return TROUBLE_NONE;
    enum trouble trouble = fakes.fail_with;
    fakes.fail_at = fakes.then_fail_at;
    fakes.then_fail_at = NULL;
    fakes.fail_with = TROUBLE_RENEW;
    return trouble;
}

/* ---- the consumer */

struct kafka_consumer { struct kafka_consumer_hooks hooks; bool assigned; int32_t held; };
struct kafka_membership { int generation; };

struct kafka_consumer *kafka_consumer_open(const struct kafka_config *config, const char *group,
                                           const char *const *topics, int count,
                                           const struct kafka_consumer_hooks *hooks)
{
    (void)config, (void)group, (void)topics, (void)count;
    struct kafka_consumer *consumer = xcalloc(1, sizeof *consumer);
    consumer->hooks = *hooks;
    return consumer;
}

static void revoke(struct kafka_consumer *consumer)
{
    if (consumer->assigned)
        consumer->hooks.revoked(consumer->hooks.self, 0, consumer->held);
    consumer->assigned = false;
}

void kafka_consumer_close(struct kafka_consumer **consumer)
{
    revoke(*consumer);
    fakes_trace("leave");
    free(*consumer);
    *consumer = NULL;
}

enum kafka_event kafka_consumer_poll(struct kafka_consumer *consumer, int timeout_ms,
                                     struct kafka_record *record, enum trouble *trouble)
{
    (void)timeout_ms;
    *trouble = TROUBLE_NONE;
    if (fakes.poll_next == fakes.poll_count)
        return KAFKA_NOTHING;
    const struct fake_poll *poll = &fakes.polls[fakes.poll_next++];
    *record = (struct kafka_record){ .partition = poll->partition, .offset = poll->offset };
    switch (poll->event) {
    case FAKE_RECORD:
        return KAFKA_RECORD;
    case FAKE_END:
        return KAFKA_END;
    case FAKE_REVOKE:
        revoke(consumer);
        break;
    case FAKE_ASSIGN:
        consumer->assigned = true;
        consumer->held = poll->partition;
        consumer->hooks.assigned(consumer->hooks.self, 0, poll->partition, poll->offset);
        break;
    case FAKE_NOTHING:
        break;
    }
    return KAFKA_NOTHING;
}

enum trouble kafka_consumer_seek(struct kafka_consumer *consumer, int topic, int32_t partition,
                                 int64_t offset)
{
    (void)consumer, (void)topic;
    fakes_trace("seek[%d:%d]", (int)partition, (int)offset);
    return TROUBLE_NONE;
}

enum trouble kafka_consumer_committed(struct kafka_consumer *consumer, int topic, int32_t partition,
                                      int64_t *offset)
{
    (void)consumer, (void)topic, (void)partition;
    *offset = fakes.committed;
    return TROUBLE_NONE;
}

bool kafka_consumer_assigned(struct kafka_consumer *consumer) { return consumer->assigned; }
int64_t kafka_consumer_lag(struct kafka_consumer *consumer) { (void)consumer; return 0; }
struct kafka_unstable kafka_consumer_unstable(struct kafka_consumer *consumer)
{
    (void)consumer;
    return (struct kafka_unstable){ .topic = -1, .partition = -1 };
}

struct kafka_membership *kafka_membership_now(struct kafka_consumer *consumer)
{
    (void)consumer;
    return xcalloc(1, sizeof(struct kafka_membership));
}

void kafka_membership_free(struct kafka_membership **membership)
{
    free(*membership);
    *membership = NULL;
}

/* ---- the producer */

struct kafka_producer { bool open; };

struct kafka_producer *kafka_producer_open(const struct kafka_config *config, const char *transactional_id)
{
    (void)config, (void)transactional_id;
    return xcalloc(1, sizeof(struct kafka_producer));
}

void kafka_producer_close(struct kafka_producer **producer)
{
    free(*producer);
    *producer = NULL;
}

enum trouble kafka_producer_renew(struct kafka_producer *producer, const char *reason, int timeout_ms)
{
    (void)reason, (void)timeout_ms;
    producer->open = false;
    return step("renew");
}

enum trouble kafka_producer_prewarm(struct kafka_producer *producer, const char *topic, int timeout_ms)
{
    (void)producer, (void)topic, (void)timeout_ms;
    return TROUBLE_NONE;
}

enum trouble kafka_producer_begin(struct kafka_producer *producer)
{
    must(!producer->open);
    producer->open = true;
    return step("begin");
}

enum trouble kafka_producer_produce(struct kafka_producer *producer, const struct kafka_message *message,
                                    int64_t *delivered)
{
    (void)producer, (void)message, (void)delivered;
    return TROUBLE_NONE;
}

enum trouble kafka_producer_send_offsets(struct kafka_producer *producer, struct kafka_consumer *consumer,
                                         const struct kafka_membership *membership,
                                         const struct kafka_offset *offsets, size_t count)
{
    (void)consumer;
    must(producer->open && membership && count > 0);
    for (size_t i = 0; i < count; i++)
        fakes_trace("offset[%d:%d]", (int)offsets[i].partition, (int)offsets[i].next_offset);
    return step("offsets");
}

enum trouble kafka_producer_flush(struct kafka_producer *producer)
{
    must(producer->open);
    return step("flush");
}

enum trouble kafka_producer_commit(struct kafka_producer *producer)
{
    must(producer->open);
    enum trouble trouble = step("commit");
    producer->open = trouble != TROUBLE_NONE;
    return trouble;
}

enum trouble kafka_producer_abort(struct kafka_producer *producer)
{
    producer->open = false;
    return step("abort");
}

int64_t kafka_producer_renewals(const struct kafka_producer *producer) { (void)producer; return 0; }
const char *kafka_producer_lost(const struct kafka_producer *producer) { (void)producer; return NULL; }

/* ---- the cluster */

struct kafka_client { int unused; };
const char *kafka_version(void) { return "fake"; }
struct kafka_client *kafka_client_open(const struct kafka_config *config)
{
    (void)config;
    return xcalloc(1, sizeof(struct kafka_client));
}

void kafka_client_close(struct kafka_client **client)
{
    free(*client);
    *client = NULL;
}

enum trouble kafka_client_partitions(struct kafka_client *client, const char *topic, int32_t *partitions,
                                     int timeout_ms)
{
    (void)client, (void)topic, (void)timeout_ms;
    *partitions = fakes.partitions;
    return TROUBLE_NONE;
}

enum trouble kafka_client_watermarks(struct kafka_client *client, const char *topic, int32_t partition,
                                     int64_t *low, int64_t *high, int timeout_ms)
{
    (void)client, (void)topic, (void)partition, (void)timeout_ms;
    *low = 2;
    *high = 100;
    return TROUBLE_NONE;
}

enum trouble kafka_topic_describe(struct kafka_client *client, const char *topic,
                                  struct kafka_topic_facts *facts, int timeout_ms)
{
    (void)client, (void)topic, (void)timeout_ms;
    *facts = (struct kafka_topic_facts){ .exists = true };
    return TROUBLE_NONE;
}

bool kafka_record_header(const struct kafka_record *record, const char *name, const char **value,
                         size_t *length)
{
    (void)record, (void)name, (void)value, (void)length;
    return false;
}

bool kafka_record_header_at(const struct kafka_record *record, size_t index, struct kafka_header *header)
{
    (void)record, (void)index, (void)header;
    return false;
}

void kafka_record_release(struct kafka_record *record) { (void)record; fakes_trace("release"); }

/* ---- the token account */

struct tokens_batch { size_t calls; };

void tokens_partitions(struct tokens *tokens, int32_t journal_partitions)
{
    (void)tokens, (void)journal_partitions;
}

enum trouble tokens_check(struct tokens *tokens, char reason[200])
{
    (void)tokens;
    strcpy(reason, fakes.redis_away ? "away" : fakes.redis_refused ? "it evicts" : "");
    return fakes.redis_refused ? TROUBLE_RESTART : fakes.redis_away ? TROUBLE_RETRY : TROUBLE_NONE;
}

int32_t tokens_unverified(const struct tokens *tokens, const char **reason)
{
    (void)tokens;
    *reason = "away";
    return fakes.unverified ? 3 : -1;
}

enum trouble tokens_ask_verified(struct tokens *tokens, int32_t bucket, bool *verified)
{
    (void)tokens;
    fakes_trace("ask_verified%d", (int)bucket);
    *verified = !fakes.unverified;
    return TROUBLE_NONE;
}

struct tokens_batch *tokens_batch_open(struct tokens *tokens)
{
    (void)tokens;
    return xcalloc(1, sizeof(struct tokens_batch));
}

void tokens_batch_close(struct tokens_batch **batch)
{
    free(*batch);
    *batch = NULL;
}

void tokens_batch_clear(struct tokens_batch *batch) { batch->calls = 0; }
size_t tokens_batch_count(const struct tokens_batch *batch) { return batch->calls; }

size_t tokens_lookup(struct tokens_batch *batch, const char *user_id, const char *generation_id)
{
    (void)user_id, (void)generation_id;
    return batch->calls++;
}

enum trouble tokens_batch_send(struct tokens_batch *batch)
{
    (void)batch;
    return step("send");
}

enum trouble tokens_batch_receive(struct tokens_batch *batch)
{
    (void)batch;
    return step("receive");
}

enum trouble tokens_batch_guard(struct tokens_batch *batch)
{
    (void)batch;
    return step("guard");
}
