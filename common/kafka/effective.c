/* What librdkafka has in the end: the rows of our tables are wishes, this is what became of them. */
#include <string.h>

#include "base/must.h"
#include "kafka/priv.h"

struct dump { const char **rows; size_t count; };        /* name, value, name, value, ...; count: of both */

static const char *find(const struct dump *dump, const char *name)
{
    for (size_t i = 0; i + 1 < dump->count; i += 2)
        if (strcmp(dump->rows[i], name) == 0)
            return dump->rows[i + 1];
    return NULL;
}

/* Callbacks, opaques and the rows of topics (told on their own) are addresses: they say nothing, and not the same at each start. */
static bool is_address(const char *name)
{
    size_t length = strlen(name);
    return strcmp(name, "opaque") == 0 || strcmp(name, "default_topic_conf") == 0 || (length > 3 && strcmp(name + length - 3, "_cb") == 0);
}

static void add_changed(const char *kind, const struct dump *now, const struct dump *defaults, struct text *out)
{
    for (size_t i = 0; i + 1 < now->count; i += 2) {
        const char *name = now->rows[i], *value = now->rows[i + 1], *was = find(defaults, name);
        bool kept = kafka_property_kept(name);
        if (is_address(name) || (!kept && was && strcmp(was, value) == 0))
            continue;
        text_printf(out, "kafka %s: %s = %s%s\n", kind, name,
                    param_property_is_secret(name) ? "(redacted)" : value, kept ? " (fixed)" : "");
    }
}

/* Both are freed. */
static void add_dumps(const char *kind, struct dump now, struct dump defaults, struct text *out)
{
    add_changed(kind, &now, &defaults, out);
    rd_kafka_conf_dump_free(now.rows, now.count);
    rd_kafka_conf_dump_free(defaults.rows, defaults.count);
}

static struct dump dump_of(rd_kafka_conf_t *conf)
{
    struct dump dump;
    dump.rows = rd_kafka_conf_dump(conf, &dump.count);
    return dump;
}

/* acks, partitioner and auto.offset.reset are a topic's: librdkafka keeps them apart, once there are any. */
static struct dump dump_of_topic(rd_kafka_topic_conf_t *conf)
{
    struct dump dump;
    dump.rows = rd_kafka_topic_conf_dump(conf, &dump.count);
    return dump;
}

static void add_kind(const struct kafka_config *config, const struct kafka_rows *rows, struct text *out)
{
    struct kafka_link *link = kafka_link_new(NULL, "check", rows->kind);
    rd_kafka_conf_t *conf = kafka_conf(config, link, rows), *plain = rd_kafka_conf_new();
    rd_kafka_topic_conf_t *topic = rd_kafka_conf_get_default_topic_conf(conf), *plain_topic = rd_kafka_topic_conf_new();
    add_dumps(rows->kind, dump_of(conf), dump_of(plain), out);
    if (topic)
        add_dumps(rows->kind, dump_of_topic(topic), dump_of_topic(plain_topic), out);
    rd_kafka_topic_conf_destroy(plain_topic);
    rd_kafka_conf_destroy(plain);
    rd_kafka_conf_destroy(conf);
    kafka_link_free(&link);
}

void kafka_config_effective(const struct kafka_config *config, struct text *out)
{
    static const struct kafka_rows *const kinds[] = { &KAFKA_CONSUMER, &KAFKA_BACKLOG_CONSUMER, &KAFKA_PRODUCER,
                                                      &KAFKA_CLIENT, &KAFKA_READER, &KAFKA_PUBLISHER };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        add_kind(config, kinds[i], out);
}
