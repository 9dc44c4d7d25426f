/* The plain pipelined rate of the account's own scripts: what Redis gives when nobody decodes, encodes or commits. The worker's
 * throughput is printed beside it, from the same run on the same Redis, since these machines are noisy.
 *
 *     bench-plain REDIS_URL PARTITIONS reserve|settle|replay FIRST COUNT
 *
 * Holds (or settles) one token for each of COUNT generations plain-<FIRST>..., of users plain-00 to plain-49, in pipelines of
 * 2,000 as the workers send them. The users must have the tokens. Replay applies COUNT journal entries, a grant for each of a
 * thousand users and then reserve and commit in turn, as a recovery sends them; its buckets are emptied first, and left
 * unverified: end the ledger before. Prints one JSON object: calls, seconds, rate. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "tokens/recovery.h"

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

/* ---- replay */

enum { REPLAY_USERS = 1000, REPLAY_UNDER_WAY = 3000, REPLAY_EACH = 200 };     /* entries a call, as the ledger holds them */

struct names { char user[32], id[48], origin[40]; };

/* Entry number i of the journal that tests/bench/rebuild.py writes: a grant for each user, then reserve and commit in turn, the
 * commit of what was reserved REPLAY_UNDER_WAY generations before. false: there is none. */
static bool replay_entry(long i, struct names *names, struct recovery_entry *entry)
{
    const bool grants = i < REPLAY_USERS, commits = !grants && (i - REPLAY_USERS) % 2 == 1;
    const long number = grants ? i : (i - REPLAY_USERS) / 2 - (commits ? REPLAY_UNDER_WAY : 0);
    if (number < 0)
        return false;
    snprintf(names->user, sizeof names->user, "bench-%04ld", number % REPLAY_USERS);
    if (grants)
        snprintf(names->id, sizeof names->id, "grant-%s", names->user);
    else
        snprintf(names->id, sizeof names->id, "bench-generation-%08ld", number);
    snprintf(names->origin, sizeof names->origin, "bench.%s/0@%ld", commits ? "commit" : "reserve", number);
    *entry = (struct recovery_entry){
        .kind = grants ? ENTRY_GRANT : commits ? ENTRY_COMMIT : ENTRY_RESERVE,
        .user_id = names->user, .id = names->id, .origin = names->origin, .amount_tokens = grants ? 1 << 30 : 1,
        .fingerprint = "00112233445566778899aabbccddeeff",
        .quote = { .model = "gen4.5", .units = 1, .tokens = 1, .policy_version = "bench" },
        .balance = { .granted = 1 << 30, .available = 1 << 30 }, .at_ms = clock_wall_ms() };
    return true;
}

struct shelf { struct recovery recovery; struct names names[REPLAY_EACH]; struct recovery_entry entries[REPLAY_EACH];
               size_t count; };

static void must_be_none(enum trouble trouble)
{
    if (trouble == TROUBLE_NONE)
        return;
    fprintf(stderr, "bench-plain: Redis does not answer, or a ledger recovers meanwhile\n");
    exit(EXIT_FAILURE);
}

static void empty_shelf(struct tokens *tokens, struct shelf *shelf)
{
    if (shelf->count > 0)
        must_be_none(recovery_replay(tokens, &shelf->recovery, shelf->entries, shelf->count));
    shelf->count = 0;
}

/* *count: of the entries asked for, and then of those that were there. */
static double replay_seconds(struct tokens *tokens, long *count)
{
    const long end = *count;
    const int32_t buckets = tokens_count(tokens);
    struct shelf *shelves = xcalloc((size_t)buckets, sizeof *shelves);
    struct recovery **recoveries = xcalloc((size_t)buckets, sizeof *recoveries);
    uint64_t cursor = 0;
    int32_t differs;
    for (int32_t b = 0; b < buckets; b++) {
        must_be_none(recovery_begin(tokens, b, &shelves[b].recovery));
        recoveries[b] = &shelves[b].recovery;
    }
    do
        must_be_none(recovery_empty(tokens, recoveries, (size_t)buckets, &cursor));
    while (cursor != 0);
    free(recoveries);
    int64_t began_us = clock_mono_us();
    *count = 0;
    for (long i = 0; i < end; i++) {
        struct names names;
        struct recovery_entry entry;
        if (!replay_entry(i, &names, &entry))
            continue;
        ++*count;
        struct shelf *shelf = &shelves[bucket_of(names.user, strlen(names.user), buckets)];
        (void)replay_entry(i, &shelf->names[shelf->count], &shelf->entries[shelf->count]);
        if (++shelf->count == REPLAY_EACH)
            empty_shelf(tokens, shelf);
    }
    for (int32_t b = 0; b < buckets; b++)
        empty_shelf(tokens, &shelves[b]);
    must_be_none(recovery_replayed(tokens, &differs));
    free(shelves);
    return (double)(clock_mono_us() - began_us) / 1e6;
}

/* ---- */

static double batch_seconds(struct tokens *tokens, bool settles, long first, long count)
{
    struct tokens_batch *batch = tokens_batch_open(tokens);
    int64_t began_us = clock_mono_us();
    for (long done = 0, failures = 0; done < count;) {
        long now = count - done < PIPELINE ? count - done : PIPELINE;
        if (pipeline(batch, settles, first + done, now)) {
            done += now;
        } else if (++failures > 20) {        /* the first try of a fresh process may only learn what is verified */
            fprintf(stderr, "bench-plain: Redis does not answer\n");
            exit(EXIT_FAILURE);
        }
    }
    double seconds = (double)(clock_mono_us() - began_us) / 1e6;
    tokens_batch_close(&batch);
    return seconds;
}

int main(int argc, char **argv)
{
    char error[200];
    if (argc != 6) {
        fprintf(stderr, "usage: bench-plain REDIS_URL PARTITIONS reserve|settle|replay FIRST COUNT\n");
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
    const long first = strtol(argv[4], NULL, 10);
    long count = strtol(argv[5], NULL, 10);
    const double seconds = strcmp(argv[3], "replay") == 0
        ? replay_seconds(tokens, &count) : batch_seconds(tokens, strcmp(argv[3], "settle") == 0, first, count);
    printf("{\"calls\":%ld,\"seconds\":%.3f,\"rate\":%.0f}\n", count, seconds, (double)count / seconds);
    tokens_close(&tokens);
    return EXIT_SUCCESS;
}
