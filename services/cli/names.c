#include "cli/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

static uint64_t hash_of(const char *name)      /* FNV-1a */
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 32);
}

/* The slot that holds name, or the free one where it belongs. */
static size_t slot_of(const struct names *names, const char *name)
{
    size_t slot = hash_of(name) & (names->slot_count - 1);
    while (names->slots[slot] && strcmp(names->rows[names->slots[slot] - 1], name) != 0)
        slot = (slot + 1) & (names->slot_count - 1);
    return slot;
}

static void grow_slots(struct names *names)
{
    free(names->slots);
    names->slot_count = names->slot_count > 0 ? names->slot_count * 2 : 64;
    names->slots = xcalloc(names->slot_count, sizeof *names->slots);
    for (size_t i = 0; i < names->count; i++)
        names->slots[slot_of(names, names->rows[i])] = (uint32_t)i + 1;
}

int64_t names_find(const struct names *names, const char *name)
{
    if (names->count == 0)
        return NAME_NONE;
    return (int64_t)names->slots[slot_of(names, name)] - 1;
}

size_t names_add(struct names *names, const char *name)
{
    must(names->count < UINT32_MAX - 1);
    if (2 * (names->count + 1) > names->slot_count)
        grow_slots(names);
    size_t slot = slot_of(names, name);
    if (names->slots[slot])
        return names->slots[slot] - 1;
    if (names->count == names->room) {
        names->room = names->room > 0 ? names->room * 2 : 32;
        names->rows = xrealloc(names->rows, names->room * sizeof *names->rows);
    }
    names->rows[names->count++] = xstrdup(name);
    names->slots[slot] = (uint32_t)names->count;
    return names->count - 1;
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->rows[i]);
    free(names->rows);
    free(names->slots);
    *names = (struct names){ 0 };
}
