#include "contract/samples.h"

#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

#define SLOT(event, type, field) ((type *)((char *)(event) + (field)->offset))

const char *const SAMPLE_NAMES[SAMPLE_COUNT] = { "minimal", "least", "most", "strange" };

/* unit repeated until it is count characters long, behind prefix. */
static char *repeat(const char *prefix, const char *unit, size_t count)
{
    size_t ahead = strlen(prefix), size = strlen(unit);
    char *text = xmalloc(ahead + count * size + 1), *at = stpcpy(text, prefix);
    for (size_t i = ahead; i < count; i++)
        at = stpcpy(at, unit);
    *at = '\0';
    return text;
}

static const char *text_value(const struct field *field, enum sample sample)
{
    size_t least = (size_t)field->least, most = (size_t)field->most;
    size_t count = sample == SAMPLE_MOST ? most : least;
    switch ((enum kind)field->kind) {
    case KIND_ID:
        return sample == SAMPLE_STRANGE ? "._:-Az09" : repeat("", "i", count);
    case KIND_WORD: case KIND_LABEL:
        return sample == SAMPLE_STRANGE ? "~!#$%&'()*+,-./:;<=>?@[]^_`{|}" : repeat("", "w", count);
    case KIND_URL:
        return sample == SAMPLE_STRANGE ? "https://a.example/?q=%22&x='<>#~" : repeat("https://", "u", count);
    case KIND_TEXT: case KIND_PROSE:
        if (sample == SAMPLE_STRANGE)
            return "\"\\/\t\r\n\xc2\x80 \xe2\x80\xa8 \xef\xbf\xbf \xf0\x9f\xa6\x8a </script>";
        return sample == SAMPLE_MOST ? repeat("", "\xf0\x9f\xa6\x8a", count) : repeat("", "t", count);
    case KIND_CONTEXT:
        return sample == SAMPLE_STRANGE ? "{\"a\":[1,-0.5,null,true,{}],\"\":\"\\u0001\xe2\x80\xa8\"}" : "{}";
    case KIND_ENTRY: case KIND_CODE:
        for (size_t i = 0; i < CHOICE_COUNT; i++)
            if (CHOICES[i].kind == field->kind)
                return CHOICES[i].value;
        break;
    default:
        break;
    }
    unreachable();
}

static int64_t integer_value(const struct field *field, enum sample sample)
{
    if (sample == SAMPLE_MOST)
        return field->most;
    if (sample == SAMPLE_STRANGE)
        return field->most / 2 + 1;
    return field->kind == KIND_STAMP ? 1 : field->least;
}

static double number_value(const struct field *field, enum sample sample)
{
    if (sample == SAMPLE_STRANGE)
        return 0.1 + 0.2;
    return (double)(sample == SAMPLE_MOST ? field->most : field->least);
}

static void fill_outputs(struct event *event, const struct field *field, enum sample sample)
{
    event->output_count = (int)(sample == SAMPLE_MOST ? field->most : field->least);
    if (sample == SAMPLE_STRANGE)
        event->output_count = 2;
    for (int i = 0; i < event->output_count; i++)
        event->outputs[i] = repeat("", "o", sample == SAMPLE_MOST ? EVENT_OUTPUT_BYTES_MAX : 1);
}

static void fill(struct event *event, const struct field *field, enum sample sample)
{
    const struct object *object = object_of((enum kind)field->kind);
    if (object) {
        *(bool *)((char *)event + object->present) = true;
        for (const struct field *part = PARTS + object->first; part < PARTS + object->end; part++)
            if (part->required || sample != SAMPLE_MINIMAL)
                fill(event, part, sample);
    } else if (field->kind == KIND_LABEL) {
        strcpy(SLOT(event, char, field), text_value(field, sample));
    } else if (kind_is_text((enum kind)field->kind)) {
        *SLOT(event, const char *, field) = text_value(field, sample);
    } else if (field->kind == KIND_OUTPUTS) {
        fill_outputs(event, field, sample);
    } else if (field->kind == KIND_NUMBER) {
        *SLOT(event, double, field) = number_value(field, sample);
    } else {
        *SLOT(event, int64_t, field) = integer_value(field, sample);
    }
}

static bool needed(const char *entry, uint8_t field)
{
    for (size_t i = 0; entry && i < CONDITION_COUNT; i++)
        if (CONDITIONS[i].field == field && strcmp(CONDITIONS[i].kind, entry) == 0)
            return true;
    return false;
}

void sample_make(enum event_type type, const char *entry, enum sample sample, struct event *event)
{
    event_init(event, type);
    struct members members = members_of(type);
    for (const struct member *member = members.first; member < members.end; member++)
        if (member->required || sample != SAMPLE_MINIMAL || needed(entry, member->field))
            fill(event, &FIELDS[member->field], sample);
    if (entry)
        event->kind = entry;
}
