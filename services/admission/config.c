#include "admission/config.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(struct admission_settings, member)

const struct param ADMISSION_PARAMS[] = {
    REDIS_PARAMS(struct admission_settings, redis),
    { .name = "policy", .type = PARAM_PATH, .fallback = "deploy/policy.json", AT(policy_path),
      .meaning = "The policy file: prices and what models accept. Read again on SIGHUP, refused when wrong." },
    { .name = "batch_records", .type = PARAM_COUNT, .fallback = "2000", .least = "1", .most = "10000",
      AT(batch_records), .unit = "records",
      .meaning = "How many requests at most are decided in one transaction." },
    { .name = "linger_ms", .type = PARAM_MS, .fallback = "2", .least = "0", .most = "1s", AT(linger_ms),
      .unit = "ms",
      .meaning = "How long at most to gather what is already there once a first request has come." },
    { .name = "default_deadline_ms", .type = PARAM_MS, .fallback = "15m", .least = "1s", .most = "24h",
      AT(default_deadline_ms), .unit = "ms",
      .meaning = "How long a generation may take when its request does not say (deadlineSeconds)." },
    { .name = NULL },
};
