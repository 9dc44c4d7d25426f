/* Settings of the generator. */
#ifndef GENERATOR_CONFIG_H
#define GENERATOR_CONFIG_H

#include "worker/provider.h"
#include "worker/settings.h"

struct generator_settings {
    struct worker_settings worker;       /* first: WORKER_PARAMS points into it */
    struct provider_settings provider;
    const char *policy_path, *unknown_submission;
    int64_t max_in_flight, max_waiting, max_submissions, limits_every_ms, unknown_hold_ms;
    int64_t create_timeout_ms, revoke_ms, orphan_hold_ms, rewrite_after_ms, commit_every_ms;
};
extern const struct param GENERATOR_PARAMS[];

#endif
