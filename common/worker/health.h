/* The small HTTP thread of every program: /metrics, /healthz (the loop turned lately), /readyz (200, or
 * 503 with the reasons as JSON: {"ready":false,"reasons":["..."]}). */
#ifndef WORKER_HEALTH_H
#define WORKER_HEALTH_H

#include <stdbool.h>

#include "worker/metrics.h"

struct health;

/* address: "127.0.0.1:9101"; port 0 takes a free one; which one is logged as fact "health_listening" with
 * port. Waits up to stall_ms without health_beat before /healthz fails. NULL and a reason when the address
 * can't be had. */
struct health *health_open(const char *address, struct metrics *metrics, int stall_ms, char error[200]);
void health_close(struct health **health);
/* from the loop itself, each turn */
void health_beat(struct health *health);
/* A named part that must be fine before the program is ready: reason NULL is fine. Logged when it changes. */
void health_part(struct health *health, const char *part, const char *reason);
int health_port(const struct health *health);

#endif
