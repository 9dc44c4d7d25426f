#include "json/out.h"

#include <string.h>

#include "base/clock.h"

static void begin(struct text *out, const char *name)
{
    char last = out->length > 0 ? out->bytes[out->length - 1] : '{';
    if (last != '{' && last != '[' && last != '\n')
        text_add_char(out, ',');
    if (name) {
        text_add_json(out, name, strlen(name));
        text_add_char(out, ':');
    }
}

void out_open(struct text *out, const char *name, char bracket)
{
    begin(out, name);
    text_add_char(out, bracket);
}

void out_close(struct text *out, char bracket)
{
    text_add_char(out, bracket);
}

void out_text(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    begin(out, name);
    text_add_json(out, value, strlen(value));
}

void out_number(struct text *out, const char *name, int64_t value)
{
    if (value == OUT_ABSENT)
        return;
    begin(out, name);
    text_add_i64(out, value);
}

void out_bool(struct text *out, const char *name, bool value)
{
    begin(out, name);
    text_add_string(out, value ? "true" : "false");
}

void out_raw(struct text *out, const char *name, const char *json)
{
    if (!json)
        return;
    begin(out, name);
    text_add_string(out, json);
}

void out_time(struct text *out, const char *name, int64_t wall_ms)
{
    if (wall_ms == OUT_ABSENT)
        return;
    char time[RFC3339_BYTES];
    clock_format(wall_ms, time);
    out_text(out, name, time);
}

void out_balance(struct text *out, const char *name, const struct balance *balance)
{
    out_open(out, name, '{');
    out_number(out, "granted", balance->granted);
    out_number(out, "available", balance->available);
    out_number(out, "reserved", balance->reserved);
    out_number(out, "spent", balance->spent);
    out_close(out, '}');
}
