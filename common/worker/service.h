/* What every worker's main does around its own work: signals, log, metrics, health, the loop until
 * SIGTERM, and the end in reverse. Exit status: 0 asked to stop, 2 a wrong setting, 3 only a restart or an
 * operator can help. */
#ifndef WORKER_SERVICE_H
#define WORKER_SERVICE_H

#include <stdbool.h>

#include "base/trouble.h"
#include "worker/health.h"
#include "worker/metrics.h"
#include "worker/settings.h"

enum { EXIT_ASKED = 0, EXIT_SETTING = 2, EXIT_TROUBLE = 3 };

struct service;

/* program: "reelgate-admission". Takes the signals, opens log, metrics and health; ends the
 * process with status 2 or 3 when the health address is wrong or taken, and with --check-config with 0 before it touches
 * anything: whatever else a program has to judge in its settings it judges before. Not ready until the first turn
 * says so. */
struct service *service_open(const char *program, const struct worker_settings *settings);
struct metrics *service_metrics(struct service *service);
struct health *service_health(struct service *service);

struct service_loop {
    void *self;
    enum trouble (*turn)(void *self);        /* at most about a second; NONE, or RESTART (already logged) */
    void (*reload)(void *self);              /* SIGHUP; may be NULL */
    void (*drain)(void *self);               /* SIGTERM, once: take nothing new; may be NULL */
    bool (*drained)(void *self);             /* nothing is in flight any more; NULL: at once */
};
/* Turns until SIGTERM; then drain, and on until drained or drain_ms are over. Returns the exit status. A turn, or what
 * follows, that a silent network holds up longer than five seconds past drain_ms is cut off: "stop_overdue", EXIT_TROUBLE. */
int service_run(struct service *service, const struct service_loop *loop);
void service_close(struct service **service);

/* One line on stderr naming setting, value and what is allowed, then exit status 2: for what the table of
 * settings can't judge by itself (a URL's inside, the policy file). value NULL: not shown, it may hold a
 * secret. */
_Noreturn void service_refuse(const char *setting, const char *value, const char *reason);

#endif
