#include "poller/config.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(struct poller_settings, member)

const struct param POLLER_PARAMS[] = {
    PROVIDER_PARAMS(struct poller_settings, provider),
    { .name = "policy", .type = PARAM_PATH, .fallback = "deploy/policy.json", AT(policy_path),
      .meaning = "The policy file; here: what an end without a video is charged. Read again on SIGHUP." },
    { .name = "max_in_flight", .type = PARAM_COUNT, .fallback = "64", .least = "1", .most = "1024",
      AT(max_in_flight),
      .unit = "calls", .meaning = "How many looks and deletes may be open to Runway at once, in this "
                                  "process." },
    { .name = "looks_per_second", .type = PARAM_COUNT, .fallback = "100", .least = "1", .most = "100000",
      AT(looks_per_second), .unit = "looks", .meaning = "How many looks a second at most, of all tasks of "
                                                        "this process." },
    { .name = "look_every_ms", .type = PARAM_MS, .fallback = "5s", .least = "100", .most = "10m",
      AT(look_every_ms),
      .unit = "ms", .meaning = "The least time between two looks at one task. Runway asks for 5 s or more." },
    { .name = "look_timeout_ms", .type = PARAM_MS, .fallback = "20s", .least = "100", .most = "2m",
      AT(look_timeout_ms),
      .unit = "ms", .meaning = "How long one look or delete may take." },
    { .name = "missing_confirm_ms", .type = PARAM_MS, .fallback = "2m", .least = "100", .most = "1h",
      AT(missing_confirm_ms), .unit = "ms",
      .meaning = "A task that answers 404 ends only when it still does after so long." },
    { .name = "missing_tasks_end", .type = PARAM_BOOL, .fallback = "false", AT(missing_tasks_end),
      .meaning = "End tasks that answer 404 also when many do or none was ever seen with this key. Set it "
                 "only after "
                 "checking that the key belongs to the project of those tasks." },
    { .name = "progress_step", .type = PARAM_COUNT, .fallback = "10", .least = "0", .most = "100",
      AT(progress_step), .unit = "percent",
      .meaning = "How far a render must have come since generation.progressed last told of it; 0: it is never "
                 "told." },
    { .name = "progress_every_ms", .type = PARAM_MS, .fallback = "5s", .least = "0", .most = "1h",
      AT(progress_every_ms), .unit = "ms",
      .meaning = "The least time between two such events of one generation, in whole seconds." },
    { .name = "revoke_ms", .type = PARAM_MS, .fallback = "2s", .least = "0", .most = "2m", AT(revoke_ms),
      .unit = "ms",
      .meaning = "How long a rebalance is held up for open deletes to be answered and committed." },
    COMMIT_EVERY_PARAM(struct poller_settings),
    { .name = "rewrite_after_ms", .type = PARAM_MS, .fallback = "1h", .least = "1s", .most = "24h",
      AT(rewrite_after_ms), .unit = "ms",
      .meaning = "A task that lives for so long is written again at the end of its partition, before "
                 "retention reaches it." },
    { .name = NULL },
};
