/* reelgate-generator: submits each accepted job to the provider, once.
 *
 *
 * Reads   jobs (jobs, and cancels on their way)
 * Writes  tasks (what the poller follows; cancels handed on), results (submitted, failed, cancelled),
 *         jobs (marks, copies)
 * Owns    the one paid submission
 *
 * The provider's create can't be repeated safely: a lost answer may hide a task that is already billed. So
 * an intent is committed to jobs before each call, the call goes out only after that commit returned, and
 * an intent without an answer is settled by policy (unknown_submission), never by a second call behind the
 * operator's back.
 *
 * Survives kill -9 at any point: whoever gets the partition next sees the open intent, waits until the
 * call must be over and calls it unknown. Survives rebalances without that: open calls are answered and
 * committed before the partition goes, and what is still open is found again when the job comes back. An
 * answer for a job that is another's by then is a paid orphan: its task is deleted and counted. Without
 * the provider, without credit or with a revoked key jobs wait. */
#include "generator/generator.h"
#include "worker/service.h"

int main(int argc, char **argv)
{
    static struct generator_settings settings;
    char error[POLICY_ERROR_BYTES];
    const struct param *const tables[] = { WORKER_PARAMS, GENERATOR_PARAMS, NULL };
    const struct param_program program = {
        .name = "reelgate-generator", .summary = "Submits accepted generations to Runway, each one once.",
        .examples =
            "  RUNWAYML_API_SECRET_FILE=/run/secrets/runway reelgate-generator "
            "--policy=/etc/reelgate/policy.json\n"
            "  RUNWAYML_API_SECRET=key_... reelgate-generator --runway-base-url=http://127.0.0.1:8600 "
            "--max-in-flight=4\n",
        .versions = worker_versions, .tables = tables,
        .only_check = &settings.worker.only_check };
    param_read(&program, argc, argv, &settings, &settings.worker.kafka);
    provider_require_key(&settings.provider, program.name);
    const char *flaw = generator_settings_flaw(&settings);
    if (flaw)
        service_refuse("runway_api_secret or runway_headers", NULL, flaw);
    struct policy *policy = policy_read(settings.policy_path, error);
    if (!policy)
        service_refuse("policy", settings.policy_path, error);

    struct service *service = service_open(program.name, &settings.worker);
    struct generator *generator = generator_open(&settings, &policy, service_metrics(service),
                                                 service_health(service));
    int status = service_run(service, &(struct service_loop){
        .self = generator, .turn = generator_turn, .reload = generator_reload, .drain = generator_drain,
        .drained = generator_drained });
    generator_close(&generator);
    service_close(&service);
    return status;
}
