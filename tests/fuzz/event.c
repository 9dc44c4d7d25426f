/* The decoder of messages. The first byte says how the rest comes: 'a' + a message's number, that message in
 * binary mode; 'S' structured; 'R' and 'G' bare on requests and grants; any other a ce_type that nobody
 * knows. */
#include "proto/event.h"

#include <string.h>

#include "base/must.h"
#include "fuzz/fuzz.h"

static struct event_source source_of(const uint8_t *bytes, size_t length)
{
    struct event_source source = { .topic = TOPIC_REQUESTS, .value = (const char *)bytes + 1 };
    source.length = length - 1;
    uint8_t mode = bytes[0];
    if (mode == 'G') {
        source.topic = TOPIC_GRANTS;
    } else if (mode == 'S') {
        source.content_type = "application/cloudevents+json";
        source.content_type_length = strlen(source.content_type);
    } else if (mode >= 'a' && mode < 'a' + EVENT_TYPE_COUNT) {
        source.ce_type = EVENTS[mode - 'a'].ce_type;
        source.ce_type_length = strlen(source.ce_type);
        source.topic = EVENTS[mode - 'a'].topic;
    } else if (mode != 'R') {
        source.ce_type = source.value;
        source.ce_type_length = source.length;
    }
    return source;
}

/* What was decoded can be encoded; that decodes again, to an event that encodes to the same bytes. */
static void check_good(const struct event *event)
{
    struct text once = { 0 }, twice = { 0 }, id = { 0 };
    char fingerprint[65];
    event_encode(event, &once);
    event_ce_id(event, "topic/0@0", &id);
    must(id.length > 0);
    event_fingerprint(event, fingerprint);

    struct event_source source = {
        .value = once.bytes, .length = once.length, .topic = EVENTS[event->type].topic,
        .ce_type = EVENTS[event->type].ce_type, .ce_type_length = strlen(EVENTS[event->type].ce_type),
    };
    struct event again;
    struct decode_error error;
    must(event_decode(&source, &again, &error) == DECODE_OK);
    event_encode(&again, &twice);
    must(once.length == twice.length && memcmp(once.bytes, twice.bytes, once.length) == 0);
    event_clear(&again);
    text_free(&once);
    text_free(&twice);
    text_free(&id);
}

/* An error's words go into logs, rejections and headers: there, whole and harmless. */
static void check_error(const struct decode_error *error)
{
    must(error->reason[0] != '\0' && error->message[0] != '\0');
    must(memchr(error->message, '\0', sizeof error->message)
         && memchr(error->field, '\0', sizeof error->field));
    for (const char *at = error->message; *at; at++)
        must(*at >= ' ' && *at < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1)
        return 0;
    struct event_source source = source_of(bytes, length);
    struct event event;
    struct decode_error error;
    switch (event_decode(&source, &event, &error)) {
    case DECODE_OK:
        check_good(&event);
        break;
    case DECODE_INVALID:
        check_error(&error);
        must(event.user_id && id_valid(event.user_id, strlen(event.user_id)));
        must(event_subject(&event) && id_valid(event_subject(&event), strlen(event_subject(&event))));
        break;
    case DECODE_MALFORMED:
        check_error(&error);
        must(!event.user_id && !event_subject(&event));
        break;
    }
    event_clear(&event);
    return 0;
}
