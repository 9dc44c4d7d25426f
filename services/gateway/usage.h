/* Numbers per hour: tokens and generations by model, and why generations did not get to a video. Values
 * only. */
#ifndef GATEWAY_USAGE_H
#define GATEWAY_USAGE_H

#include <stddef.h>
#include <stdint.h>

enum { HOUR_MS = 3600 * 1000, USAGE_HOURS_MAX = 744 };

/* Columns of a row: wire name, CSV name. */
#define USAGE_COUNTS(COUNT) \
    COUNT(RESERVED_TOKENS, "reservedTokens") COUNT(COMMITTED_TOKENS, "committedTokens") \
    COUNT(RELEASED_TOKENS, "releasedTokens") COUNT(REJECTED_TOKENS, "rejectedTokens") \
    COUNT(REQUESTED, "requested") COUNT(ACCEPTED, "accepted") COUNT(REJECTED, "rejected") \
    COUNT(SUBMITTED, "submitted") COUNT(COMPLETED, "completed") COUNT(FAILED, "failed") \
    COUNT(CANCELLED, "cancelled") COUNT(GRANTED_TOKENS, "grantedTokens")
enum usage_count {
#define USAGE_ENUM(name, wire) USAGE_##name,
    USAGE_COUNTS(USAGE_ENUM)
#undef USAGE_ENUM
    USAGE_COUNT
};
extern const char *const USAGE_NAMES[USAGE_COUNT];

struct usage_row { int64_t hour; char model[65]; int64_t counts[USAGE_COUNT]; };
struct usage_reason { int64_t hour; const char *status; char code[64], failure_code[128]; int64_t count; };

/* hour: whole hours since 1970. Each hour has a slot; a newer one takes it over after USAGE_HOURS_MAX, and
 * what is older than that is not counted. */
struct usage_hour {
    int64_t hour;
    struct usage_row *rows; size_t row_count;
    struct usage_reason *reasons; size_t reason_count;
};
struct usage { struct usage_hour hours[USAGE_HOURS_MAX]; };              /* zero-initialise it */

void usage_add(struct usage *usage, int64_t at_ms, const char *model, enum usage_count count, int64_t amount);
/* status: a constant */
void usage_reason(struct usage *usage, int64_t at_ms, const char *status, const char *code,
                  const char *failure_code);
void usage_free(struct usage *usage);

/* The rows of from_ms and later, whole hours or days (UTC), summed, oldest first. model: NULL for all,
 * each in a row of its own. Given: free. */
struct usage_row *usage_sum(const struct usage *usage, int64_t from_ms, int hours_a_row, const char *model,
                            size_t *count);
struct usage_reason *usage_reasons_sum(const struct usage *usage, int64_t from_ms, size_t *count);

#endif
