/* The policy file: whatever is read has a price for a bare prompt, whatever is refused has one line that
 * says why. */
#include "policy/policy.h"

#include <string.h>

#include "base/must.h"
#include "fuzz/fuzz.h"

static void check_good(const struct policy *policy)
{
    struct policy_answer answer;
    policy_quote(policy, &(struct policy_request){ .prompt = "x" }, &answer);
    must(answer.allowed && answer.ratio && answer.quote.tokens >= 1 && answer.quote.units >= 1);
    must(strcmp(answer.quote.model, policy_default_model(policy)) == 0);
    must(strcmp(answer.quote.policy_version, policy_version(policy)) == 0);
    policy_quote(policy, &(struct policy_request){ .model = "\n", .prompt = "x" }, &answer);
    must(!answer.allowed && !strchr(answer.message, '\n'));
    int64_t charge = policy_charge(policy, "SAFETY.INPUT.TEXT", false, 7);
    must(charge >= 0 && charge <= 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char error[POLICY_ERROR_BYTES];
    struct policy *policy = policy_parse("file", (const char *)bytes, length, error);
    if (policy) {
        check_good(policy);
    } else {
        must(error[0] != '\0' && memchr(error, '\0', sizeof error));
        for (const char *at = error; *at; at++)
            must(*at >= ' ' && *at < 0x7f);
    }
    policy_free(&policy);
    return 0;
}
