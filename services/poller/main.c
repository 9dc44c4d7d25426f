/* reelgate-poller: follows each submitted task to the provider's verdict.
 *
 *
 * Reads   tasks (tasks, and cancels that came after the submission)
 * Writes  results (completed, failed, cancelled), tasks (marks, copies)
 * Owns    the provider's verdict
 *
 * The provider's word ends a generation, never a clock: a terminal status, or the acknowledgement of our
 * DELETE. Past its deadline, or cancelled by its user, a task is looked at once more right before it is
 * deleted: a finished video is delivered. A video that is finished in the moment between the two is lost;
 * the provider has no way to delete only what is unfinished. A task that answers 404 without our doing
 * ends when it still does two minutes later, and not for many at once: a key of another project answers
 * 404 to everything.
 *
 * Survives kill -9 at any point: everything it knows is in tasks, and looking again costs nothing. Without
 * the provider, or with a revoked key, tasks wait. */
#include "poller/poller.h"
#include "worker/service.h"

int main(int argc, char **argv)
{
    static struct poller_settings settings;
    char error[POLICY_ERROR_BYTES];
    const struct param *const tables[] = { WORKER_PARAMS, POLLER_PARAMS, NULL };
    const struct param_program program = {
        .name = "reelgate-poller",
        .summary = "Follows submitted generations until Runway says how they ended.",
        .examples =
            "  RUNWAYML_API_SECRET_FILE=/run/secrets/runway reelgate-poller "
            "--policy=/etc/reelgate/policy.json\n"
                    "  RUNWAYML_API_SECRET=key_... reelgate-poller --runway-base-url=http://127.0.0.1:8600 "
                    "--look-every-ms=500\n",
        .versions = worker_versions, .tables = tables,
        .only_check = &settings.worker.only_check };
    param_read(&program, argc, argv, &settings, &settings.worker.kafka);
    provider_require_key(&settings.provider, program.name);
    const char *flaw = poller_settings_flaw(&settings);
    if (flaw)
        service_refuse("runway_api_secret or runway_headers", NULL, flaw);
    struct policy *policy = policy_read(settings.policy_path, error);
    if (!policy)
        service_refuse("policy", settings.policy_path, error);

    struct service *service = service_open(program.name, &settings.worker);
    struct poller *poller = poller_open(&settings, &policy, service_metrics(service),
                                        service_health(service));
    int status = service_run(service, &(struct service_loop){
        .self = poller, .turn = poller_turn, .reload = poller_reload, .drain = poller_drain,
            .drained = poller_drained });
    poller_close(&poller);
    service_close(&service);
    return status;
}
