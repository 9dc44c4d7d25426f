/* What follows from the account's recorded answers: journal entries, the acceptance, the job; and from entries back to what
 * recovery replays. Whoever writes one of them writes it from here, also when it is written again by a repair. Pure. */
#ifndef WORKER_ENTRY_H
#define WORKER_ENTRY_H

#include "base/text.h"
#include "proto/event.h"
#include "tokens/recovery.h"

/* Fill event (initialised here) from an answer. Strings are lent by the arguments; description is written into scratch. */
void entry_of_reserve(const struct reservation *reservation, const struct reserve_answer *answer, const char *origin,
                      struct text *scratch, struct event *event);
void entry_of_commit(const struct settlement *settlement, const struct settle_answer *answer, const char *origin,
                     struct text *scratch, struct event *event);
void entry_of_release(const struct settlement *settlement, const struct settle_answer *answer, const char *origin,
                      struct text *scratch, struct event *event);
void entry_of_grant(const struct grant *grant, const struct grant_answer *answer, const char *origin,
                    const char *description, struct event *event);
void entry_of_open(const struct recovery *recovery, int32_t partitions, int64_t at_ms, struct event *event);

/* Of a hold: generation.accepted, and the job. The job follows the recorded quote, not the policy of this moment: the model is
 * the recorded one, and where the policy does not take the request any more its own wishes stand. */
struct acceptance {
    const struct event *asked;               /* the request */
    const struct reserve_answer *answer;
    const char *ratio;                       /* what the policy makes of the request; NULL or "": nothing */
    int64_t duration_seconds;                /* the same; 0: nothing */
    int64_t default_deadline_ms;
};
void acceptance_accepted(const struct acceptance *from, struct event *event);
void acceptance_job(const struct acceptance *from, struct event *event);

enum entry_read { ENTRY_READ_MONEY, ENTRY_READ_OPEN, ENTRY_READ_BROKEN };
/* What a journal record says. MONEY: *entry is filled, lent by event. OPEN: event->nonce. BROKEN: error says what is missing;
 * nobody but us writes the journal, so this is never skipped: recovery stops there. */
enum entry_read entry_read(const struct event *event, struct recovery_entry *entry, const char **error);

#endif
