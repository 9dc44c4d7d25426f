/* What is due when: a binary heap of nodes that live inside their owners. Any clock, as long as it is one.
 * Not thread-safe. */
#ifndef WORKER_DUE_H
#define WORKER_DUE_H

#include <stddef.h>
#include <stdint.h>

/* zeroed: in no heap. place: 1 and up, written by the heap only */
struct due_node { int64_t at_ms; uint32_t place; };
struct due { struct due_node **nodes; uint32_t count, capacity; };       /* zero-initialise it */

#define DUE_OWNER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

/* the heap's own memory; its nodes are their owners' */
void due_free(struct due *due);
void due_set(struct due *due, struct due_node *node, int64_t at_ms);     /* puts it in, or moves it */
void due_unset(struct due *due, struct due_node *node);                  /* may be repeated */
struct due_node *due_first(const struct due *due);                       /* NULL when empty */
/* the first one when its time has come; it leaves */
struct due_node *due_take(struct due *due, int64_t now_ms);
/* until the first one, 0 to most_ms */
int64_t due_wait_ms(const struct due *due, int64_t now_ms, int64_t most_ms);

#endif
