/* Exponential backoff with full jitter on the upper half: first_ms, doubled each time up to most_ms, of
 * which a random 50 to 100% is waited. Values only; the caller owns the clock. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff { int64_t first_ms, most_ms; unsigned failures; };

int64_t backoff_next_ms(struct backoff *backoff);   /* how long to wait now; counts one failure */
void backoff_reset(struct backoff *backoff);        /* after a success */
uint64_t random_u64(void);                          /* getrandom-seeded, not for secrets */
int64_t jitter_ms(int64_t least_ms, int64_t most_ms);

#endif
