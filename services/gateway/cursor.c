#include "gateway/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cursor_part NONE = { -1, -1 };

/* "3@120" or "-", and its end; NULL when it is neither. */
static const char *read_part(const char *text, struct cursor_part *part)
{
    *part = NONE;
    if (*text == '-')
        return text + 1;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits] != '@')
        return NULL;
    part->partition = (int32_t)strtol(text, NULL, 10);
    text += digits + 1;
    digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18)
        return NULL;
    part->offset = strtoll(text, NULL, 10);
    return text + digits;
}

bool cursor_part_parse(const char *text, struct cursor_part *part)
{
    const char *end = read_part(text, part);
    return end && *end == '\0' && part->partition >= 0;
}

bool cursor_parse(const char *text, struct cursor *cursor)
{
    const char *at = read_part(text, &cursor->results);
    if (!at || *at != ',')
        return false;
    at = read_part(at + 1, &cursor->journal);
    cursor->given = at && *at == '\0';
    return cursor->given;
}

static void write_part(const struct cursor_part *part, char out[CURSOR_BYTES / 2])
{
    if (part->partition < 0)
        snprintf(out, CURSOR_BYTES / 2, "-");
    else
        snprintf(out, CURSOR_BYTES / 2, "%" PRId32 "@%" PRId64, part->partition, part->offset);
}

void cursor_format(const struct cursor *cursor, char out[CURSOR_BYTES])
{
    char results[CURSOR_BYTES / 2], journal[CURSOR_BYTES / 2];
    write_part(&cursor->results, results);
    write_part(&cursor->journal, journal);
    snprintf(out, CURSOR_BYTES, "%.38s,%.38s", results, journal);
}

static struct cursor_part *part_of(struct cursor *cursor, enum topic topic)
{
    return topic == TOPIC_RESULTS ? &cursor->results : &cursor->journal;
}

void cursor_now(struct cursor *cursor, const struct user *user)
{
    static const enum topic topics[] = { TOPIC_RESULTS, TOPIC_JOURNAL };
    *cursor = (struct cursor){ .given = true, .results = NONE, .journal = NONE };
    for (size_t t = 0; t < sizeof topics / sizeof topics[0]; t++)
        if (user->dropped[topics[t]] >= 0)
            *part_of(cursor, topics[t]) = (struct cursor_part){ user->dropped_partition[topics[t]],
                                                                user->dropped[topics[t]] };
    for (const struct fact *fact = user->oldest; fact; fact = fact->next)
        if (fact->topic == TOPIC_RESULTS || fact->topic == TOPIC_JOURNAL)
            cursor_pass(cursor, fact);
}

bool cursor_is_behind(const struct cursor *cursor, const struct fact *fact)
{
    const struct cursor_part *part = part_of((struct cursor *)cursor, fact->topic);
    return part->partition != fact->partition || fact->offset > part->offset;
}

void cursor_pass(struct cursor *cursor, const struct fact *fact)
{
    *part_of(cursor, fact->topic) = (struct cursor_part){ fact->partition, fact->offset };
}

static bool part_is_lost(const struct cursor_part *part, const struct view *view, const struct user *user,
                         enum topic topic)
{
    if (part->partition < 0)
        return user->dropped[topic] >= 0;
    return user->dropped[topic] > part->offset
        || view_floor_of(view, topic, part->partition) > part->offset + 1;
}

bool cursor_is_lost(const struct cursor *cursor, const struct view *view, const struct user *user)
{
    return part_is_lost(&cursor->results, view, user, TOPIC_RESULTS)
        || part_is_lost(&cursor->journal, view, user, TOPIC_JOURNAL);
}

bool cursor_is_overtaken(const struct cursor *cursor, const struct user *user)
{
    return user->dropped[TOPIC_RESULTS] > cursor->results.offset
        || user->dropped[TOPIC_JOURNAL] > cursor->journal.offset;
}
