/* reelgate-gateway: the HTTP API and the web console, in front of the topics.
 *
 * Reads   requests, results, journal, dead-letters (into memory, from some way back), the journal before that
 *         for a user's transactions; balances in Redis, and how generations ended that are not in memory
 * Writes  requests (generations, cancellations), grants, dead-letters (marks: redriven, discarded)
 * Owns    nothing: no money is decided here, no state is kept. Any number of instances run side by side, and
 *         each answers alike once it has read the topics
 *
 * Serves  the routes of routes.c, described by proto/openapi.yaml; the console's pages; /metrics, /healthz
 *         and /readyz on its health address. Every connection has a thread, so a call that waits for a
 *         decision, and a stream of events, starve nobody else.
 *
 * Survives kill -9 at any point: an answer that was lost is asked for again with the same Idempotency-Key,
 * which is the same generation; a stream goes on behind its Last-Event-ID. Without Kafka or Redis it answers
 * 503, and by itself again when they are back. Plain HTTP/1.1: TLS, HTTP/2 and a strict parser belong to the
 * proxy in front. */
#include <stdio.h>

#include "gateway/gateway.h"

static const char *versions(void)
{
    static char line[128];               /* made once, for --version */
    snprintf(line, sizeof line, "%s\nlibmicrohttpd %s", worker_versions(), http_server_version());
    return line;
}

int main(int argc, char **argv)
{
    static struct gateway_settings settings;
    static struct gateway gateway;
    const struct param *const tables[] = { WORKER_PARAMS, GATEWAY_PARAMS, NULL };
    const struct param_program program = {
        .name = "reelgate-gateway", .summary = "The HTTP API and the web console.",
        .examples = "  REELGATE_JWT_SECRET_FILE=/run/secrets/jwt reelgate-gateway --address=127.0.0.1:8080\n"
                    "  reelgate-gateway --jwt-public-key=/etc/reelgate/jwt.pem "
                    "--jwt-issuer=https://id.example.com\n",
        .versions = versions, .tables = tables, .only_check = &settings.worker.only_check };
    param_read(&program, argc, argv, &settings, &settings.worker.kafka);

    gateway_prepare(&gateway, &settings);
    struct service *service = service_open(program.name, &settings.worker);
    gateway_open(&gateway, service);
    int status = service_run(service, &(struct service_loop){
        .self = &gateway, .turn = gateway_turn, .reload = gateway_reload });
    gateway_close(&gateway);
    service_close(&service);
    return status;
}
