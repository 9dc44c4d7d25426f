/* What a user has and what a generation costs, as values. */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

/* tokens; granted = available + reserved + spent */
struct balance { int64_t granted, available, reserved, spent; };
struct quote {
    char model[65];
    int64_t units;                   /* what the price counts: 1 when flat, seconds when per second */
    int64_t tokens;                  /* the price: 1..2^31-1 */
    char policy_version[65];
};

bool balance_adds_up(const struct balance *balance);

#endif
