#include "worker/due.h"

#include <stdlib.h>

#include "base/must.h"
#include "base/xalloc.h"

static void put(struct due *due, uint32_t place, struct due_node *node)
{
    due->nodes[place - 1] = node;
    node->place = place;
}

static void rise(struct due *due, struct due_node *node)
{
    uint32_t place = node->place;
    while (place > 1 && due->nodes[place / 2 - 1]->at_ms > node->at_ms) {
        put(due, place, due->nodes[place / 2 - 1]);
        place /= 2;
    }
    put(due, place, node);
}

static void sink(struct due *due, struct due_node *node)
{
    uint32_t place = node->place;
    for (uint32_t child; (child = place * 2) <= due->count; place = child) {
        if (child < due->count && due->nodes[child]->at_ms < due->nodes[child - 1]->at_ms)
            child++;
        if (due->nodes[child - 1]->at_ms >= node->at_ms)
            break;
        put(due, place, due->nodes[child - 1]);
    }
    put(due, place, node);
}

void due_free(struct due *due)
{
    free(due->nodes);
    *due = (struct due){ 0 };
}

void due_set(struct due *due, struct due_node *node, int64_t at_ms)
{
    node->at_ms = at_ms;
    if (node->place == 0) {
        must(due->count < UINT32_MAX / 4);
        if (due->count == due->capacity) {
            due->capacity = due->capacity ? due->capacity * 2 : 16;
            due->nodes = xrealloc(due->nodes, due->capacity * sizeof(struct due_node *));
        }
        due->count++;
        put(due, due->count, node);
    }
    must(due->nodes[node->place - 1] == node);
    rise(due, node);
    sink(due, node);
}

void due_unset(struct due *due, struct due_node *node)
{
    if (node->place == 0)
        return;
    uint32_t place = node->place;
    must(place <= due->count && due->nodes[place - 1] == node);
    struct due_node *last = due->nodes[due->count - 1];
    due->count--;
    node->place = 0;
    if (last == node)
        return;
    put(due, place, last);
    rise(due, last);
    sink(due, last);
}

struct due_node *due_first(const struct due *due)
{
    return due->count ? due->nodes[0] : NULL;
}

struct due_node *due_take(struct due *due, int64_t now_ms)
{
    struct due_node *first = due_first(due);
    if (!first || first->at_ms > now_ms)
        return NULL;
    due_unset(due, first);
    return first;
}

int64_t due_wait_ms(const struct due *due, int64_t now_ms, int64_t most_ms)
{
    const struct due_node *first = due_first(due);
    if (!first || first->at_ms >= now_ms + most_ms)
        return most_ms;
    return first->at_ms > now_ms ? first->at_ms - now_ms : 0;
}
