/* What must be there before the first record is read. Each step is tried until it works; while one waits,
 * the log has one line and /readyz says what is missing. */
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "kafka/admin.h"
#include "worker/batch_parts.h"

enum { METADATA_MS = 1000, HEARTBEAT_MS = 100 };

void batch_idle(struct batch *batch, int wait_ms)
{
    int64_t left_ms = batch->wait_until_ms - clock_mono_ms();
    if (left_ms > wait_ms)
        left_ms = wait_ms;
    if (left_ms > HEARTBEAT_MS)
        left_ms = HEARTBEAT_MS;
    /* A poll keeps the group from giving us up and answers rebalances. A record that it brings is read
     * again later: whoever waits here seeks back first. */
    struct kafka_record record;
    enum trouble trouble;
    if (batch->consumer && kafka_consumer_poll(batch->consumer, 0, &record, &trouble) == KAFKA_RECORD) {
        kafka_record_release(&record);
        batch->rewind = true;
    }
    if (left_ms > 0)
        clock_sleep_ms(left_ms);
}

/* Says which of the two it is: a broker that does not answer, or a topic that nobody has made. */
static void tell_missing(struct batch *batch, const char *topic)
{
    struct kafka_topic_facts facts;
    struct text reason = { 0 };
    if (kafka_topic_describe(batch->client, topic, &facts, METADATA_MS) == TROUBLE_NONE)
        text_printf(&reason, "topic %s is not there yet: reelgate topics apply", topic);
    else
        text_printf(&reason, "no broker answers at %s", batch->config.worker->kafka_bootstrap_servers);
    health_part(batch->config.health, "kafka", reason.bytes);
    text_free(&reason);
}

static enum trouble find_topic(struct batch *batch, enum topic topic, int32_t *partitions)
{
    const char *name = outbox_topic(batch->outbox, topic);
    enum trouble trouble = kafka_client_partitions(batch->client, name, partitions, METADATA_MS);
    if (trouble != TROUBLE_NONE)
        tell_missing(batch, name);
    return trouble;
}

static enum trouble find_topics(struct batch *batch)
{
    int32_t partitions, journal;
    enum trouble trouble = find_topic(batch, TOPIC_JOURNAL, &journal);
    for (int i = 0; trouble == TROUBLE_NONE && i < batch->stage.read_count; i++)
        trouble = find_topic(batch, batch->stage.reads[i], &partitions);
    for (int i = 0; trouble == TROUBLE_NONE && i < batch->stage.write_count; i++)
        trouble = find_topic(batch, batch->stage.writes[i], &partitions);
    if (trouble != TROUBLE_NONE)
        return trouble;
    batch->journal_partitions = journal;
    tokens_partitions(batch->config.tokens, journal);
    outbox_journal_partitions(batch->outbox, journal);
    return TROUBLE_NONE;
}

/* ---- the group */

static void on_assigned(void *self, int topic, int32_t partition, int64_t committed)
{
    struct batch *batch = self;
    if (batch->assigned_count == batch->assigned_capacity) {
        batch->assigned_capacity = batch->assigned_capacity ? 2 * batch->assigned_capacity : 16;
        batch->assigned = xrealloc(batch->assigned, batch->assigned_capacity * sizeof *batch->assigned);
    }
    batch->assigned[batch->assigned_count++] = (struct assigned){ topic, partition, committed };
    /* Taken with the assignment, not with each batch: once the group has given us up librdkafka clears
     * member and generation before we hear of it, and the broker fences nobody who sends none (K4). One
     * assignment is one generation. */
    if (!batch->membership)
        batch->membership = kafka_membership_now(batch->consumer);
}

static void on_revoked(void *self, int topic, int32_t partition)
{
    struct batch *batch = self;
    for (size_t i = 0; i < batch->assigned_count; i++)
        if (batch->assigned[i].topic == topic && batch->assigned[i].partition == partition)
            batch->assigned[i--] = batch->assigned[--batch->assigned_count];
    kafka_membership_free(&batch->membership);
    batch->revoked = true;           /* whatever was read under the old assignment is dropped */
}

static void join(struct batch *batch)
{
    const struct kafka_consumer_hooks hooks = { .self = batch, .assigned = on_assigned,
                                                .revoked = on_revoked };
    batch->consumer = kafka_consumer_open(&batch->kafka, batch->group, batch->topic_names,
                                          batch->stage.read_count, &hooks);
    health_part(batch->config.health, "group", "waiting for partitions");
}

/* ---- in order */

static enum trouble step(struct batch *batch)
{
    char reason[200] = "";
    enum trouble trouble = TROUBLE_NONE;
    switch (batch->setup) {
    case SETUP_TOPICS:
        return find_topics(batch);
    case SETUP_PRODUCER:
        batch_repaired(batch, 0, &trouble);
        return trouble == TROUBLE_NONE && (batch->renew || batch->prewarm) ? TROUBLE_RETRY : trouble;
    case SETUP_REDIS:
        trouble = tokens_check(batch->config.tokens, reason);
        if (trouble == TROUBLE_RESTART)
            log_error("redis_refused", LOG_TEXT("reason", reason));
        health_part(batch->config.health, "redis", trouble == TROUBLE_NONE ? NULL : reason);
        return trouble;
    case SETUP_GROUP:
        if (!batch->consumer)
            join(batch);
        return TROUBLE_NONE;
    case SETUP_DONE:
        break;
    }
    return TROUBLE_NONE;
}

bool batch_set_up(struct batch *batch, int wait_ms, enum trouble *trouble)
{
    *trouble = TROUBLE_NONE;
    if (batch->setup == SETUP_DONE)
        return true;
    if (clock_mono_ms() < batch->wait_until_ms) {
        batch_idle(batch, wait_ms);
        return false;
    }
    *trouble = step(batch);
    if (*trouble == TROUBLE_NONE) {
        batch->setup++;
        backoff_reset(&batch->backoff);
        if (batch->setup > SETUP_PRODUCER)
            health_part(batch->config.health, "kafka", NULL);
    } else if (*trouble != TROUBLE_RESTART) {
        *trouble = TROUBLE_NONE;
        batch_wait(batch);
    }
    return batch->setup == SETUP_DONE;
}
