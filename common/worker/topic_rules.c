#include "worker/topic_rules.h"

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

int topic_replicas_least(int64_t replication, int brokers)
{
    if (replication > 0)
        return (int)replication;
    return brokers < 1 ? 1 : brokers < TOPIC_REPLICAS_SAFE ? brokers : TOPIC_REPLICAS_SAFE;
}

int topic_least_in_sync(int replication)
{
    return replication >= TOPIC_REPLICAS_SAFE ? 2 : 1;
}

/* Kafka does not fsync what it acknowledges (hazards K14): a message is as safe as it has copies. */
static void judge_replicas(struct judgement *judgement, const struct kafka_topic_facts *facts, int64_t replication)
{
    int replicas = topic_replicas_least(replication, facts->brokers), least = topic_least_in_sync(replicas);
    if (!facts->exists)
        return;
    if (facts->replication < replicas)
        complain(judgement, "has %d replicas, must be at least %d (%s)", facts->replication, replicas,
                 replication > 0 ? "as the setting replication says"
                 : "there are brokers enough; replication=N says that N are meant");
    if (facts->min_insync_replicas < least)
        complain(judgement, "min.insync.replicas is %" PRId64 ", must be at least %d with %d replicas: what only one "
                 "broker has acknowledged is lost with it", facts->min_insync_replicas, least, replicas);
    if (facts->unclean_election)
        complain(judgement, "unclean.leader.election.enable is true, must be false: a replica that missed messages "
                 "would become their leader");
}

int topic_rules(const struct topic_state states[TOPIC_COUNT], const struct topic_judged *judged, struct text *lines)
{
    const unsigned both = 1U << TOPIC_JOBS | 1U << TOPIC_TASKS;
    struct judgement judgement = { .prefix = judged->prefix, .lines = lines };
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (!(judged->topics >> i & 1))
            continue;
        judgement.topic = (enum topic)i;
        judge_topic(&judgement, &states[i]);
        judge_replicas(&judgement, &states[i].facts, judged->replication);
    }
    const struct kafka_topic_facts *jobs = &states[TOPIC_JOBS].facts, *tasks = &states[TOPIC_TASKS].facts;
    judgement.topic = TOPIC_TASKS;
    if ((judged->topics & both) == both && jobs->exists && tasks->exists && jobs->partitions != tasks->partitions)
        complain(&judgement, "has %" PRId32 " partitions and %s%s has %" PRId32 ", must be the same: a cancel follows "
                 "its generation from one to the other", tasks->partitions, judged->prefix, TOPICS[TOPIC_JOBS].name,
                 jobs->partitions);
    return judgement.count;
}
