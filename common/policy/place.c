#include "policy/place.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_CHARACTERS = 40, WORD_BYTES_MAX = 64 };

__attribute__((format(printf, 2, 3)))
static size_t descend(struct place *place, const char *format, ...)
{
    size_t before = place->length;
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(place->path + before, sizeof place->path - before, format, arguments);
    va_end(arguments);
    size_t length = before + (size_t)(added > 0 ? added : 0);
    place->length = length < sizeof place->path ? length : sizeof place->path - 1;
    return before;
}

static bool plain_name(const char *name)
{
    return name[0] != '\0'
           && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name);
}

/* A key of the file may hold anything: in the error line, a question mark stands for what is not printable
 * ASCII. */
static void printable(const char *text, size_t length, char out[SHOWN_CHARACTERS + 4])
{
    size_t shown = length < SHOWN_CHARACTERS ? length : SHOWN_CHARACTERS;
    for (size_t i = 0; i < shown; i++)
        out[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    memcpy(out + shown, length > shown ? "..." : "", length > shown ? 4 : 1);
}

size_t place_enter(struct place *place, const char *name)
{
    char shown[SHOWN_CHARACTERS + 4];
    printable(name, strlen(name), shown);
    return plain_name(name) ? descend(place, ".%s", shown) : descend(place, "[\"%s\"]", shown);
}

size_t place_enter_item(struct place *place, size_t index)
{
    return descend(place, "[%zu]", index);
}

void place_leave(struct place *place, size_t length)
{
    place->length = length;
    place->path[length] = '\0';
}

bool place_member(struct place *place, const struct json *object, const char *name, place_reader *read,
                  void *into)
{
    size_t before = place_enter(place, name);
    bool good = read(place, json_get(object, name), into);
    place_leave(place, before);
    return good;
}

bool place_wrong(struct place *place, const struct json *value, const char *allowed)
{
    if (place->error[0] != '\0')
        return false;
    char shown[SHOWN_CHARACTERS + 4] = "missing";
    if (value) {
        struct text dumped = { 0 };
        json_dump(value, &dumped);
        printable(dumped.bytes, dumped.length, shown);
        text_free(&dumped);
    }
    snprintf(place->error, POLICY_ERROR_BYTES, "%s: %s is %s; allowed is %s", place->file, place->path, shown,
             allowed);
    return false;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

bool place_object(struct place *place, const struct json *value, const char *const *names)
{
    if (json_kind(value) != JSON_OBJECT)
        return place_wrong(place, value, "an object");
    const char *name;
    const struct json *member;
    for (void *at = json_next(value, NULL, &name, &member); at; at = json_next(value, at, &name, &member)) {
        if (is_one_of(name, names))
            continue;
        char allowed[160] = "none of that name, only";
        for (const char *const *known = names; *known; known++) {
            size_t length = strlen(allowed);
            snprintf(allowed + length, sizeof allowed - length, "%s %s", known == names ? "" : ",", *known);
        }
        size_t before = place_enter(place, name);
        place_wrong(place, member, allowed);
        place_leave(place, before);
        return false;
    }
    return true;
}

bool place_integer(struct place *place, const struct json *object, const char *name, int64_t least,
                   int64_t most, int64_t *out)
{
    const struct json *value = json_get(object, name);
    size_t before = place_enter(place, name);
    bool good = json_integer(value, out) && *out >= least && *out <= most;
    if (!good) {
        char allowed[80];
        snprintf(allowed, sizeof allowed, "a whole number from %" PRId64 " to %" PRId64, least, most);
        place_wrong(place, value, allowed);
    }
    place_leave(place, before);
    return good;
}

bool place_word(struct place *place, const struct json *value, const char **out)
{
    size_t length = 0;
    *out = json_string(value, &length);
    bool good = *out && length >= 1 && length <= WORD_BYTES_MAX;
    for (size_t i = 0; good && i < length; i++)
        good = (*out)[i] > ' ' && (*out)[i] < 0x7f && (*out)[i] != '"' && (*out)[i] != '\\';
    return good || place_wrong(place, value, "1 to 64 printable ASCII characters without spaces and quotes");
}
