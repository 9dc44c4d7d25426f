/* The bench on which accounts are tested: a redis-server, a struct tokens on it with one bucket (number 0, so
 * that keys are easy to name), and each call as a batch of its own. Everything asserts that it worked. */
#ifndef TOKENS_TEST_BENCH_H
#define TOKENS_TEST_BENCH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/redis_server.h"
#include "tokens/audit.h"
#include "tokens/recovery.h"
#include "tokens/tokens.h"

enum { NOW = 1763878493 };               /* seconds; at_ms are NOW * 1000 plus a little */
#define AT(ms) (INT64_C(1000) * NOW + (ms))

struct bench {
    struct redis_server *server;
    struct tokens *tokens;
    struct tokens_batch *batch;
};
extern struct bench bench;

void bench_start(void);                  /* fixture: everything up, bucket 0 verified */
void bench_stop(void);
struct tokens *bench_open(int32_t partitions, int timeout_ms);       /* one more process, so to speak */
/* begin and verify, on an empty journal */
void bench_verify(struct tokens *tokens, int32_t bucket);

/* One call each; offset is that of partition 0 of its topic. */
struct reserve_answer bench_reserve(const char *user, const char *generation, int64_t offset, int64_t tokens);
struct reserve_answer bench_reserve_full(const struct reservation *reservation);
struct reservation bench_reservation(const char *user, const char *generation, int64_t offset,
                                     int64_t tokens);
struct settle_answer bench_settle(const char *user, const char *generation, int64_t offset, int64_t charge);
struct grant_answer bench_grant(const char *user, const char *grant, int64_t offset, int64_t amount);
void bench_progress(const char *user, const char *generation, const char *status);
enum lookup_outcome bench_lookup(const char *user, const char *generation);

void bench_balance_is(const char *user, int64_t granted, int64_t available, int64_t reserved, int64_t spent);
/* A digest of every key, its type and its value, without expiry times. Two calls give two buffers in turn. */
const char *bench_state(void);
/* The money of bucket 0 in words: users, generations, grants, open holds; without what neither money nor a
 * second answer depends on (views and their marks, the balance before a commit of nothing). */
const char *bench_money_state(void);
/* redis_server_ask */
const char *bench_ask(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
