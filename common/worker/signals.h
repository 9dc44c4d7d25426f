/* SIGTERM and SIGINT ask to stop, a second one ends at once; SIGHUP asks to re-read. SIGPIPE is ignored. */
#ifndef WORKER_SIGNALS_H
#define WORKER_SIGNALS_H

#include <stdbool.h>

void signals_open(void);         /* before any thread is made */
bool signals_stop(void);
bool signals_reload(void);       /* true once per SIGHUP */

#endif
