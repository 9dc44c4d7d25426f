/* The sandbox's settings. */
#ifndef SANDBOX_CONFIG_H
#define SANDBOX_CONFIG_H

#include <stdint.h>

struct sandbox_config {
    const char *address, *log_level, *public_url, *key, *faults;
    int64_t run_ms, run_jitter, pending_ms, concurrency, daily, credits, fail_ratio, url_expiry, retention;
};

/* Complete and checked, or exit 2. */
struct sandbox_config sandbox_config_read(int argc, char **argv);

#endif
