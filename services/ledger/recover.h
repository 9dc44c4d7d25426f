/* Recovery (design section 9; hazards R1: what Redis has acknowledged may be gone, and comes back from the journal before
 * anything is admitted on it): the ledger instance that holds journal partition b in the group `recovery` guards bucket b.
 * It checks every bucket against the server it lives in, replays the journal where Redis forgot, and moves `journaled`
 * forward behind the journal's tail. One call of recover_turn does a bounded slice of work and waits for nothing. */
#ifndef LEDGER_RECOVER_H
#define LEDGER_RECOVER_H

#include "tokens/recovery.h"
#include "worker/health.h"
#include "worker/outbox.h"
#include "worker/settings.h"

struct recover;

struct recover_config {
    const struct worker_settings *worker;
    struct tokens *tokens;               /* of its own: its calls must not mix with a batch's pipeline */
    struct metrics *metrics;
    struct health *health;
    int64_t guard_every_ms, journaled_every_ms, dedupe_window_ms;
};

struct recover *recover_open(const struct recover_config *config);
/* NONE, or RESTART: the journal itself is not whole (retention shortened, an entry that can't be read). Already logged. */
enum trouble recover_turn(struct recover *recover);
/* A batch was answered "unverified": look at the buckets now, not at the next beat. */
void recover_hurry(struct recover *recover);
bool recover_busy(const struct recover *recover);        /* some bucket is being recovered: turn again soon */
bool recover_rebuilds(const struct recover *recover, int32_t bucket);    /* this one, here */
void recover_close(struct recover **recover);

#endif
