#include "cli/book.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void book_free(struct book *book)
{
    names_free(&book->users);
    names_free(&book->generations);
    names_free(&book->grants);
    free(book->balances);
    free(book->holds);
    free(book->grant_amounts);
    *book = (struct book){ 0 };
}

/* The number of name, and whether it is new; rows (of width bytes) grow with the names, new ones are zero. */
static size_t row_number(struct names *names, const char *name, void **rows, size_t width)
{
    size_t before = names->count, room = names->room;
    size_t number = names_add(names, name);
    if (names->room != room)
        *rows = xrealloc(*rows, names->room * width);
    if (names->count != before)
        memset((char *)*rows + number * width, 0, width);
    return number;
}

static size_t user_number(struct book *book, const char *user_id)
{
    void *rows = book->balances;
    size_t number = row_number(&book->users, user_id, &rows, sizeof *book->balances);
    book->balances = rows;
    return number;
}

struct balance *book_balance(struct book *book, const char *user_id)
{
    size_t number = user_number(book, user_id);      /* first: it may move the rows */
    return &book->balances[number];
}

struct book_generation *book_generation(struct book *book, const char *generation_id, const char *user_id)
{
    size_t before = book->generations.count;
    void *rows = book->holds;
    size_t number = row_number(&book->generations, generation_id, &rows, sizeof *book->holds);
    book->holds = rows;
    if (book->generations.count != before) {
        size_t user = user_number(book, user_id);
        book->holds[number].user = user;
    }
    return &book->holds[number];
}

int64_t *book_grant(struct book *book, const char *grant_id)
{
    void *rows = book->grant_amounts;
    size_t number = row_number(&book->grants, grant_id, &rows, sizeof *book->grant_amounts);
    book->grant_amounts = rows;
    return &book->grant_amounts[number];
}

static enum fold fold_grant(struct book *book, const struct event *entry)
{
    if (!entry->grant_id)
        return FOLD_INCOMPLETE;
    int64_t known = names_find(&book->grants, entry->grant_id);
    if (known != NAME_NONE)
        return book->grant_amounts[known] == entry->amount ? FOLD_REPEATED : FOLD_CONTRADICTS;
    *book_grant(book, entry->grant_id) = entry->amount;
    struct balance *balance = book_balance(book, entry->user_id);
    balance->granted += entry->amount;
    balance->available += entry->amount;
    return FOLD_APPLIED;
}

static enum fold fold_reserve(struct book_generation *hold, struct balance *balance, int64_t amount)
{
    if (hold->held_seen)
        return hold->held == amount ? FOLD_REPEATED : FOLD_CONTRADICTS;
    hold->held_seen = true;
    hold->held = amount;
    balance->available -= amount;
    balance->reserved += amount;
    return FOLD_APPLIED;
}

/* A commit or a release: part is that of the hold, goes_to that of the balance. Each comes once, and never
 * with amount 0. */
static enum fold fold_end(int64_t *part, int64_t *goes_to, struct balance *balance, int64_t amount)
{
    if (*part > 0)
        return *part == amount ? FOLD_REPEATED : FOLD_CONTRADICTS;
    *part = amount;
    balance->reserved -= amount;
    *goes_to += amount;
    return FOLD_APPLIED;
}

static enum fold fold_generation(struct book *book, const struct event *entry)
{
    if (!entry->generation_id || entry->amount <= 0)
        return FOLD_INCOMPLETE;
    struct book_generation *hold = book_generation(book, entry->generation_id, entry->user_id);
    if (strcmp(book->users.rows[hold->user], entry->user_id) != 0)
        return FOLD_CONTRADICTS;
    struct balance *balance = &book->balances[hold->user];
    if (strcmp(entry->kind, "reserve") == 0)
        return fold_reserve(hold, balance, entry->amount);
    if (strcmp(entry->kind, "commit") == 0)
        return fold_end(&hold->committed, &balance->spent, balance, entry->amount);
    return fold_end(&hold->released, &balance->available, balance, entry->amount);
}

enum fold book_fold(struct book *book, const struct event *entry)
{
    static const char *const of_generations[] = { "reserve", "commit", "release" };
    if (strcmp(entry->kind, "open") == 0)
        return FOLD_OPEN_RECORD;
    if (!entry->user_id || entry->amount == EVENT_ABSENT)
        return FOLD_INCOMPLETE;
    if (strcmp(entry->kind, "grant") == 0)
        return fold_grant(book, entry);
    for (int i = 0; i < 3; i++)
        if (strcmp(entry->kind, of_generations[i]) == 0)
            return fold_generation(book, entry);
    return FOLD_INCOMPLETE;
}
