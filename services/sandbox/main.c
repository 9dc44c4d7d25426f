/* reelgate-sandbox: a local Runway developer API that behaves like the real one as far as is publicly known,
 * down to its faults. It must show ours, not hide them: two POSTs always make two tasks, whatever they say.
 *
 * Serves   POST   /v1/text_to_video, image_to_video, video_to_video, character_performance, video_upscale,
 *                 image_upscale, text_to_image: checked by model (models.c), answered {id, estimatedCost}
 *          GET    /v1/tasks/{id}: THROTTLED, PENDING, RUNNING with progress, SUCCEEDED with signed URLs...
 *          DELETE /v1/tasks/{id}: 204, then 404; credits come back unless it was RUNNING
 *          GET    /v1/organization, POST /v1/organization/usage: they reconcile with each other
 *          POST   /v1/uploads, then a form to the URL it gives: files up to 32 MiB here
 *          GET    /output/...: a real film or picture, behind a signature that expires; HEAD and ranges
 * Needs    Authorization: Bearer key_<128 hex> and X-Runway-Version: 2024-11-06 under /v1/, as Runway does.
 *
 * For tests  POST /admin/faults switches faults on and off; GET tells them (faults.h has the modes)
 *            GET  /admin/state counts creates, looks (and early ones), deletes, tasks by status and by name
 *            GET  /admin/tasks lists every task with its prompt, also deleted ones; ?name= ?status=
 *            POST /admin/settings {"credits":0} and others while it runs; POST /admin/reset begins anew
 *            Marks in a prompt decide one task's fate: [fail:SAFETY.INPUT.TEXT] [run:1500ms] [status:WEIRD]
 *            [http:503] [after:hang] [id:gen-17] and more (marks.h, --help)
 *
 * Owns     nothing that lasts: all is in memory. Ends on SIGTERM or SIGINT. Never for production. */
#include <signal.h>
#include <stdio.h>

#include "http/server.h"
#include "sandbox/config.h"
#include "sandbox/sandbox.h"

#include "base/log.h"

enum { BODY_BYTES_MAX = 32 * 1024 * 1024, CONNECTIONS_MAX = 4000, IDLE_SECONDS = 120, EXIT_TROUBLE = 3 };

/* Blocked from the start, so that an early one waits for sigwait. */
static sigset_t end_signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return ends;
}

int main(int argc, char **argv)
{
    struct sandbox_config config = sandbox_config_read(argc, argv);
    const sigset_t ends = end_signals();
    enum log_level level = LOG_LEVEL_INFO;
    int signal_number;
    log_level_parse(config.log_level, &level);
    log_open("sandbox", "1", level);

    char error[200];
    struct sandbox sandbox;
    sandbox_open(&sandbox, &config);
    struct http_server *server = http_server_open(&(struct http_server_config){
        .address = config.address, .thread_per_connection = true, .body_cap_bytes = BODY_BYTES_MAX,
        .connection_limit = CONNECTIONS_MAX, .idle_timeout_seconds = IDLE_SECONDS, .handler = sandbox_handle,
        .self = &sandbox }, error);
    if (!server) {
        log_error("sandbox_failed", LOG_TEXT("reason", error));
        sandbox_close(&sandbox);
        return EXIT_TROUBLE;
    }
    log_info("sandbox_listening", LOG_TEXT("address", config.address),
             LOG_NUMBER("port", http_server_port(server)));
    sigwait(&ends, &signal_number);
    http_server_close(&server);
    sandbox_close(&sandbox);
    log_info("sandbox_stopped");
    return 0;
}
