/* Topics are judged once, at the start. Whoever changes them under running programs is told by `reelgate topics check`; to
 * ask every minute would end all programs at once over what the operator is just repairing.
 *
 * A cluster of one or two brokers can't hold three copies, and is no reason to refuse: demo, tests and desks are such
 * clusters. It is said in the log, and reelgate_topic_replicas says it to whoever watches. */
#include "worker/topic_gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "worker/topic_rules.h"

enum { DESCRIBE_MS = 1000, AGAIN_MS = 200 };

struct topic_gate {
    const struct worker_settings *settings;
    unsigned topics;
    struct kafka_config kafka;
    struct kafka_client *client;
    struct topic_state states[TOPIC_COUNT];
    int replicas;
    struct text reason;
};

struct topic_gate *topic_gate_open(const char *program, const struct worker_settings *settings, unsigned topics)
{
    struct topic_gate *gate = xcalloc(1, sizeof *gate);
    gate->settings = settings;
    gate->topics = topics;
    gate->kafka = (struct kafka_config){ .bootstrap_servers = settings->kafka_bootstrap_servers, .client_id = program,
                                         .properties = &settings->kafka };
    gate->client = kafka_client_open(&gate->kafka);
    return gate;
}

void topic_gate_close(struct topic_gate **closing)
{
    struct topic_gate *gate = *closing;
    if (!gate)
        return;
    kafka_client_close(&gate->client);
    text_free(&gate->reason);
    free(gate);
    *closing = NULL;
}

int topic_gate_replicas(const struct topic_gate *gate)
{
    return gate->replicas;
}

static enum trouble look(struct topic_gate *gate, enum topic topic)
{
    struct kafka_topic_facts *facts = &gate->states[topic].facts;
    struct text name = { 0 };
    text_printf(&name, "%s%s", gate->settings->topic_prefix, TOPICS[topic].name);
    enum trouble trouble = kafka_topic_describe(gate->client, name.bytes, facts, DESCRIBE_MS);
    text_clear(&gate->reason);
    if (trouble == TROUBLE_NONE && !facts->exists)
        text_printf(&gate->reason, "topic %s is not there yet: reelgate topics apply", name.bytes);
    else if (trouble != TROUBLE_NONE && facts->exists)
        text_printf(&gate->reason, "the settings of topic %s can't be read (the ACL needs DescribeConfigs)", name.bytes);
    else if (trouble != TROUBLE_NONE)
        text_printf(&gate->reason, "no broker answers at %s", gate->settings->kafka_bootstrap_servers);
    text_free(&name);
    facts->exists = facts->exists && trouble == TROUBLE_NONE;        /* seen whole, or asked again */
    return facts->exists ? TROUBLE_NONE : TROUBLE_RETRY;
}

static enum trouble judge(struct topic_gate *gate)
{
    struct text lines = { 0 };
    const struct topic_judged judged = { .prefix = gate->settings->topic_prefix, .topics = gate->topics,
                                         .replication = gate->settings->replication };
    int complaints = topic_rules(gate->states, &judged, &lines);
    for (char *line = lines.bytes, *end; complaints && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        log_error("topic_refused", LOG_TEXT("reason", line));
    }
    text_free(&lines);
    return complaints ? TROUBLE_RESTART : TROUBLE_NONE;
}

static void tell_replicas(struct topic_gate *gate)
{
    for (int i = 0; i < TOPIC_COUNT; i++)
        if (gate->topics >> i & 1 && (gate->replicas == 0 || gate->states[i].facts.replication < gate->replicas))
            gate->replicas = gate->states[i].facts.replication;
    if (gate->replicas < TOPIC_REPLICAS_SAFE)
        log_warn("topics_few_replicas", LOG_NUMBER("replicas", gate->replicas),
                 LOG_NUMBER("safe", TOPIC_REPLICAS_SAFE),
                 LOG_TEXT("meaning", "with a broker's disk money is lost: a cluster for development"));
}

enum trouble topic_gate_turn(struct topic_gate *gate, const char **reason)
{
    enum trouble trouble = TROUBLE_NONE;
    for (int i = 0; i < TOPIC_COUNT && trouble == TROUBLE_NONE; i++)
        if (gate->topics >> i & 1 && !gate->states[i].facts.exists)
            trouble = look(gate, (enum topic)i);
    *reason = trouble == TROUBLE_NONE ? NULL : gate->reason.bytes;
    if (trouble == TROUBLE_NONE)
        trouble = judge(gate);
    if (trouble == TROUBLE_NONE)
        tell_replicas(gate);
    else
        clock_sleep_ms(AGAIN_MS);
    return trouble;
}
