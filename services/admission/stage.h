/* Admission as a stage of the batch worker: decodes, asks the account, writes the outputs, counts and
 * logs. */
#ifndef ADMISSION_STAGE_H
#define ADMISSION_STAGE_H

#include "policy/policy.h"
#include "worker/batch.h"

struct admission;

struct admission_config {
    const char *topic_prefix, *policy_path;
    int64_t dedupe_window_ms, default_deadline_ms;
};

/* NULL and one line in error when the policy file is refused. The strings must live on. */
struct admission *admission_open(const struct admission_config *config, char error[POLICY_ERROR_BYTES]);
void admission_close(struct admission **admission);
/* Lent. */
const struct batch_stage *admission_stage(struct admission *admission, struct metrics *metrics);
/* SIGHUP: reads the policy file again; a wrong one is logged and the former one stays. self: struct
 * admission. */
void admission_reload(void *self);

#endif
