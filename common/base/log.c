#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum {
    LOG_FIELD_BYTES_MAX = 2048,           /* of one field: a line stays below what collectors cut */
    LOG_LINE_BYTES = 512,                 /* a usual line: made with one allocation */
};

static const char *const level_names[] = { "debug", "info", "warn", "error", "fatal" };

/* One per process, like stderr itself. Written by log_open before there is a second thread; the level may
 * change later. */
static struct {
    const char *service, *instance;
    _Atomic int level;
    bool terminal;
} log_state = { .level = LOG_LEVEL_INFO };

void log_open(const char *service, const char *instance, enum log_level level)
{
    log_state.service = service;
    log_state.instance = instance;
    log_state.terminal = isatty(STDERR_FILENO) == 1;
    log_level_set(level);
}

void log_level_set(enum log_level level)
{
    atomic_store(&log_state.level, (int)level);
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* How many bytes the character at text has; 0: not UTF-8. */
static size_t utf8_length(const unsigned char *text, size_t left)
{
    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    size_t length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0)
        || (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90))
        return 0;                          /* overlong, surrogate, beyond U+10FFFF */
    return length;
}

static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] >= 0x7f || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

/* A field may hold bytes from outside. A line must be valid JSON all the same: what is not UTF-8 becomes
 * U+FFFD. */
static void add_field_text(struct text *line, const char *value)
{
    size_t left = strnlen(value, LOG_FIELD_BYTES_MAX);
    if (is_plain(value, left)) {               /* nearly every one: at 40,000 lines a second it shows */
        text_add_char(line, '"');
        text_add(line, value, left);
        text_add_char(line, '"');
        return;
    }
    struct text clean = { 0 };
    for (const unsigned char *at = (const unsigned char *)value; left > 0;) {
        size_t length = utf8_length(at, left);
        if (length > 0)
            text_add(&clean, (const char *)at, length);
        else
            text_add_string(&clean, "\xef\xbf\xbd");
        length = length > 0 ? length : 1;
        at += length;
        left -= length;
    }
    text_add_json(line, clean.bytes ? clean.bytes : "", clean.length);
    text_free(&clean);
}

static void add_json_member(struct text *line, const char *name, const char *value)
{
    text_add_char(line, ',');
    text_add_json(line, name, strlen(name));
    text_add_char(line, ':');
    add_field_text(line, value);
}

static void line_as_json(struct text *line, const char *level, const char *event)
{
    text_add_string(line, "\"level\":");
    text_add_json(line, level, strlen(level));
    add_json_member(line, "msg", event);
    if (log_state.service)
        add_json_member(line, "service", log_state.service);
    if (log_state.instance)
        add_json_member(line, "instance", log_state.instance);
}

static void add_field(struct text *line, const struct log_field *field)
{
    if (field->is_text && !field->text)
        return;
    if (log_state.terminal)
        text_printf(line, " %s=", field->name);
    else
        text_printf(line, ",\"%s\":", field->name);
    if (field->is_text)
        add_field_text(line, field->text);
    else
        text_add_i64(line, field->number);
}

/* One write(2) a line: lines of several threads, or of several processes on one pipe, stay whole. A reader
 * that is gone or slow is no reason to fail; what can't be written is lost. */
static void line_write(const struct text *line)
{
    size_t done = 0;
    while (done < line->length) {
        ssize_t written = write(STDERR_FILENO, line->bytes + done, line->length - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        done += (size_t)written;
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, int count)
{
    if ((int)level < atomic_load_explicit(&log_state.level, memory_order_relaxed))
        return;
    int saved_errno = errno;
    char now[RFC3339_BYTES];
    clock_format(clock_wall_ms(), now);
    struct text line = { 0 };
    text_reserve(&line, LOG_LINE_BYTES);
    if (log_state.terminal) {
        text_printf(&line, "%s %-5s %s", now + 11, level_names[level], event);
    } else {
        text_printf(&line, "{\"ts\":\"%s\",", now);
        line_as_json(&line, level_names[level], event);
    }
    for (int i = 0; i < count; i++)
        add_field(&line, &fields[i]);
    text_add_string(&line, log_state.terminal ? "\n" : "}\n");
    line_write(&line);
    text_free(&line);
    errno = saved_errno;
}
