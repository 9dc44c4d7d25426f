/* Before a program does anything it looks at the topics that it uses: a topic that could lose money is refused with the
 * words of `reelgate topics check` (topic_rules.h), not worked on until the money is gone (hazards K14). */
#ifndef WORKER_TOPIC_GATE_H
#define WORKER_TOPIC_GATE_H

#include "base/trouble.h"
#include "worker/health.h"
#include "worker/settings.h"

struct topic_gate;

/* topics: 1 << topic of each that must be there. */
struct topic_gate *topic_gate_open(const char *program, const struct worker_settings *settings, unsigned topics);
/* NONE: all are good, never asked again. RETRY: no answer yet, or a topic is not there yet (*reason says which; lent).
 * RESTART: refused, and logged. Blocks up to a second for each topic. */
enum trouble topic_gate_turn(struct topic_gate *gate, const char **reason);
/* The fewest copies of any of them; 0 before NONE. */
int topic_gate_replicas(const struct topic_gate *gate);
void topic_gate_close(struct topic_gate **gate);

#endif
