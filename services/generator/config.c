#include "generator/config.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(struct generator_settings, member)

const struct param GENERATOR_PARAMS[] = {
    PROVIDER_PARAMS(struct generator_settings, provider),
    { .name = "policy", .type = PARAM_PATH, .fallback = "deploy/policy.json", AT(policy_path),
      .meaning = "The policy file; here: what an end without a video is charged. Read again on SIGHUP." },
    { .name = "max_in_flight", .type = PARAM_COUNT, .fallback = "16", .least = "1", .most = "256",
      AT(max_in_flight),
      .unit = "calls", .meaning = "How many create calls may be open to Runway at once, in this process." },
    { .name = "max_waiting", .type = PARAM_COUNT, .fallback = "100000", .least = "100", .most = "10000000",
      AT(max_waiting), .unit = "jobs",
      .meaning = "With so many jobs in memory no more are read until some have ended; the others stay in "
                 "Kafka." },
    { .name = "limits_every_ms", .type = PARAM_MS, .fallback = "60s", .least = "0", .most = "1h",
      AT(limits_every_ms), .unit = "ms",
      .meaning = "How often Runway is asked how many tasks of each model it renders at once: no more are "
                 "submitted, the others wait here, users taking turns. 0: never asked, not bounded." },
    { .name = "unknown_submission", .type = PARAM_CHOICE, .fallback = "fail",
      .choices = "fail|resubmit|hold", AT(unknown_submission),
      .meaning = "When a create call's outcome can't be known: fail releases the tokens, resubmit may pay "
                 "twice, hold keeps the tokens until the operator has looked (reelgate submissions)." },
    { .name = "unknown_hold_ms", .type = PARAM_MS, .fallback = "3d", .least = "1s", .most = "6d",
      AT(unknown_hold_ms), .unit = "ms",
      .meaning = "With hold: how long at most, then it fails; jobs are kept for 7 days." },
    { .name = "max_submissions", .type = PARAM_COUNT, .fallback = "2", .least = "1", .most = "5",
      AT(max_submissions),
      .unit = "calls", .meaning = "With resubmit: how many create calls of one generation may have made a "
                                  "task, in all." },
    { .name = "create_timeout_ms", .type = PARAM_MS, .fallback = "60s", .least = "100", .most = "10m",
      AT(create_timeout_ms), .unit = "ms",
      .meaning = "How long a create call may take; the same in every instance. Runway fetches assets while "
                 "it answers." },
    { .name = "revoke_ms", .type = PARAM_MS, .fallback = "10s", .least = "0", .most = "2m", AT(revoke_ms),
      .unit = "ms",
      .meaning = "How long a rebalance is held up for open create calls to be answered and committed." },
    { .name = "orphan_hold_ms", .type = PARAM_MS, .fallback = "60s", .least = "0", .most = "10m",
      AT(orphan_hold_ms),
      .unit = "ms", .meaning = "How long the answer for a job that was taken away is kept in case the job "
                               "comes back; then "
                               "its task is deleted." },
    COMMIT_EVERY_PARAM(struct generator_settings),
    { .name = "rewrite_after_ms", .type = PARAM_MS, .fallback = "1h", .least = "1s", .most = "24h",
      AT(rewrite_after_ms), .unit = "ms",
      .meaning = "A job that waits for so long is written again at the end of its partition, before "
                 "retention reaches it." },
    { .name = NULL },
};
