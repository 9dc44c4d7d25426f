/* What differs between the journal's books and Redis's, as a list of findings. Pure. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "cli/book.h"

enum finding_kind {
    /* in the journal alone: it stands there for ever */
    FINDING_ENTRY_UNREADABLE,
    FINDING_ENTRY_ELSEWHERE,             /* in a partition that is not its user's bucket */
    FINDING_ENTRY_REPEATED,
    FINDING_ENTRY_CONTRADICTS,
    FINDING_ENTRY_INCOMPLETE,
    FINDING_SETTLED_WITHOUT_HOLD,
    FINDING_SETTLED_MORE_THAN_HELD,
    /* between the two: what is on its way looks like this for a moment */
    FINDING_SETTLED_IN_PART,
    FINDING_BELOW_ZERO,                  /* the journal's available: a grant is missing */
    FINDING_BALANCE,
    FINDING_GENERATION,                  /* another state, or other amounts */
    FINDING_NOT_IN_REDIS,                /* open in the journal, unknown to Redis */
    FINDING_NOT_IN_JOURNAL,              /* an effect without its entry */
    FINDING_HOLD_WITHOUT_ITEM,           /* nobody will end it; or its end waits for the ledger */
    FINDING_ITEM_WITHOUT_HOLD,           /* work that nobody pays for */
    FINDING_GRANT_NOT_IN_REDIS,
    FINDING_GRANT_NOT_IN_JOURNAL,
    FINDING_GRANT,                       /* another amount */
};
enum finding_about { ABOUT_ENTRY, ABOUT_USER, ABOUT_GENERATION, ABOUT_ITEM, ABOUT_GRANT };
enum finding_about finding_about(enum finding_kind kind);
const char *finding_name(enum finding_kind kind);
bool finding_may_pass(enum finding_kind kind);

struct finding {
    enum finding_kind kind;
    int32_t bucket;
    char id[ID_LENGTH_MAX + 1];          /* of the user, generation or grant */
    char journal[96], redis[96];         /* what each of them says; empty: nothing */
};
struct findings { struct finding *rows; size_t count, room; };       /* zero-initialise it */
struct finding *findings_add(struct findings *findings, enum finding_kind kind, int32_t bucket,
                             const char *id);
void findings_free(struct findings *findings);

/* Each adds what it finds about one user, generation or grant, which may be unknown to either book. */
void compare_user(const struct book *journal, const struct book *redis, const char *user_id,
                  struct findings *findings);
void compare_generation(const struct book *journal, const struct book *redis, const char *generation_id,
                        struct findings *findings);
void compare_grant(const struct book *journal, const struct book *redis, const char *grant_id,
                   struct findings *findings);
/* Every user, generation and grant of both. */
void compare_books(const struct book *journal, const struct book *redis, struct findings *findings);

#endif
