#include "cli/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "worker/outbox.h"

static void judge(const struct cli *cli, enum event_type type, const struct text *data, struct event *event)
{
    struct decode_error error;
    const struct event_source source = {
        .value = data->bytes, .length = data->length, .topic = EVENTS[type].topic,
        .content_type = "application/json", .content_type_length = sizeof "application/json" - 1,
        .ce_type = EVENTS[type].ce_type, .ce_type_length = strlen(EVENTS[type].ce_type),
    };
    enum decode answer = event_decode(&source, event, &error);
    if (answer == DECODE_OK)
        return;
    if (answer == DECODE_INVALID)
        event_clear(event);
    cli_usage(cli, "%s", error.message);
}

void wire_check(const struct cli *cli, enum event_type type, const struct text *data)
{
    struct event event;
    judge(cli, type, data, &event);
    event_clear(&event);
}

static struct kafka_header header(const char *name, const char *value)
{
    return (struct kafka_header){ .name = name, .value = value, .length = strlen(value) };
}

static enum trouble publish_until(const struct cli *cli, const struct kafka_message *message,
                                  struct wire_place *place)
{
    int64_t end_ms = clock_mono_ms() + cli->settings.timeout_ms;
    struct kafka_publisher *publisher = kafka_publisher_open(&cli->kafka);
    enum trouble trouble;
    do {
        int64_t left_ms = end_ms - clock_mono_ms();
        trouble = kafka_publish(publisher, message, left_ms > 100 ? (int)left_ms : 100, &place->partition,
                                &place->offset);
    } while (trouble == TROUBLE_RETRY && clock_mono_ms() < end_ms);
    kafka_publisher_close(&publisher);
    return trouble;
}

enum cli_exit wire_publish(const struct cli *cli, enum event_type type, const struct text *data,
                           struct wire_place *place)
{
    struct event event;
    struct text ce_id = { 0 };
    char now[RFC3339_BYTES], trace[TRACEPARENT_BYTES];
    judge(cli, type, data, &event);
    event_ce_id(&event, NULL, &ce_id);
    clock_format(clock_wall_ms(), now);
    traceparent_child(NULL, 0, trace);
    const struct kafka_header headers[] = {
        header("ce_specversion", "1.0"), header("ce_id", ce_id.bytes),
            header("ce_type", EVENTS[type].ce_type),
        header("ce_source", "reelgate"), header("ce_time", now), header("ce_subject", event_subject(&event)),
        header("content-type", "application/json"), header("traceparent", trace),
    };
    cli_topic(cli, EVENTS[type].topic, place->topic);
    bool by_user = TOPICS[EVENTS[type].topic].key == TOPIC_KEY_USER;
    const char *key = by_user ? event.user_id : event.generation_id;
    const struct kafka_message message = {
        .topic = place->topic, .partition = -1, .key = key, .key_length = strlen(key),
        .value = data->bytes, .value_length = data->length,
        .headers = headers, .header_count = sizeof headers / sizeof headers[0],
    };
    enum trouble trouble = publish_until(cli, &message, place);
    event_clear(&event);
    text_free(&ce_id);
    if (trouble == TROUBLE_NONE)
        return CLI_FINE;
    cli_complain(cli, "%s did not take the message: %s", place->topic,
                 trouble == TROUBLE_RETRY ? "no acknowledgement in time; it may be there all the same, send "
                                            "it again with "
                 "the same id" : "refused; see --log-level=warn");
    return CLI_AWAY;
}

bool wire_read(const struct kafka_record *record, enum topic topic, struct event *event)
{
    struct event_source source;
    struct decode_error error;
    record_source(record, topic, &source);
    enum decode answer = event_decode(&source, event, &error);
    if (answer == DECODE_INVALID)
        event_clear(event);
    return answer == DECODE_OK;
}

static bool header_is(const struct kafka_record *record, const char *name, const char *wanted)
{
    const char *value;
    size_t length;
    return kafka_record_header(record, name, &value, &length) && length == strlen(wanted)
        && memcmp(value, wanted, length) == 0;
}

static void header_copy(const struct kafka_record *record, const char *name, char *out, size_t size)
{
    const char *value;
    size_t length;
    bool found = kafka_record_header(record, name, &value, &length);
    snprintf(out, size, "%.*s", found ? (int)length : 0, found ? value : "");
}

static bool header_number(const struct kafka_record *record, const char *name, int64_t *number)
{
    char digits[24], *end;
    header_copy(record, name, digits, sizeof digits);
    *number = strtoll(digits, &end, 10);
    return digits[0] != '\0' && *end == '\0';
}

int64_t wire_attempts(const struct kafka_record *record)
{
    int64_t attempts;
    return header_number(record, "attempt", &attempts) ? attempts : 0;
}

bool wire_read_mark(const struct kafka_record *record, struct wire_mark *mark)
{
    if (record->value_length > 0)
        return false;
    header_copy(record, "mark", mark->kind, sizeof mark->kind);
    mark->attempt = wire_attempts(record);
    return mark->kind[0] != '\0' && header_number(record, "item", &mark->item);
}

bool wire_is_dead_letter_of(const struct kafka_record *record, const struct wire_place *place, char code[64],
                            char message[256])
{
    char partition[16], offset[24];
    snprintf(partition, sizeof partition, "%d", place->partition);
    snprintf(offset, sizeof offset, "%lld", (long long)place->offset);
    if (!header_is(record, "dlq-original-topic", place->topic) || !header_is(record, "dlq-original-partition",
                                                                             partition)
        || !header_is(record, "dlq-original-offset", offset))
        return false;
    header_copy(record, "dlq-error-code", code, 64);
    header_copy(record, "dlq-error-message", message, 256);
    return true;
}
