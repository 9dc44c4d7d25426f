/* contract-dump: the table and real encoded messages as one JSON object on stdout, for the contract test.
 *
 *     {"topics": [...], "messages": [{"type", "topic", "fields": [...], "when": {...}}],
 *      "samples": [{"type", "sample", "value": "the encoded message as text"}]}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/samples.h"

static const char *const KIND_NAMES[] = {
    [KIND_ID] = "id", [KIND_WORD] = "word", [KIND_URL] = "url", [KIND_TEXT] = "text", [KIND_PROSE] = "text",
    [KIND_CONTEXT] = "context", [KIND_ENTRY] = "choice", [KIND_CODE] = "choice", [KIND_LABEL] = "word",
    [KIND_INTEGER] = "integer", [KIND_AMOUNT] = "amount", [KIND_TIME] = "time", [KIND_STAMP] = "time",
    [KIND_SPAN] = "integer", [KIND_NUMBER] = "number", [KIND_OUTPUTS] = "outputs", [KIND_QUOTE] = "object",
    [KIND_BALANCE] = "object", [KIND_ERROR] = "object", [KIND_TIMINGS] = "object",
};

static void begin(struct text *out, const char *opening)
{
    char last = out->length > 0 ? out->bytes[out->length - 1] : '[';
    if (last != '[' && last != '{' && last != ':')
        text_add_char(out, ',');
    text_add_string(out, opening);
}

static void add_string(struct text *out, const char *name, const char *value)
{
    begin(out, "");
    text_add_json(out, name, strlen(name));
    text_add_char(out, ':');
    text_add_json(out, value, strlen(value));
}

static void add_integer(struct text *out, const char *name, int64_t value)
{
    begin(out, "");
    text_add_json(out, name, strlen(name));
    text_add_char(out, ':');
    text_add_i64(out, value);
}

static void dump_field(struct text *out, const struct field *field, bool required)
{
    enum kind kind = (enum kind)field->kind;
    begin(out, "{");
    add_string(out, "name", field->name);
    add_string(out, "kind", KIND_NAMES[kind]);
    add_integer(out, "least", field->least);
    add_integer(out, "most", field->most);
    add_integer(out, "required", required);
    if (kind == KIND_OUTPUTS)
        add_integer(out, "itemMost", EVENT_OUTPUT_BYTES_MAX);
    if (kind == KIND_ENTRY || kind == KIND_CODE) {
        begin(out, "\"choices\":[");
        for (size_t i = 0; i < CHOICE_COUNT; i++) {
            if (CHOICES[i].kind != kind)
                continue;
            begin(out, "");
            text_add_json(out, CHOICES[i].value, strlen(CHOICES[i].value));
        }
        text_add_char(out, ']');
    }
    const struct object *object = object_of(kind);
    if (object) {
        begin(out, "\"parts\":[");
        for (const struct field *part = PARTS + object->first; part < PARTS + object->end; part++)
            dump_field(out, part, part->required);
        text_add_char(out, ']');
    }
    text_add_char(out, '}');
}

/* What each kind of entry needs besides: CONDITIONS holds the rows of one kind together. */
static void dump_conditions(struct text *out, enum event_type type)
{
    const char *open = "";
    begin(out, "\"when\":{");
    for (size_t i = 0; i < CONDITION_COUNT; i++) {
        if (CONDITIONS[i].type != type)
            continue;
        if (strcmp(open, CONDITIONS[i].kind) != 0) {
            if (*open)
                text_add_char(out, ']');
            open = CONDITIONS[i].kind;
            begin(out, "");
            text_printf(out, "\"%s\":[", open);
        }
        begin(out, "");
        const char *name = FIELDS[CONDITIONS[i].field].name;
        text_add_json(out, name, strlen(name));
    }
    text_add_string(out, *open ? "]}" : "}");
}

static void dump_message(struct text *out, enum event_type type)
{
    begin(out, "{");
    add_string(out, "type", EVENTS[type].ce_type);
    add_string(out, "topic", TOPICS[EVENTS[type].topic].name);
    begin(out, "\"fields\":[");
    struct members members = members_of(type);
    for (const struct member *member = members.first; member < members.end; member++)
        dump_field(out, &FIELDS[member->field], member->required);
    text_add_char(out, ']');
    dump_conditions(out, type);
    text_add_char(out, '}');
}

static void dump_sample(struct text *out, enum event_type type, const char *entry, enum sample sample)
{
    struct event event;
    struct text value = { 0 };
    sample_make(type, entry, sample, &event);
    event_encode(&event, &value);
    begin(out, "{");
    add_string(out, "type", EVENTS[type].ce_type);
    add_string(out, "sample", SAMPLE_NAMES[sample]);
    add_string(out, "value", value.bytes);
    text_add_char(out, '}');
    text_free(&value);
}

static void dump_samples(struct text *out, enum event_type type)
{
    for (int sample = 0; sample < SAMPLE_COUNT; sample++) {
        if (type != EVENT_TOKENS_ENTRY) {
            dump_sample(out, type, NULL, (enum sample)sample);
            continue;
        }
        for (size_t i = 0; i < CHOICE_COUNT; i++)
            if (CHOICES[i].kind == KIND_ENTRY)
                dump_sample(out, type, CHOICES[i].value, (enum sample)sample);
    }
}

int main(void)
{
    static const char *const keys[] = { [TOPIC_KEY_USER] = "userId", [TOPIC_KEY_GENERATION] = "generationId",
                                        [TOPIC_KEY_ORIGINAL] = "as the original" };
    struct text out = { 0 };
    text_add_string(&out, "{\"topics\":[");
    for (int i = 0; i < TOPIC_COUNT; i++) {
        begin(&out, "{");
        add_string(&out, "name", TOPICS[i].name);
        add_string(&out, "key", keys[TOPICS[i].key]);
        add_integer(&out, "partitions", TOPICS[i].partitions);
        add_integer(&out, "retentionMs", TOPICS[i].retention_ms);
        add_integer(&out, "logAppendTime", TOPICS[i].log_append_time);
        text_add_char(&out, '}');
    }
    text_add_string(&out, "],\"messages\":[");
    for (int type = 0; type < EVENT_TYPE_COUNT; type++)
        dump_message(&out, (enum event_type)type);
    text_add_string(&out, "],\"samples\":[");
    for (int type = 0; type < EVENT_TYPE_COUNT; type++)
        dump_samples(&out, (enum event_type)type);
    text_add_string(&out, "]}\n");
    bool written = fwrite(out.bytes, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
    text_free(&out);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
