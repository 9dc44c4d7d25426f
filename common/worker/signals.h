/* SIGTERM and SIGINT ask to stop, a second one ends at once; SIGHUP asks to re-read. SIGPIPE is ignored.
 *
 * A thread of its own waits for them, so that a limit holds whatever the program is in the middle of: a turn may wait for
 * a network that is silent, and what it left undone is still in Kafka (a kill is always safe here). */
#ifndef WORKER_SIGNALS_H
#define WORKER_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* Before any other thread is made: they inherit that these signals are blocked. From the first SIGTERM or SIGINT on
 * the process lives for stop_limit_ms at the most, then it says so and ends with EXIT_TROUBLE. Once per process. */
void signals_open(int64_t stop_limit_ms);

int64_t signals_stop_ms(void);   /* when it was asked to stop, clock_mono_ms; 0: it was not. Any thread */
bool signals_reload(void);       /* true once per SIGHUP. Any thread */

#endif
