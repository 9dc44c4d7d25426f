/* Balances as Redis has them, for many threads. Reads only. */
#ifndef GATEWAY_ACCOUNTS_H
#define GATEWAY_ACCOUNTS_H

#include "gateway/config.h"

#include "tokens/tokens.h"

struct accounts;

/* Ends the process with status 2 on a wrong URL. Does not connect. */
struct accounts *accounts_open(const struct gateway_settings *settings);
void accounts_close(struct accounts **accounts);
/* Before it every call answers RETRY. */
void accounts_partitions(struct accounts *accounts, int32_t journal_partitions);

/* As tokens_balance and tokens_generation. RETRY: Redis away; for a moment after one such answer the next
 * come at once, so that callers don't queue up behind a server that hangs. */
enum trouble accounts_balance(struct accounts *accounts, const char *user_id, struct balance *balance,
                              bool *verified);
enum trouble accounts_generation(struct accounts *accounts, const char *user_id, const char *generation_id,
                                 struct tokens_generation *generation, bool *found);
/* Asks Redis itself. false: away, and why. */
bool accounts_well(struct accounts *accounts, char reason[200]);

#endif
