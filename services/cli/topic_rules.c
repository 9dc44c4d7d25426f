#include "cli/topic_rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "worker/outbox.h"

#define DAY_MS INT64_C(86400000)

/* The longest that a generation may live is its deadline, a day; as long again for workers that were away. */
#define RETENTION_LEAST_MS (2 * DAY_MS)

struct judgement { const char *prefix; enum topic topic; struct text *lines; int count; };

static void complain(struct judgement *judgement, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void complain(struct judgement *judgement, const char *format, ...)
{
    char words[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    text_printf(judgement->lines, "%s%s: %s\n", judgement->prefix, TOPICS[judgement->topic].name, words);
    judgement->count++;
}

static void judge_journal(struct judgement *judgement, const struct topic_state *state)
{
    if (state->facts.retention_ms != -1)
        complain(judgement, "retention.ms is %" PRId64 ", must be -1: the journal is the record of all money",
                 state->facts.retention_ms);
    if (state->low_watermark_most > 0)
        complain(judgement, "its first entries are gone (a partition begins at offset %" PRId64 "): "
                 "balances can't be rebuilt from it", state->low_watermark_most);
}

static void judge_kept(struct judgement *judgement, const struct kafka_topic_facts *facts)
{
    if (facts->retention_ms != -1 && facts->retention_ms < RETENTION_LEAST_MS)
        complain(judgement, "retention.ms is %" PRId64 ", must be -1 or at least %" PRId64 " (2 days): "
                 "a generation may live for a day, and workers may be away", facts->retention_ms, RETENTION_LEAST_MS);
}

static void judge_topic(struct judgement *judgement, const struct topic_state *state)
{
    const struct kafka_topic_facts *facts = &state->facts;
    const struct topic_row *row = &TOPICS[judgement->topic];
    if (!facts->exists) {
        complain(judgement, "does not exist: run reelgate topics apply");
        return;
    }
    if (facts->compacts || !facts->deletes)
        complain(judgement, "cleanup.policy is %s, must be delete: compaction drops messages that are still "
                            "owed",
                 facts->compacts ? "compact" : "not delete");
    if (facts->retention_bytes != -1 && judgement->topic != TOPIC_DEAD_LETTERS)
        complain(judgement, "retention.bytes is %" PRId64 ", must be -1: a limit in bytes drops what is "
                                                          "still owed",
                 facts->retention_bytes);
    if (row->log_append_time && !facts->log_append_time)
        complain(judgement, "message.timestamp.type is CreateTime, must be LogAppendTime: a request's age "
                            "is judged by the "
                 "broker's clock");
    if (judgement->topic == TOPIC_DEAD_LETTERS && facts->message_bytes_max < OUTBOX_LETTER_TOPIC_BYTES)
        complain(judgement, "max.message.bytes is %" PRId64 ", must be at least %d: a letter holds the whole "
                            "message that was refused, and its reason", facts->message_bytes_max,
                 (int)OUTBOX_LETTER_TOPIC_BYTES);
    if (judgement->topic == TOPIC_JOURNAL)
        judge_journal(judgement, state);
    else
        judge_kept(judgement, facts);
}

int topic_least_in_sync(int replication)
{
    return replication >= 3 ? 2 : 1;
}

/* The operator's --replication: what is written to fewer is lost with a broker, or waits for one. */
static void judge_replicas(struct judgement *judgement, const struct kafka_topic_facts *facts, int replication)
{
    int least = topic_least_in_sync(replication);
    if (!facts->exists)
        return;
    if (facts->replication < replication)
        complain(judgement, "has %d replicas, must be at least %d (--replication)", facts->replication, replication);
    if (facts->min_insync_replicas < least)
        complain(judgement, "min.insync.replicas is %" PRId64 ", must be at least %d (--replication): what only one broker "
                            "has acknowledged is lost with it", facts->min_insync_replicas, least);
}

int topic_rules(const struct topic_state states[TOPIC_COUNT], const char *prefix, int replication,
                struct text *lines)
{
    struct judgement judgement = { .prefix = prefix, .lines = lines };
    for (int i = 0; i < TOPIC_COUNT; i++) {
        judgement.topic = (enum topic)i;
        judge_topic(&judgement, &states[i]);
        judge_replicas(&judgement, &states[i].facts, replication);
    }
    const struct kafka_topic_facts *jobs = &states[TOPIC_JOBS].facts, *tasks = &states[TOPIC_TASKS].facts;
    judgement.topic = TOPIC_TASKS;
    if (jobs->exists && tasks->exists && jobs->partitions != tasks->partitions)
        complain(&judgement, "has %" PRId32 " partitions and %s%s has %" PRId32 ", must be the same: a "
                                                                                "cancel follows its "
                 "generation from one to the other", tasks->partitions, prefix, TOPICS[TOPIC_JOBS].name,
                     jobs->partitions);
    return judgement.count;
}
