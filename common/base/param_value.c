/* What one value means: types, ranges, and how it may be shown. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "base/param_private.h"

static bool read_i64(const char *text, const char **end, int64_t *value)
{
    const char *first = *text == '-' ? text + 1 : text;
    if (!isdigit((unsigned char)*first))        /* strtoll would take blanks and a plus */
        return false;
    char *after;
    errno = 0;
    *value = strtoll(text, &after, 10);
    *end = after;
    return errno == 0;
}

static bool read_count(const char *text, int64_t *value)
{
    const char *end;
    return read_i64(text, &end, value) && *end == '\0';
}

static bool read_ms(const char *text, int64_t *value)
{
    static const struct { const char *unit; int64_t ms; } units[] = {
        { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
    };
    const char *end;
    int64_t number;
    if (!read_i64(text, &end, &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].unit) == 0)
            return !__builtin_mul_overflow(number, units[i].ms, value);
    return false;
}

static bool read_limit(const struct param *row, const char *text, int64_t *value)
{
    return row->type == PARAM_MS ? read_ms(text, value) : read_count(text, value);
}

static bool read_number(const struct param *row, const char *text, int64_t *value)
{
    int64_t least = INT64_MIN, most = INT64_MAX;
    must(!row->least || read_limit(row, row->least, &least));
    must(!row->most || read_limit(row, row->most, &most));
    return read_limit(row, text, value) && *value >= least && *value <= most;
}

static bool read_bool(const char *text, bool *value)
{
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0;
}

static bool among(const char *choices, const char *value, size_t length)
{
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strcspn(at, "|") == length && strncmp(at, value, length) == 0)
            return true;
    return false;
}

static bool url_allowed(const char *choices, const char *url)
{
    const char *mark = strstr(url, "://");
    if (!mark || !among(choices, url, (size_t)(mark - url)) || mark[3] == '\0')
        return false;
    bool path_only = strncmp(url, "unix:", 5) == 0;      /* unix:///run/redis.sock has no host */
    if (mark[3] == '/' && !path_only)
        return false;
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            return false;
    return true;
}

static bool file_readable(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode) && access(path, R_OK) == 0;
}

void param_allowed(const struct param *row, struct text *out)
{
    switch (row->type) {
    case PARAM_COUNT:
    case PARAM_MS:
        if (row->least && row->most)
            text_printf(out, "%s to %s", row->least, row->most);
        else if (row->least)
            text_printf(out, "at least %s", row->least);
        else if (row->most)
            text_printf(out, "at most %s", row->most);
        else
            text_add_string(out, "a whole number");
        return;
    case PARAM_BOOL:   text_add_string(out, "true|false"); return;
    case PARAM_CHOICE: text_add_string(out, row->choices); return;
    case PARAM_PATH:   text_add_string(out, "a file that can be read"); return;
    case PARAM_URL:
        for (const char *at = row->choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
            text_printf(out, "%s%.*s://...", at == row->choices ? "" : "|", (int)strcspn(at, "|"), at);
        return;
    case PARAM_TEXT:
    case PARAM_SECRET:
        if (row->least && strcmp(row->least, "1") == 0)
            text_add_string(out, "not empty");
        return;
    }
    unreachable();
}

/* redis://:password@host/ -> redis://(redacted)@host/ */
static void add_url_shown(const char *url, struct text *out)
{
    const char *mark = strstr(url, "://");
    const char *authority = mark ? mark + 3 : url;
    const char *at = memrchr(authority, '@', strcspn(authority, "/?#"));
    if (!at) {
        text_add_string(out, url);
        return;
    }
    text_add(out, url, (size_t)(authority - url));
    text_add_string(out, "(redacted)");
    text_add_string(out, at);
}

void param_add_shown(const struct param *row, const char *value, struct text *out)
{
    if (row->type == PARAM_SECRET)
        text_add_string(out, "(redacted)");
    else if (row->type == PARAM_URL)
        add_url_shown(value, out);
    else
        text_add_string(out, value);
}

static _Noreturn void refuse_value(const struct param_reading *reading, const struct param_setting *setting)
{
    struct text shown = { 0 }, quoted = { 0 }, allowed = { 0 };
    param_add_shown(setting->row, setting->value, &shown);
    /* a newline in it must not make two lines */
    text_add_json(&quoted, shown.bytes ? shown.bytes : "", shown.length);
    param_allowed(setting->row, &allowed);
    param_refuse(reading, "%s = %s (%s) is not allowed: must be %s%s", setting->row->name, quoted.bytes,
                 setting->source ? setting->source : "default", allowed.bytes ? allowed.bytes : "set",
                 setting->row->type == PARAM_MS ? " (250ms, 30s, 5m, 2h, 7d)" : "");
}

void param_store(const struct param_reading *reading, const struct param_setting *setting, void *settings)
{
    const struct param *row = setting->row;
    const char *text = setting->value;
    char *field = (char *)settings + row->offset;
    int64_t number;
    bool yes, good = true;
    if (!text)
        return;
    switch (row->type) {
    case PARAM_COUNT:
    case PARAM_MS:
        if ((good = read_number(row, text, &number)))
            memcpy(field, &number, sizeof number);
        break;
    case PARAM_BOOL:
        if ((good = read_bool(text, &yes)))
            memcpy(field, &yes, sizeof yes);
        break;
    case PARAM_CHOICE: good = among(row->choices, text, strlen(text)); break;
    case PARAM_URL:    good = url_allowed(row->choices, text); break;
    case PARAM_PATH:   good = file_readable(text); break;
    case PARAM_TEXT:
    case PARAM_SECRET: good = !row->least || strcmp(row->least, "1") != 0 || *text != '\0'; break;
    }
    if (!good)
        refuse_value(reading, setting);
    if (row->type != PARAM_COUNT && row->type != PARAM_MS && row->type != PARAM_BOOL)
        memcpy(field, &text, sizeof text);
}
