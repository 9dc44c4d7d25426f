#include "base/backoff.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/random.h>

#include "base/must.h"
#include "base/random.h"

void random_bytes(void *out, size_t length)
{
    must(length <= 256);
    ssize_t got;
    do {
        got = getrandom(out, length, 0);
    } while (got < 0 && errno == EINTR);
    must(got == (ssize_t)length);
}

/* splitmix64 over a seed of the thread's own: no lock, no system call after the first. */
uint64_t random_u64(void)
{
    static _Thread_local uint64_t state;
    static _Thread_local bool seeded;
    if (!seeded) {
        random_bytes(&state, sizeof state);
        seeded = true;
    }
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

int64_t jitter_ms(int64_t least_ms, int64_t most_ms)
{
    must(least_ms <= most_ms);
    uint64_t width = (uint64_t)most_ms - (uint64_t)least_ms + 1;
    return width == 0 ? (int64_t)random_u64() : (int64_t)((uint64_t)least_ms + random_u64() % width);
}

int64_t backoff_next_ms(struct backoff *backoff)
{
    must(backoff->first_ms > 0 && backoff->first_ms <= backoff->most_ms);
    int64_t wait_ms = backoff->first_ms;
    for (unsigned i = 0; i < backoff->failures && wait_ms < backoff->most_ms; i++)
        wait_ms = wait_ms > backoff->most_ms / 2 ? backoff->most_ms : wait_ms * 2;
    if (backoff->failures < UINT32_MAX)
        backoff->failures++;
    return jitter_ms(wait_ms - wait_ms / 2, wait_ms);
}

void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}
