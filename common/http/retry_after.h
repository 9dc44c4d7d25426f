/* The Retry-After header (RFC 9110 10.2.3): seconds, or an HTTP date. Private to common/http; pure. */
#ifndef HTTP_RETRY_AFTER_H
#define HTTP_RETRY_AFTER_H

#include <stdint.h>

/* Milliseconds to wait from now_wall_ms on, at most a day; a date in the past is 0; -1 when value says
 * neither. */
int64_t retry_after_parse(const char *value, int64_t now_wall_ms);

#endif
