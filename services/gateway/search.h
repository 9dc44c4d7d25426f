/* One word looked for in all that the view holds: ids of any kind, a place in Kafka, words of a prompt. */
#ifndef GATEWAY_SEARCH_H
#define GATEWAY_SEARCH_H

#include "gateway/view.h"

/* What was found, in the order in which it is told: exact ids before words. */
enum hit_kind { HIT_USER, HIT_GENERATION, HIT_TASK, HIT_KEY, HIT_RECORD, HIT_GRANT, HIT_LETTER, HIT_PROMPT,
                HIT_KINDS };
extern const char *const HIT_NAMES[HIT_KINDS];

/* Lent by the view; what a hit of its kind does not have is NULL. exact: the whole id, not a part of it. */
struct hit {
    enum hit_kind kind;
    bool exact;
    const struct user *user;
    const struct generation *generation;
    const struct letter *letter;
};

/* Up to most hits, those of users and generations newest first; how many there are. words: not empty. With
 * the view's lock held; looks at all of it. */
size_t search_view(const struct view *view, const char *words, struct hit *hits, size_t most);

#endif
