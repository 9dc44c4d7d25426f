/* reelgate-ledger: settles what generations cost, takes grants, and keeps Redis and the journal one.
 *
 * Reads   results (a generation's end), grants, journal (its own and admission's entries, for recovery)
 * Writes  journal (grant, commit, release, open), dead-letters
 * Owns    settlement, grants, the recovery of Redis, the view that status and console read
 *
 * Survives kill -9 at any point: a batch that was not committed runs again and gets its recorded answers. Redis may be
 * restarted, emptied or replaced: the instance that holds a journal partition rebuilds that bucket, and until then nothing is
 * settled or admitted there. If Redis or Kafka is away, results and grants simply wait; users already have their videos.
 */
#include <stddef.h>

#include "base/clock.h"
#include "base/must.h"
#include "ledger/config.h"
#include "ledger/recover.h"
#include "ledger/settle.h"
#include "worker/batch.h"
#include "worker/service.h"

struct ledger {
    struct ledger_settings settings;
    struct tokens *tokens, *recovery_tokens;     /* two: recovery's calls must not mix with a batch's pipeline */
    struct settle *settle;
    struct batch *batch;
    struct recover *recover;
    int64_t batch_ms;                            /* monotonic: when the batch last had its turn */
};

static struct tokens *open_tokens(const struct redis_settings *redis)
{
    char error[200];
    struct tokens *tokens = tokens_open(&(struct tokens_config){
        .redis_url = redis->redis_url, .timeout_ms = (int)redis->redis_timeout_ms,
        .dedupe_window_ms = redis->dedupe_window_ms, .refusal_window_ms = 60 * 60 * 1000 }, error);
    if (!tokens)
        service_refuse("redis_url", NULL, error);      /* it may hold a password */
    return tokens;
}

/* The batch waits for a bucket that is being rebuilt here. It would ask Redis every few milliseconds whether that is done,
 * and each answer would hold up the replay; so it only keeps its place in the group. */
static bool batch_rests(struct ledger *ledger, int64_t now_ms)
{
    enum { REST_MS = 1000 };
    const char *reason;
    return now_ms - ledger->batch_ms < REST_MS
        && recover_rebuilds(ledger->recover, tokens_unverified(ledger->tokens, &reason));
}

static enum trouble turn(void *self)
{
    struct ledger *ledger = self;
    const char *reason;
    const int64_t now_ms = clock_mono_ms();
    const bool busy = recover_busy(ledger->recover);
    if (batch_rests(ledger, now_ms))
        return recover_turn(ledger->recover);
    ledger->batch_ms = now_ms;
    enum trouble trouble = batch_turn(ledger->batch, busy ? 0 : 50);
    if (tokens_unverified(ledger->tokens, &reason) >= 0 && !busy)
        recover_hurry(ledger->recover);
    return trouble == TROUBLE_NONE ? recover_turn(ledger->recover) : trouble;
}

int main(int argc, char **argv)
{
    static struct ledger ledger;
    const struct param *const tables[] = { WORKER_PARAMS, LEDGER_PARAMS, NULL };
    const struct param_program program = {
        .name = "reelgate-ledger", .summary = "Settles generations and grants; rebuilds Redis from the journal.",
        .examples = "  reelgate-ledger --kafka-bootstrap-servers=127.0.0.1:9092 --redis-url=redis://127.0.0.1:6379\n",
        .versions = worker_versions, .tables = tables,
        .only_check = &ledger.settings.worker.only_check };
    param_read(&program, argc, argv, &ledger.settings, &ledger.settings.worker.kafka);

    ledger.tokens = open_tokens(&ledger.settings.redis);
    ledger.recovery_tokens = open_tokens(&ledger.settings.redis);
    struct service *service = service_open(program.name, &ledger.settings.worker);
    ledger.settle = settle_open(ledger.settings.worker.topic_prefix, service_metrics(service));
    ledger.batch = batch_open(&(struct batch_config){
        .worker = &ledger.settings.worker, .tokens = ledger.tokens, .metrics = service_metrics(service),
        .health = service_health(service), .records_max = ledger.settings.batch_records, .linger_ms = 2,
        .commit_every_ms = ledger.settings.commit_every_ms },
        settle_stage(ledger.settle));
    ledger.recover = recover_open(&(struct recover_config){
        .worker = &ledger.settings.worker, .tokens = ledger.recovery_tokens, .metrics = service_metrics(service),
        .health = service_health(service), .guard_every_ms = ledger.settings.guard_every_ms,
        .journaled_every_ms = ledger.settings.journaled_every_ms,
        .dedupe_window_ms = ledger.settings.redis.dedupe_window_ms });

    int status = service_run(service, &(struct service_loop){ .self = &ledger, .turn = turn });
    recover_close(&ledger.recover);
    batch_close(&ledger.batch);
    settle_close(&ledger.settle);
    service_close(&service);
    tokens_close(&ledger.recovery_tokens);
    tokens_close(&ledger.tokens);
    return status;
}
