/* Metrics in Prometheus' text form. A metric with its labels is made once at start and then moved by any
 * thread (atomics). Names begin with reelgate_, counters end in _total, durations are seconds. No user or
 * generation ids as labels. */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include <stdint.h>

#include "base/text.h"

struct metrics;
struct metric;

struct metrics *metrics_open(void);                    /* with process_* and reelgate_build_info */
void metrics_close(struct metrics **metrics);
/* labels: "decision=\"accepted\"" or NULL. The same name may be made again with other labels (same help).
 * Asking twice for the same name and labels gives the same metric. */
struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *labels,
                               const char *help);
struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *labels, const char *help);
/* bounds: NULL-free ascending list of upper bounds in seconds, ended by 0. */
struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *labels,
                                 const char *help,
                                 const double *bounds);
extern const double METRICS_FAST[];      /* 1 ms to 10 s */
extern const double METRICS_SLOW[];      /* 5 s to 1 h */

void metric_add(struct metric *metric, int64_t amount);
void metric_set(struct metric *metric, double value);
void metric_observe(struct metric *metric, double seconds);
double metric_value(const struct metric *metric);

void metrics_render(struct metrics *metrics, struct text *out);

#endif
