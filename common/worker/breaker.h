/* The breaker for trouble that only the operator can end (a key that was revoked, an account without
 * credit). While it is open nothing is asked of the provider but its probe, which costs nothing. A good
 * probe does not prove that the next call will be taken (the account may hold a little credit), so then
 * calls go one at a time until one is. Values only: the caller owns the clock (monotonic) and tells the
 * operator. */
#ifndef WORKER_BREAKER_H
#define WORKER_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backoff.h"

enum breaker_state {
    BREAKER_CLOSED,      /* all is well */
    BREAKER_OPEN,        /* nothing but probes */
    BREAKER_TRYING,      /* a probe was good: one call at a time */
};

struct breaker {
    enum breaker_state state;
    struct backoff probes;
    int64_t probe_at_ms, tripped_at_ms, former_open_ms;
    bool probing;
};

void breaker_init(struct breaker *breaker, int64_t probe_first_ms, int64_t probe_most_ms);
/* true: it was not open before: tell the operator */
bool breaker_trip(struct breaker *breaker, int64_t now_ms);
/* a call was taken. true: this closed it */
bool breaker_passed(struct breaker *breaker, int64_t now_ms);
bool breaker_allows(const struct breaker *breaker, size_t calls_open);
/* true once when a probe is to be sent; then breaker_probed tells how it ended. */
bool breaker_probe_due(struct breaker *breaker, int64_t now_ms);
void breaker_probed(struct breaker *breaker, bool good, int64_t now_ms);
/* until the next probe */
int64_t breaker_wait_ms(const struct breaker *breaker, int64_t now_ms, int64_t most_ms);
/* For how long in all it has not been closed: users' clocks stand still meanwhile. */
int64_t breaker_open_ms(const struct breaker *breaker, int64_t now_ms);

#endif
