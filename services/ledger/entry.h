/* Journal entries: from the account's recorded answers to tokens.entry events, and back to what recovery replays. Pure. */
#ifndef LEDGER_ENTRY_H
#define LEDGER_ENTRY_H

#include "base/text.h"
#include "proto/event.h"
#include "tokens/recovery.h"

/* Fill event (initialised here) from an answer. Strings are lent by the arguments; description is written into scratch. */
void entry_of_commit(const struct settlement *settlement, const struct settle_answer *answer, const char *origin,
                     struct text *scratch, struct event *event);
void entry_of_release(const struct settlement *settlement, const struct settle_answer *answer, const char *origin,
                      struct text *scratch, struct event *event);
void entry_of_grant(const struct grant *grant, const struct grant_answer *answer, const char *origin,
                    const char *description, struct event *event);
void entry_of_open(const struct recovery *recovery, int32_t partitions, int64_t at_ms, struct event *event);

enum entry_read { ENTRY_READ_MONEY, ENTRY_READ_OPEN, ENTRY_READ_BROKEN };
/* What a journal record says. MONEY: *entry is filled, lent by event. OPEN: event->nonce. BROKEN: error says what is missing;
 * nobody but us writes the journal, so this is never skipped: recovery stops there. */
enum entry_read entry_read(const struct event *event, struct recovery_entry *entry, const char **error);

#endif
