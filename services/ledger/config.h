/* Settings of the ledger. */
#ifndef LEDGER_CONFIG_H
#define LEDGER_CONFIG_H

#include "worker/settings.h"

struct ledger_settings {
    struct worker_settings worker;       /* first: WORKER_PARAMS points into it */
    struct redis_settings redis;
    int64_t batch_records, commit_every_ms;
    int64_t guard_every_ms;
    int64_t journaled_every_ms;
};
extern const struct param LEDGER_PARAMS[];

#endif
