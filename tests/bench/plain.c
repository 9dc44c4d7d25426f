/* The plain pipelined rate of the account's own scripts: what Redis gives when nobody decodes, encodes or commits. The worker's
 * throughput is printed beside it, from the same run on the same Redis, since these machines are noisy.
 *
 *     bench-plain REDIS_URL PARTITIONS reserve|settle FIRST COUNT
 *
 * Holds (or settles) one token for each of COUNT generations plain-<FIRST>..., of users plain-00 to plain-49, in pipelines of
 * 2,000 as the workers send them. The users must have the tokens. Prints one JSON object: calls, seconds, rate. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "tokens/tokens.h"

enum { PIPELINE = 2000, USERS = 50 };

static void reserve(struct tokens_batch *batch, long number, const char *user, const char *generation)
{
    const struct reservation reservation = {
        .user_id = user, .generation_id = generation, .origin = { "bench", 0, number },
        .fingerprint = "00112233445566778899aabbccddeeff",
        .quote = { .model = "gen4.5", .units = 1, .tokens = 1, .policy_version = "bench" }, .at_ms = clock_wall_ms() };
    tokens_reserve(batch, &reservation);
}

static void settle(struct tokens_batch *batch, long number, const char *user, const char *generation)
{
    const struct settlement settlement = {
        .user_id = user, .generation_id = generation, .origin = { "bench-results", 0, number },
        .charge_tokens = SETTLE_ALL, .at_ms = clock_wall_ms(), .status = "completed",
        .view = "{\"taskId\":\"0192d3e0-0000-7000-8000-000000000000\",\"output\":[\"https://example.com/video.mp4\"]}" };
    tokens_settle(batch, &settlement);
}

static bool pipeline(struct tokens_batch *batch, bool settles, long first, long count)
{
    char user[16], generation[32];
    tokens_batch_clear(batch);
    for (long i = first; i < first + count; i++) {
        snprintf(user, sizeof user, "plain-%02ld", i % USERS);
        snprintf(generation, sizeof generation, "plain-%ld", i);
        (settles ? settle : reserve)(batch, i, user, generation);
    }
    if (tokens_batch_receive(batch) != TROUBLE_NONE)
        return false;
    for (long i = 0; i < count; i++) {
        struct reserve_answer held;
        struct settle_answer settled;
        if (settles)
            tokens_settle_answer(batch, (size_t)i, &settled);
        else
            tokens_reserve_answer(batch, (size_t)i, &held);
        if (settles ? settled.outcome != SETTLE_DONE : held.outcome != RESERVE_HELD) {
            fprintf(stderr, "bench-plain: call %ld was not answered as a first one\n", first + i);
            exit(EXIT_FAILURE);
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    char error[200];
    if (argc != 6) {
        fprintf(stderr, "usage: bench-plain REDIS_URL PARTITIONS reserve|settle FIRST COUNT\n");
        return 2;
    }
    log_open("bench-plain", "0", LOG_LEVEL_WARN);
    struct tokens *tokens = tokens_open(&(struct tokens_config){ .redis_url = argv[1], .timeout_ms = 10000,
        .dedupe_window_ms = 7 * 86400000LL, .refusal_window_ms = 3600000 }, error);
    if (!tokens) {
        fprintf(stderr, "bench-plain: %s\n", error);
        return 2;
    }
    tokens_partitions(tokens, (int32_t)strtol(argv[2], NULL, 10));
    const bool settles = strcmp(argv[3], "settle") == 0;
    const long first = strtol(argv[4], NULL, 10), count = strtol(argv[5], NULL, 10);
    struct tokens_batch *batch = tokens_batch_open(tokens);
    int64_t began_us = clock_mono_us();
    for (long done = 0, failures = 0; done < count;) {
        long now = count - done < PIPELINE ? count - done : PIPELINE;
        if (pipeline(batch, settles, first + done, now)) {
            done += now;
        } else if (++failures > 20) {        /* the first try of a fresh process may only learn what is verified */
            fprintf(stderr, "bench-plain: Redis does not answer\n");
            return EXIT_FAILURE;
        }
    }
    double seconds = (double)(clock_mono_us() - began_us) / 1e6;
    printf("{\"calls\":%ld,\"seconds\":%.3f,\"rate\":%.0f}\n", count, seconds, (double)count / seconds);
    tokens_batch_close(&batch);
    tokens_close(&tokens);
    return EXIT_SUCCESS;
}
