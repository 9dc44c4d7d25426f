/* A policy of the tests' own, so that a price changed in deploy/policy.json changes no test. */
#ifndef UNIT_ADMISSION_POLICY_FIXTURE_H
#define UNIT_ADMISSION_POLICY_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/policy.h"

#define POLICY_BEGIN "{\"version\":\"test-1\",\"price\":{\"tokens\":3}," \
    "\"chargePercent\":{\"cancelled\":0,\"otherwise\":0,\"failures\":{}},"
#define POLICY_TEXT_MODEL "{\"promptUnitsMax\":100,\"text\":{\"ratios\":[\"1280:720\",\"720:1280\"]," \
    "\"defaultRatio\":\"1280:720\",\"durations\":{\"least\":2,\"most\":10},\"defaultDuration\":5}}"
#define POLICY_OF_ONE_MODEL POLICY_BEGIN \
    "\"defaultModel\":\"one\",\"models\":{\"one\":" POLICY_TEXT_MODEL "}}"

static struct policy *policy_from(const char *json)
{
    char path[] = "/tmp/reelgate-policy-XXXXXX", error[POLICY_ERROR_BYTES];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(dprintf(fd, "%s", json), 0);
    close(fd);
    struct policy *policy = policy_read(path, error);
    unlink(path);
    ck_assert_msg(policy != NULL, "%s", error);
    return policy;
}

#endif
