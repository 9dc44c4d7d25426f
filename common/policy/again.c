#include "base/log.h"
#include "policy/policy.h"

bool policy_again(struct policy **policy, const char *path)
{
    char error[POLICY_ERROR_BYTES];
    struct policy *fresh = policy_read(path, error);
    if (!fresh) {
        log_error("policy_refused", LOG_TEXT("path", path), LOG_TEXT("reason", error),
                  LOG_TEXT("kept", policy_version(*policy)));
        return false;
    }
    policy_free(policy);
    *policy = fresh;
    log_info("policy_read", LOG_TEXT("path", path), LOG_TEXT("version", policy_version(fresh)));
    return true;
}
