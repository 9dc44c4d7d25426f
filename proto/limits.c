/* What may stand in a field: the one judge of both directions. */
#include <math.h>
#include <string.h>

#include "base/ids.h"
#include "proto/table.h"

/* Printable ASCII that needs no escape in JSON and no care in a shell's log. */
static bool word_char(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

static bool is_word(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!word_char((unsigned char)text[i]))
            return false;
    return true;
}

static bool is_plain_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return false;
    }
    return true;
}

static size_t characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static bool is_choice(enum kind kind, const char *text)
{
    for (size_t i = 0; i < CHOICE_COUNT; i++)
        if (CHOICES[i].kind == kind && strcmp(CHOICES[i].value, text) == 0)
            return true;
    return false;
}

bool field_takes_text(const struct field *field, const char *text, size_t length)
{
    size_t least = (size_t)field->least, most = (size_t)field->most;
    switch ((enum kind)field->kind) {
    case KIND_ID:
        return id_valid(text, length);
    case KIND_WORD:
    case KIND_LABEL:
        return length >= least && length <= most && is_word(text, length);
    case KIND_URL:
        return length >= least && length <= most && strncmp(text, "https://", 8) == 0
               && is_word(text, length);
    case KIND_TEXT:
    case KIND_PROSE:
        return length >= least && length <= most * 4 && (length <= most || characters(text, length) <= most)
            && is_plain_text(text, length);
    case KIND_ENTRY:
    case KIND_CODE:
        return is_choice((enum kind)field->kind, text);
    case KIND_CONTEXT:
    case KIND_INTEGER:
    case KIND_AMOUNT:
    case KIND_TIME:
    case KIND_STAMP:
    case KIND_SPAN:
    case KIND_NUMBER:
    case KIND_OUTPUTS:
    case KIND_QUOTE: case KIND_BALANCE: case KIND_ERROR: case KIND_TIMINGS:
        break;
    }
    return false;
}

bool field_takes_integer(const struct field *field, int64_t value)
{
    return value >= field->least && value <= field->most && !(field->kind == KIND_AMOUNT && value == 0);
}

bool field_takes_number(const struct field *field, double value)
{
    return isfinite(value) && value >= (double)field->least && value <= (double)field->most;
}

bool output_takes(const char *text, size_t length)
{
    return length >= 1 && length <= EVENT_OUTPUT_BYTES_MAX && is_word(text, length);
}
