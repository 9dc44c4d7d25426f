/* Time. Wall clock is milliseconds since 1970 UTC and goes into messages; monotonic is for waiting, never
 * stored. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { RFC3339_BYTES = 25 };   /* "2026-11-23T05:54:48.123Z" and its NUL */

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
void clock_sleep_ms(int64_t duration_ms);               /* returns early when a signal arrives */
void clock_format(int64_t wall_ms, char out[RFC3339_BYTES]);
/* RFC 3339 with Z or a numeric offset, 0 to 9 digits of fraction. false: not a time; *wall_ms untouched. */
bool clock_parse(const char *text, int64_t *wall_ms);

#endif
