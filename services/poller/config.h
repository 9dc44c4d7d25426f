/* Settings of the poller. */
#ifndef POLLER_CONFIG_H
#define POLLER_CONFIG_H

#include <stdbool.h>

#include "worker/provider.h"
#include "worker/settings.h"

struct poller_settings {
    struct worker_settings worker;       /* first: WORKER_PARAMS points into it */
    struct provider_settings provider;
    const char *policy_path;
    int64_t max_in_flight, looks_per_second, look_every_ms, look_timeout_ms, missing_confirm_ms;
    bool missing_tasks_end;
    int64_t progress_step, progress_every_ms;
    int64_t revoke_ms, rewrite_after_ms, commit_every_ms;
};
extern const struct param POLLER_PARAMS[];

#endif
