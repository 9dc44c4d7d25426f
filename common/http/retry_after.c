#include "http/retry_after.h"

#include <ctype.h>
#include <string.h>

#include <curl/curl.h>

/* Whoever says more than a day is asked again after a day: a wrong clock there must not stop us for years. */
static const int64_t RETRY_AFTER_MAX_MS = INT64_C(24) * 3600 * 1000;

static int64_t capped(int64_t wait_ms)
{
    if (wait_ms < 0) return 0;
    return wait_ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : wait_ms;
}

static int64_t seconds_parse(const char *digits)
{
    int64_t seconds = 0;
    for (; isdigit((unsigned char)*digits); digits++)
        if (seconds <= RETRY_AFTER_MAX_MS) seconds = seconds * 10 + (*digits - '0');
    while (*digits == ' ' || *digits == '\t') digits++;
    return *digits == '\0' ? capped(seconds * 1000) : -1;
}

int64_t retry_after_parse(const char *value, int64_t now_wall_ms)
{
    while (*value == ' ' || *value == '\t') value++;
    if (isdigit((unsigned char)*value)) return seconds_parse(value);
    /* An HTTP date begins with the name of a day. curl_getdate takes nearly anything, so ask for it. */
    if (!isalpha((unsigned char)*value) || !strchr(value, ' ')) return -1;
    time_t when = curl_getdate(value, NULL);
    return when == (time_t)-1 ? -1 : capped((int64_t)when * 1000 - now_wall_ms);
}
