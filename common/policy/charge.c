/* What a generation without a video costs. */
#include <string.h>

#include "base/must.h"
#include "policy/rules.h"

/* Whole parts only: SAFETY.INPUT is a prefix of SAFETY.INPUT.TEXT and of itself, not of SAFETY.INPUTS. */
static bool is_prefix(const char *prefix, const char *code)
{
    size_t length = strlen(prefix);
    return strncmp(prefix, code, length) == 0
        && (code[length] == '\0' || code[length] == '.' || prefix[length - 1] == '.');
}

static int64_t percent_of(const struct policy *policy, const char *failure_code)
{
    int64_t percent = policy->otherwise_percent;
    size_t longest = 0;
    for (int i = 0; failure_code && i < policy->charge_count; i++) {
        size_t length = strlen(policy->charges[i].prefix);
        if (length > longest && is_prefix(policy->charges[i].prefix, failure_code)) {
            longest = length;
            percent = policy->charges[i].percent;
        }
    }
    return percent;
}

/* Rounded down: half a token is the user's. Split so that the product can't overflow. */
int64_t policy_charge(const struct policy *policy, const char *failure_code, bool cancelled,
                      int64_t held_tokens)
{
    must(held_tokens >= 0);
    int64_t percent = cancelled ? policy->cancelled_percent : percent_of(policy, failure_code);
    return held_tokens / 100 * percent + held_tokens % 100 * percent / 100;
}
