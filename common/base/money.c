#include "base/money.h"

#include "base/ids.h"

/* Written so that no sum can overflow, whatever the fields hold: they may come from Redis. */
bool balance_adds_up(const struct balance *balance)
{
    const int64_t parts[] = { balance->available, balance->reserved, balance->spent };
    int64_t sum = 0;
    for (int i = 0; i < 3; i++) {
        if (parts[i] < 0 || parts[i] > TOKENS_MAX)
            return false;
        sum += parts[i];
    }
    return balance->granted == sum && sum <= TOKENS_MAX;
}
