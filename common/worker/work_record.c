#include "worker/work_record.h"

#include <stdio.h>
#include <string.h>

static bool key_is(const struct kafka_record *record, const char *generation)
{
    return record->key && record->key_length == strlen(generation) &&
           memcmp(record->key, generation, record->key_length) == 0;
}

bool work_record_decode(const struct kafka_record *record, enum topic topic, enum event_type own, struct event *event,
                        struct decode_error *error)
{
    struct event_source source;
    record_source(record, topic, &source);
    enum decode decoded = event_decode(&source, event, error);
    if (decoded == DECODE_MALFORMED)
        return false;
    if (decoded == DECODE_OK && event->type != own && event->type != EVENT_GENERATION_CANCEL_REQUESTED
        && event->type != EVENT_GENERATION_SUBMISSION_SETTLED) {
        snprintf(error->reason, sizeof error->reason, "unknown_type");
        snprintf(error->message, sizeof error->message, "%s does not belong on %s", EVENTS[event->type].ce_type,
                 TOPICS[topic].name);
    } else if (decoded == DECODE_OK && !key_is(record, event->generation_id)) {
        snprintf(error->reason, sizeof error->reason, "wrong_key");
        snprintf(error->message, sizeof error->message, "the record's key is not its generationId %s",
                 event->generation_id);
    } else if (decoded == DECODE_OK) {
        return true;
    }
    event_clear(event);
    return false;
}
