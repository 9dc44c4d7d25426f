#include "worker/breaker.h"

#include "base/must.h"

void breaker_init(struct breaker *breaker, int64_t probe_first_ms, int64_t probe_most_ms)
{
    *breaker = (struct breaker){ .probes = { .first_ms = probe_first_ms, .most_ms = probe_most_ms } };
}

bool breaker_trip(struct breaker *breaker, int64_t now_ms)
{
    if (breaker->state == BREAKER_OPEN)
        return false;
    bool was_closed = breaker->state == BREAKER_CLOSED;
    if (was_closed)
        breaker->tripped_at_ms = now_ms;
    breaker->state = BREAKER_OPEN;
    breaker->probing = false;
    breaker->probe_at_ms = now_ms + backoff_next_ms(&breaker->probes);
    return was_closed;
}

bool breaker_passed(struct breaker *breaker, int64_t now_ms)
{
    /* A call that was under way when the breaker opened says nothing about now. */
    if (breaker->state != BREAKER_TRYING)
        return false;
    breaker->state = BREAKER_CLOSED;
    breaker->former_open_ms += now_ms - breaker->tripped_at_ms;
    backoff_reset(&breaker->probes);
    return true;
}

bool breaker_allows(const struct breaker *breaker, size_t calls_open)
{
    switch (breaker->state) {
    case BREAKER_CLOSED: return true;
    case BREAKER_OPEN:   return false;
    case BREAKER_TRYING: return calls_open == 0;
    }
    unreachable();
}

bool breaker_probe_due(struct breaker *breaker, int64_t now_ms)
{
    if (breaker->state != BREAKER_OPEN || breaker->probing || now_ms < breaker->probe_at_ms)
        return false;
    breaker->probing = true;
    return true;
}

void breaker_probed(struct breaker *breaker, bool good, int64_t now_ms)
{
    if (!breaker->probing)
        return;
    breaker->probing = false;
    if (good)
        breaker->state = BREAKER_TRYING;
    else
        breaker->probe_at_ms = now_ms + backoff_next_ms(&breaker->probes);
}

int64_t breaker_wait_ms(const struct breaker *breaker, int64_t now_ms, int64_t most_ms)
{
    if (breaker->state != BREAKER_OPEN || breaker->probing || breaker->probe_at_ms >= now_ms + most_ms)
        return most_ms;
    return breaker->probe_at_ms > now_ms ? breaker->probe_at_ms - now_ms : 0;
}

int64_t breaker_open_ms(const struct breaker *breaker, int64_t now_ms)
{
    bool closed = breaker->state == BREAKER_CLOSED;
    return breaker->former_open_ms + (closed ? 0 : now_ms - breaker->tripped_at_ms);
}
