/* The process_* set that every Prometheus client library has, read from /proc when it is asked for. */
#ifndef WORKER_METRICS_PROCESS_H
#define WORKER_METRICS_PROCESS_H

#include "base/text.h"

void metrics_process_render(struct text *out);

#endif
