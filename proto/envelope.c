/* CloudEvents 1.0 over Kafka: binary mode (the type is a header), structured mode (the type is in the
 * value), and bare JSON on the two topics that others write to. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/decode.h"

static bool refuse_type(struct blame *blame, const char *type, size_t length)
{
    char shown[41], message[120];
    size_t kept = length < sizeof shown - 1 ? length : sizeof shown - 1;
    for (size_t i = 0; i < kept; i++)
        shown[i] = type[i] > ' ' && type[i] < 0x7f ? type[i] : '?';
    shown[kept] = '\0';
    snprintf(message, sizeof message, "type is \"%s%s\"; allowed is a type of this contract", shown,
             length > kept ? "..." : "");
    return blame_envelope(blame, "unknown_type", message);
}

/* By the whole name, prefix included: another product's generation.requested is not ours. */
static bool type_named(const char *name, size_t length, enum event_type *type, struct blame *blame)
{
    for (int i = 0; i < EVENT_TYPE_COUNT; i++)
        if (strlen(EVENTS[i].ce_type) == length && memcmp(EVENTS[i].ce_type, name, length) == 0) {
            *type = (enum event_type)i;
            return true;
        }
    return refuse_type(blame, name, length);
}

enum mode { MODE_PLAIN, MODE_STRUCTURED, MODE_BATCH };

/* application/cloudevents, alone or with +json or parameters behind it, in any case. Kafka has no batch
 * mode. */
static enum mode mode_of(const struct event_source *source)
{
    static const char media[] = "application/cloudevents", batch[] = "-batch";
    size_t length = sizeof media - 1, rest;
    if (!source->content_type || source->content_type_length < length
        || strncasecmp(source->content_type, media, length) != 0)
        return MODE_PLAIN;
    rest = source->content_type_length - length;
    const char *tail = source->content_type + length;
    if (rest >= sizeof batch - 1 && strncasecmp(tail, batch, sizeof batch - 1) == 0)
        return MODE_BATCH;
    return rest == 0 || *tail == '+' || *tail == ';' || *tail == ' ' ? MODE_STRUCTURED : MODE_PLAIN;
}

static bool is_text(const struct json *value, const char *wanted)
{
    size_t length;
    const char *text = json_string(value, &length);
    return text && length == strlen(wanted) && memcmp(text, wanted, length) == 0;
}

static bool open_structured(const struct json *root, enum event_type *type, const struct json **data,
                            struct blame *blame)
{
    if (!is_text(json_get(root, "specversion"), "1.0"))
        return blame_envelope(blame, "malformed_envelope",
                              "specversion is missing or another; allowed is \"1.0\"");
    size_t length;
    const char *name = json_string(json_get(root, "type"), &length);
    if (!name)
        return blame_envelope(blame, "unknown_type", "type is missing; allowed is a type of this contract");
    *data = json_get(root, "data");
    if (json_kind(*data) != JSON_OBJECT)
        return blame_envelope(blame, "malformed_envelope",
                              "data is missing or no object; allowed is the message as an object");
    return type_named(name, length, type, blame);
}

/* kcat and a shell are a valid upstream: what else can be asked for on requests says so in a member
 * "type". */
static bool type_of_bare(const struct json *root, enum topic topic, enum event_type *type,
                         struct blame *blame)
{
    if (topic == TOPIC_GRANTS) {
        *type = EVENT_TOKENS_GRANTED;
        return true;
    }
    if (topic != TOPIC_REQUESTS)
        return blame_envelope(blame, "unknown_type",
                              "ce_type is missing; allowed is a type of this contract");
    const struct json *named = json_get(root, "type");
    bool cancel = is_text(named, "reelgate.generation.cancel_requested")
                  || is_text(named, "generation.cancel_requested");
    *type = cancel ? EVENT_GENERATION_CANCEL_REQUESTED : EVENT_GENERATION_REQUESTED;
    return true;
}

/* json_parse says in words why it refuses; three of its reasons have a name of their own in dead letters. */
static bool parse(const struct event_source *source, struct json **root, struct blame *blame)
{
    static const struct { const char *begins, *reason; } reasons[] = {
        { "too large", "too_large" }, { "too deep", "too_deep" }, { "duplicate key", "duplicate_key" },
    };
    char words[JSON_ERROR_BYTES];
    if (!source->value || source->length == 0)
        return blame_envelope(blame, "no_value", "the record has no value; allowed is a JSON object");
    *root = json_parse(source->value, source->length, JSON_BYTES_MAX, words);
    if (*root)
        return true;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strncmp(words, reasons[i].begins, strlen(reasons[i].begins)) == 0)
            return blame_envelope(blame, reasons[i].reason, words);
    return blame_envelope(blame, "malformed_json", words);
}

bool envelope_open(const struct event_source *source, struct json **root, enum event_type *type,
                   const struct json **data, struct blame *blame)
{
    enum mode mode = mode_of(source);
    if (mode == MODE_BATCH)
        return blame_envelope(blame, "malformed_envelope",
                              "the content type is a batch; allowed is one event a record");
    if (mode == MODE_PLAIN && source->ce_type
        && !type_named(source->ce_type, source->ce_type_length, type, blame))
        return false;
    if (!parse(source, root, blame))
        return false;
    if (json_kind(*root) != JSON_OBJECT)
        return blame_envelope(blame, "wrong_type", "the value is JSON but no object; allowed is an object");
    if (mode == MODE_STRUCTURED)
        return open_structured(*root, type, data, blame);
    *data = *root;
    return source->ce_type || type_of_bare(*root, source->topic, type, blame);
}
