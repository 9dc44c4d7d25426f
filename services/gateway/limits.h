/* How often a user may call: a bucket of permits for each, filled evenly. Thread-safe. Of this instance
 * alone. */
#ifndef GATEWAY_LIMITS_H
#define GATEWAY_LIMITS_H

#include <stdint.h>

struct limits;

struct limits *limits_open(int64_t per_minute, int64_t at_once);
void limits_close(struct limits **limits);
/* Takes a permit. 0: taken; else after how many milliseconds there will be one. now_ms: monotonic. */
int64_t limits_take(struct limits *limits, const char *user_id, int64_t now_ms);

#endif
