/* Users take turns: among waiting jobs the next one is that of the user who has waited longest for a turn,
 * and of one user the oldest. Every call is O(1), however many users or jobs wait. Entries live inside
 * their owners. */
#ifndef GENERATOR_TURNS_H
#define GENERATOR_TURNS_H

#include <stdbool.h>
#include <stddef.h>

struct turn_line;            /* one user's waiting jobs, in order */
struct turn { struct turn_line *line; struct turn *older, *newer; };     /* zeroed: waits nowhere */
/* zero it */
struct turns { struct turn_line **lines; struct turn_line *next; size_t line_count, line_room, waiting; };

void turns_free(struct turns *turns);                    /* must be empty */
void turns_add(struct turns *turns, struct turn *turn, const char *user);          /* as the user's newest */
/* it had its turn in vain: the user's oldest */
void turns_add_first(struct turns *turns, struct turn *turn, const char *user);
void turns_remove(struct turns *turns, struct turn *turn);
/* NULL when none waits; the user goes to the end of the round */
struct turn *turns_take(struct turns *turns);

#endif
