#include "generator/turns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"

/* A user with at least one waiting job: in a hash chain by name, and in the ring of those who take turns. */
struct turn_line {
    struct turn_line *chained, *before, *after;
    struct turn *oldest, *newest;
    uint64_t hash;
    char user[];
};

/* FNV-1a: ids come through our own validation, and a line is only speed */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static struct turn_line **chain_of(const struct turns *turns, uint64_t hash)
{
    return &turns->lines[hash & (turns->line_room - 1)];
}

static void widen(struct turns *turns)
{
    struct turns old = *turns;
    turns->line_room = old.line_room ? old.line_room * 2 : 16;
    turns->lines = xcalloc(turns->line_room, sizeof(struct turn_line *));
    for (size_t i = 0; i < old.line_room; i++)
        for (struct turn_line *line = old.lines[i], *rest; line; line = rest) {
            rest = line->chained;
            line->chained = *chain_of(turns, line->hash);
            *chain_of(turns, line->hash) = line;
        }
    free(old.lines);
}

/* The user's line; a new one comes last in the round, just before whoever is next. */
static struct turn_line *line_of(struct turns *turns, const char *user)
{
    uint64_t hash = hash_of(user);
    if (turns->line_count >= turns->line_room)
        widen(turns);
    for (struct turn_line *line = *chain_of(turns, hash); line; line = line->chained)
        if (line->hash == hash && strcmp(line->user, user) == 0)
            return line;
    struct turn_line *line = xcalloc(1, sizeof *line + strlen(user) + 1);
    memcpy(line->user, user, strlen(user) + 1);
    line->hash = hash;
    line->chained = *chain_of(turns, hash);
    *chain_of(turns, hash) = line;
    turns->line_count++;
    struct turn_line *next = turns->next ? turns->next : line;
    line->after = next;
    line->before = turns->next ? next->before : line;
    line->before->after = line;
    next->before = line;
    turns->next = next;
    return line;
}

static void line_end(struct turns *turns, struct turn_line *line)
{
    struct turn_line **link = chain_of(turns, line->hash);
    while (*link != line)
        link = &(*link)->chained;
    *link = line->chained;
    line->before->after = line->after;
    line->after->before = line->before;
    if (turns->next == line)
        turns->next = line->after == line ? NULL : line->after;
    turns->line_count--;
    free(line);
}

void turns_free(struct turns *turns)
{
    must(turns->waiting == 0 && turns->line_count == 0);
    free(turns->lines);
    *turns = (struct turns){ 0 };
}

void turns_add(struct turns *turns, struct turn *turn, const char *user)
{
    must(!turn->line);
    struct turn_line *line = line_of(turns, user);
    *turn = (struct turn){ .line = line, .older = line->newest };
    *(line->newest ? &line->newest->newer : &line->oldest) = turn;
    line->newest = turn;
    turns->waiting++;
}

void turns_add_first(struct turns *turns, struct turn *turn, const char *user)
{
    must(!turn->line);
    struct turn_line *line = line_of(turns, user);
    *turn = (struct turn){ .line = line, .newer = line->oldest };
    *(line->oldest ? &line->oldest->older : &line->newest) = turn;
    line->oldest = turn;
    turns->waiting++;
}

void turns_remove(struct turns *turns, struct turn *turn)
{
    struct turn_line *line = turn->line;
    must(line && turns->waiting > 0);
    *(turn->older ? &turn->older->newer : &line->oldest) = turn->newer;
    *(turn->newer ? &turn->newer->older : &line->newest) = turn->older;
    *turn = (struct turn){ 0 };
    turns->waiting--;
    if (!line->oldest)
        line_end(turns, line);
}

struct turn *turns_take(struct turns *turns)
{
    if (!turns->next)
        return NULL;
    struct turn *turn = turns->next->oldest;
    turns->next = turns->next->after;
    turns_remove(turns, turn);
    return turn;
}
