#include "runway/classify.h"

#include <string.h>

#include "base/planted.h"

bool status_is_success(int status)
{
    return status >= 200 && status <= 299;
}

bool status_is_operators_trouble(int status)
{
    return status == 401 || status == 403;
}

/* A refusal in words. 408 and 409 are none: the first may come from a proxy that had handed the request on,
 * the second may be about the task that this very request made. */
static bool status_is_refusal(int status)
{
    return status >= 400 && status <= 499 && status != 408 && status != 409;
}

enum runway_created classify_create(const struct create_facts *facts)
{
    switch (facts->end) {
    case HTTP_NOT_SENT: return RUNWAY_NOT_MADE;
    case HTTP_UNKNOWN: return RUNWAY_UNKNOWN;
    case HTTP_ANSWERED: break;
    }
    if (status_is_success(facts->status)) return facts->has_task_id ? RUNWAY_SUBMITTED : RUNWAY_UNKNOWN;
    if (facts->status == 429 || facts->status == 503) return RUNWAY_NOT_MADE;
    if (status_is_operators_trouble(facts->status)) return RUNWAY_OPERATOR;
    if (facts->status == 400 && facts->no_credits) return RUNWAY_OPERATOR;
    if (planted(UNKNOWN_IS_NOT_MADE) && !status_is_refusal(facts->status)) return RUNWAY_NOT_MADE;
    return status_is_refusal(facts->status) ? RUNWAY_REFUSED : RUNWAY_UNKNOWN;
}

enum runway_look classify_look(enum http_end end, int status, bool readable)
{
    if (end != HTTP_ANSWERED) return RUNWAY_LATER;
    if (status_is_success(status)) return readable ? RUNWAY_TASK : RUNWAY_LATER;
    if (status == 404) return RUNWAY_MISSING;
    return status_is_operators_trouble(status) ? RUNWAY_LOOK_OPERATOR : RUNWAY_LATER;
}

enum runway_status status_of_text(const char *text)
{
    static const char *const names[] = {
        [RUNWAY_THROTTLED] = "THROTTLED", [RUNWAY_PENDING] = "PENDING", [RUNWAY_RUNNING] = "RUNNING",
        [RUNWAY_SUCCEEDED] = "SUCCEEDED", [RUNWAY_FAILED] = "FAILED", [RUNWAY_CANCELLED] = "CANCELLED" };
    for (int i = 0; i < RUNWAY_STATUS_UNKNOWN; i++)
        if (strcmp(text, names[i]) == 0) return (enum runway_status)i;
    return RUNWAY_STATUS_UNKNOWN;
}
