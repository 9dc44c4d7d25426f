/* reelgate-admission: decides whether a user may have a video made, and holds the tokens for it.
 *
 * Reads   requests (generation.requested, generation.cancel_requested; CloudEvents or plain JSON)
 * Writes  results (accepted, rejected), jobs (for the generator), journal (the hold), dead-letters
 * Owns    the decision to reserve: validation, the price from the policy file, the answer about the balance
 *
 * Survives kill -9 at any point: a batch that was not committed is read again and gets the answers that Redis
 * recorded for the same records, so its outputs appear once. The same request from another record is a
 * duplicate and is absorbed; another request or user under a known id goes to dead-letters. If Redis is away
 * or a bucket is not verified, requests wait: nobody is let in unchecked. A cancel is checked for its owner
 * and handed to jobs, where it meets its generation.
 *
 * SIGHUP reads the policy again. SIGTERM finishes the batch at hand, leaves the group and exits 0.
 */
#include <stddef.h>

#include "admission/config.h"
#include "admission/stage.h"
#include "worker/service.h"

enum { POLL_MS = 200, REFUSAL_WINDOW_MS = 60 * 60 * 1000 };

struct program { struct batch *batch; struct admission *admission; };

static enum trouble turn(void *self)
{
    return batch_turn(((struct program *)self)->batch, POLL_MS);
}

static void reload(void *self)
{
    admission_reload(((struct program *)self)->admission);
}

static struct tokens *open_tokens(const struct redis_settings *redis)
{
    char error[200];
    struct tokens *tokens = tokens_open(&(struct tokens_config){ .redis_url = redis->redis_url,
        .timeout_ms = (int)redis->redis_timeout_ms, .dedupe_window_ms = redis->dedupe_window_ms,
        .refusal_window_ms = REFUSAL_WINDOW_MS }, error);
    if (!tokens)
        service_refuse("redis_url", NULL, error);        /* its value may hold a password */
    return tokens;
}

static struct admission *open_admission(const struct admission_settings *settings)
{
    char error[POLICY_ERROR_BYTES];
    const struct admission_config config = {
        .policy_path = settings->policy_path, .topic_prefix = settings->worker.topic_prefix,
        .dedupe_window_ms = settings->redis.dedupe_window_ms,
        .default_deadline_ms = settings->default_deadline_ms };
    struct admission *admission = admission_open(&config, error);
    if (!admission)
        service_refuse("policy", settings->policy_path, error);
    return admission;
}

int main(int argc, char **argv)
{
    static const struct param *const tables[] = { WORKER_PARAMS, ADMISSION_PARAMS, NULL };
    struct admission_settings settings = { .batch_records = 0 };
    const struct param_program about = {
        .name = "reelgate-admission", .summary = "Holds tokens for requested generations, or rejects them.",
        .examples = "  reelgate-admission --kafka-bootstrap-servers=kafka:9092 --redis-url=redis://redis\n"
                    "  reelgate-admission --instance-id=1 --policy=/etc/reelgate/policy.json",
        .versions = worker_versions, .tables = tables, .only_check = &settings.worker.only_check };
    struct program program;
    param_read(&about, argc, argv, &settings, &settings.worker.kafka);
    struct tokens *tokens = open_tokens(&settings.redis);
    program.admission = open_admission(&settings);
    struct service *service = service_open(about.name, &settings.worker);
    program.batch = batch_open(&(struct batch_config){ .worker = &settings.worker, .tokens = tokens,
        .metrics = service_metrics(service), .health = service_health(service),
        .records_max = settings.batch_records, .linger_ms = settings.linger_ms },
        admission_stage(program.admission, service_metrics(service)));

    const struct service_loop loop = { .self = &program, .turn = turn, .reload = reload };
    int status = service_run(service, &loop);
    batch_close(&program.batch);
    admission_close(&program.admission);
    service_close(&service);
    tokens_close(&tokens);
    return status;
}
