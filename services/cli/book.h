/* The books of one bucket, as values: who has what, and what each generation holds. One is made by folding
 * the journal, another is read from Redis; compared, they must be the same (design, section 9). Pure. */
#ifndef CLI_BOOK_H
#define CLI_BOOK_H

#include "cli/names.h"

#include "base/money.h"
#include "proto/event.h"

struct book_generation {
    size_t user;                 /* number in users */
    bool held_seen;              /* its reserve was seen; false: only its end */
    /* tokens; open as long as the last two don't add up to the first */
    int64_t held, committed, released;
};

struct book {                    /* zero-initialise it */
    struct names users;       struct balance *balances;                /* by number of the user */
    struct names generations; struct book_generation *holds;           /* by number of the generation */
    struct names grants;      int64_t *grant_amounts;
};
void book_free(struct book *book);

/* The row of a user, generation or grant, made when it is not there. The pointer is good until the next
 * call. */
struct balance *book_balance(struct book *book, const char *user_id);
struct book_generation *book_generation(struct book *book, const char *generation_id, const char *user_id);
int64_t *book_grant(struct book *book, const char *grant_id);          /* its amount */

/* Applies one journal entry by its entity: what is there already is not applied again, and the journal's
 * first word on it stands. Sums don't depend on the order between generations. */
enum fold {
    FOLD_APPLIED,
    FOLD_OPEN_RECORD,            /* of a recovery: moves nothing */
    FOLD_REPEATED,               /* the same entry a second time */
    FOLD_CONTRADICTS,            /* the same entity with another user or amount */
    FOLD_INCOMPLETE,             /* a field that its kind needs is missing, or a kind that we don't know */
};
enum fold book_fold(struct book *book, const struct event *entry);

#endif
