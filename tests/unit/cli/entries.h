/* Journal entries as rows, and books folded from them. */
#ifndef UNIT_CLI_ENTRIES_H
#define UNIT_CLI_ENTRIES_H

#include <string.h>

#include "cli/book.h"

struct entry_row { const char *kind, *user, *id; int64_t amount; };      /* kind NULL: the end */

static inline enum fold fold_row(struct book *book, const struct entry_row *row)
{
    struct event entry;
    event_init(&entry, EVENT_TOKENS_ENTRY);
    entry.kind = row->kind;
    entry.user_id = row->user;
    entry.amount = row->amount;
    if (strcmp(row->kind, "grant") == 0)
        entry.grant_id = row->id;
    else
        entry.generation_id = row->id;
    return book_fold(book, &entry);
}

static inline void fold_rows(struct book *book, const struct entry_row *rows)
{
    for (; rows->kind; rows++)
        fold_row(book, rows);
}

#endif
