/* Settings of admission. */
#ifndef ADMISSION_CONFIG_H
#define ADMISSION_CONFIG_H

#include "worker/settings.h"

struct admission_settings {
    struct worker_settings worker;       /* first: WORKER_PARAMS points into it */
    struct redis_settings redis;
    const char *policy_path;
    int64_t batch_records, linger_ms;
    int64_t default_deadline_ms;
};
extern const struct param ADMISSION_PARAMS[];

#endif
