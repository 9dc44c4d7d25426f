#include "tokens/arguments.h"

#include <string.h>
#include <time.h>

#include "base/must.h"

/* Only these two are set: the rest is written before it is read, and clearing 2 KB for each call would
 * show. */
void arguments_clear(struct arguments *arguments)
{
    arguments->count = 0;
    arguments->keys = 0;
    arguments->used = 0;
}

static void put(struct arguments *arguments, const char *bytes, size_t length)
{
    must(length <= ARGUMENT_SPACE - arguments->used);
    memcpy(arguments->space + arguments->used, bytes, length);
    arguments->used += length;
}

static void put_text(struct arguments *arguments, const char *text) { put(arguments, text, strlen(text)); }

static void put_number(struct arguments *arguments, int64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (number < 0)
        digits[--at] = '-';
    put(arguments, digits + at, sizeof digits - at);
}

/* Words in a recorded answer are parted by blanks: what could be mistaken is written %XX, and nothing at all
 * as %. */
static void put_word(struct arguments *arguments, const char *word)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!*word)
        put(arguments, "%", 1);
    for (; *word; word++) {
        unsigned char c = (unsigned char)*word;
        if (c > ' ' && c != '%' && c != 0x7f)
            put(arguments, word, 1);
        else
            put(arguments, (char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
    }
}

static void add(struct arguments *arguments, const char *bytes, size_t length)
{
    must(arguments->count < ARGUMENTS_MAX);
    arguments->argv[arguments->count] = bytes;
    arguments->lengths[arguments->count++] = length;
}

static void add_put(struct arguments *arguments, size_t from)
{
    add(arguments, arguments->space + from, arguments->used - from);
}

void arguments_key(struct arguments *arguments, int32_t bucket, const char *kind, const char *id)
{
    size_t from = arguments->used;
    must(arguments->keys == arguments->count);
    put(arguments, "rg:{", 4);
    put_number(arguments, bucket);
    put(arguments, "}:", 2);
    put_text(arguments, kind);
    if (id) {
        put(arguments, ":", 1);
        put_text(arguments, id);
    }
    add_put(arguments, from);
    arguments->keys++;
}

void arguments_day_key(struct arguments *arguments, int32_t bucket, int64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm day;
    char name[24];
    gmtime_r(&seconds, &day);
    must(strftime(name, sizeof name, "%Y%m%d", &day) > 0);
    arguments_key(arguments, bucket, "day", name);
}

void arguments_text(struct arguments *arguments, const char *text)
{
    add(arguments, text ? text : "", text ? strlen(text) : 0);
}

void arguments_number(struct arguments *arguments, int64_t number)
{
    size_t from = arguments->used;
    put_number(arguments, number);
    add_put(arguments, from);
}

void arguments_origin(struct arguments *arguments, const struct origin *origin)
{
    size_t from = arguments->used;
    must(origin->topic[0] && origin->partition >= 0 && origin->offset >= 0);
    put_text(arguments, origin->topic);
    put(arguments, "/", 1);
    put_number(arguments, origin->partition);
    put(arguments, "@", 1);
    put_number(arguments, origin->offset);
    add_put(arguments, from);
}

void arguments_quote(struct arguments *arguments, const struct quote *quote)
{
    size_t from = arguments->used;
    put_number(arguments, quote->units);
    put(arguments, " ", 1);
    put_word(arguments, quote->model);
    put(arguments, " ", 1);
    put_word(arguments, quote->policy_version);
    add_put(arguments, from);
}

void arguments_balance(struct arguments *arguments, const struct balance *balance)
{
    const int64_t parts[] = { balance->granted, balance->available, balance->reserved, balance->spent };
    size_t from = arguments->used;
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            put(arguments, " ", 1);
        put_number(arguments, parts[i]);
    }
    add_put(arguments, from);
}
