#include "worker/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define AT(member) .offset = offsetof(struct worker_settings, member)

const struct param WORKER_PARAMS[] = {
    { .name = "kafka_bootstrap_servers", .type = PARAM_TEXT, .fallback = "127.0.0.1:9092", .least = "1",
      .environment = "KAFKA_BOOTSTRAP_SERVERS", AT(kafka_bootstrap_servers),
      .meaning = "Kafka brokers to ask first, host:port, several separated by commas." },
    { .name = "topic_prefix", .type = PARAM_TEXT, .fallback = "reelgate.", AT(topic_prefix),
      .meaning = "What the names of all topics and groups begin with; one for a whole installation." },
    { .name = "instance_id", .type = PARAM_TEXT, .fallback = "0", .least = "1", AT(instance_id),
      .meaning = "Slot of this instance: unique per program, the same after a restart (transactional.id)." },
    { .name = "health_address", .type = PARAM_TEXT, .fallback = NULL, AT(health_address),
      .meaning = "Where /metrics, /healthz and /readyz are served, host:port; port 0 takes a free one. "
                 "Default 127.0.0.1 and the program's own port: admission 9101, generator 9102, poller 9103, "
                 "ledger 9104, gateway 9105." },
    { .name = "log_level", .type = PARAM_CHOICE, .fallback = "info", .choices = "debug|info|warn|error",
      AT(log_level),
      .meaning = "The least level that is logged." },
    { .name = "drain_ms", .type = PARAM_MS, .fallback = "25s", .least = "0", .most = "10m", AT(drain_ms),
      .unit = "ms",
      .meaning = "How long to finish what is in flight after SIGTERM; five seconds later the program has ended." },
    { .name = "replication", .type = PARAM_COUNT, .fallback = "0", .least = "0", .most = "16", AT(replication),
      .unit = "replicas",
      .meaning = "The least that a topic must have, else this program does not start; 0: one on each broker, up to "
                 "3. What less allows is lost with a broker's disk." },
    { .name = NULL },
};

char *worker_group(const struct worker_settings *settings, const char *program)
{
    static const char family[] = "reelgate-";
    bool ours = strncmp(program, family, sizeof family - 1) == 0;
    struct text group = { 0 };
    text_add_string(&group, settings->topic_prefix);
    text_add_string(&group, ours ? program + sizeof family - 1 : program);
    return group.bytes;
}

char *worker_transactional_id(const struct worker_settings *settings, const char *group)
{
    struct text id = { 0 };
    text_printf(&id, "%s-%s", group, settings->instance_id);
    return id.bytes;
}

const char *worker_versions(void)
{
    static char versions[64];        /* made once, at start, for --version */
    snprintf(versions, sizeof versions, "librdkafka %s", kafka_version());
    return versions;
}
