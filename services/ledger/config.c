#include "ledger/config.h"

#include <stddef.h>

#define AT(member) offsetof(struct ledger_settings, member)

const struct param LEDGER_PARAMS[] = {
    REDIS_PARAMS(struct ledger_settings, redis),
    { .name = "batch_records", .type = PARAM_COUNT, .fallback = "2000", .least = "1", .most = "10000",
      .offset = AT(batch_records), .unit = "records",
      .meaning = "How many results and grants at most are settled in one transaction." },
    COMMIT_EVERY_PARAM(struct ledger_settings),
    { .name = "guard_every_ms", .type = PARAM_MS, .fallback = "250", .least = "50", .most = "10s",
      .offset = AT(guard_every_ms), .unit = "ms",
      .meaning = "How often each bucket of this instance is checked against the Redis server it lives in." },
    { .name = "journaled_every_ms", .type = PARAM_MS, .fallback = "1s", .least = "100", .most = "60s",
      .offset = AT(journaled_every_ms), .unit = "ms",
      .meaning = "How often a bucket's mark of what the journal and Redis share is moved forward." },
    { .name = NULL },
};
