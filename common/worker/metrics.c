#include "worker/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "kafka/kafka.h"
#include "worker/metrics_process.h"

#ifndef REELGATE_COMMIT
#define REELGATE_COMMIT "unknown"
#endif

enum kind { COUNTER, GAUGE, HISTOGRAM };
enum { BOUNDS_MAX = 24 };

struct metric {
    struct metric *next;             /* same family, other labels */
    char *labels;                    /* without braces; NULL: none */
    enum kind kind;
    _Atomic int64_t count;           /* a counter's value, a histogram's observations */
    _Atomic double value;            /* a gauge's value, a histogram's sum */
    int bounds;
    const double *bound;
    _Atomic int64_t *bucket;         /* one per bound, each observation in the first that holds it */
};
struct family { struct family *next; char *name, *help; enum kind kind; struct metric *first, **last; };
struct metrics { pthread_mutex_t lock; struct family *first, **last; };

const double METRICS_FAST[] = { 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 0 };
const double METRICS_SLOW[] = { 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600, 0 };

/* ---- making */

static struct family *family_of(struct metrics *metrics, const char *name, const char *help, enum kind kind)
{
    for (struct family *family = metrics->first; family; family = family->next) {
        if (strcmp(family->name, name) == 0) {
            must(family->kind == kind);
            return family;
        }
    }
    struct family *family = xcalloc(1, sizeof *family);
    *family = (struct family){ .name = xstrdup(name), .help = xstrdup(help), .kind = kind };
    family->last = &family->first;
    *metrics->last = family;
    metrics->last = &family->next;
    return family;
}

static bool same_labels(const struct metric *metric, const char *labels)
{
    return metric->labels && labels ? strcmp(metric->labels, labels) == 0 : metric->labels == labels;
}

static struct metric *metric_new(struct family *family, const char *labels, const double *bounds)
{
    struct metric *metric = xcalloc(1, sizeof *metric);
    metric->kind = family->kind;
    metric->labels = labels ? xstrdup(labels) : NULL;
    if (bounds) {
        while (bounds[metric->bounds] > 0)
            metric->bounds++;
        must(metric->bounds > 0 && metric->bounds <= BOUNDS_MAX);
        metric->bound = bounds;
        metric->bucket = xcalloc((size_t)metric->bounds, sizeof *metric->bucket);
    }
    *family->last = metric;
    family->last = &metric->next;
    return metric;
}

struct wanted { const char *name, *labels, *help; enum kind kind; const double *bounds; };

static struct metric *metric_make(struct metrics *metrics, const struct wanted *wanted)
{
    pthread_mutex_lock(&metrics->lock);
    struct family *family = family_of(metrics, wanted->name, wanted->help, wanted->kind);
    struct metric *metric = family->first;
    while (metric && !same_labels(metric, wanted->labels))
        metric = metric->next;
    if (!metric)
        metric = metric_new(family, wanted->labels, wanted->bounds);
    pthread_mutex_unlock(&metrics->lock);
    return metric;
}

struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *labels,
                               const char *help)
{
    return metric_make(metrics, &(struct wanted){ name, labels, help, COUNTER, NULL });
}

struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *labels, const char *help)
{
    return metric_make(metrics, &(struct wanted){ name, labels, help, GAUGE, NULL });
}

struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *labels,
                                 const char *help,
                                 const double *bounds)
{
    return metric_make(metrics, &(struct wanted){ name, labels, help, HISTOGRAM, bounds });
}

struct metrics *metrics_open(void)
{
    struct metrics *metrics = xcalloc(1, sizeof *metrics);
    metrics->last = &metrics->first;
    must(pthread_mutex_init(&metrics->lock, NULL) == 0);
    struct text labels = { 0 };
    text_printf(&labels, "version=\"%s\",commit=\"%s\",librdkafka=\"%s\"", REELGATE_VERSION, REELGATE_COMMIT,
                kafka_version());
    metric_set(metrics_gauge(metrics, "reelgate_build_info", labels.bytes, "What was built; always 1."), 1);
    text_free(&labels);
    return metrics;
}

static void family_free(struct family *family)
{
    for (struct metric *metric = family->first, *next; metric; metric = next) {
        next = metric->next;
        free(metric->labels);
        free(metric->bucket);
        free(metric);
    }
    free(family->name);
    free(family->help);
    free(family);
}

void metrics_close(struct metrics **metrics)
{
    if (!*metrics)
        return;
    for (struct family *family = (*metrics)->first, *next; family; family = next) {
        next = family->next;
        family_free(family);
    }
    pthread_mutex_destroy(&(*metrics)->lock);
    free(*metrics);
    *metrics = NULL;
}

/* ---- moving */

static void add_double(_Atomic double *value, double amount)
{
    double seen = atomic_load_explicit(value, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(value, &seen, seen + amount, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

void metric_add(struct metric *metric, int64_t amount)
{
    if (metric->kind == COUNTER)
        atomic_fetch_add_explicit(&metric->count, amount, memory_order_relaxed);
    else
        add_double(&metric->value, (double)amount);
}

void metric_set(struct metric *metric, double value)
{
    must(metric->kind == GAUGE);
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_observe(struct metric *metric, double seconds)
{
    must(metric->kind == HISTOGRAM);
    for (int i = 0; i < metric->bounds; i++) {
        if (seconds <= metric->bound[i]) {
            atomic_fetch_add_explicit(&metric->bucket[i], 1, memory_order_relaxed);
            break;
        }
    }
    add_double(&metric->value, seconds);
    atomic_fetch_add_explicit(&metric->count, 1, memory_order_relaxed);
}

double metric_value(const struct metric *metric)
{
    if (metric->kind == GAUGE)
        return atomic_load_explicit(&metric->value, memory_order_relaxed);
    return (double)atomic_load_explicit(&metric->count, memory_order_relaxed);
}

/* ---- writing them out */

static void add_series(struct text *out, const char *name, const char *suffix, const char *labels,
                       const char *more)
{
    text_add_string(out, name);
    text_add_string(out, suffix);
    if (labels || more)
        text_printf(out, "{%s%s%s}", labels ? labels : "", labels && more ? "," : "", more ? more : "");
    text_add_char(out, ' ');
}

static void add_number(struct text *out, double value)
{
    text_printf(out, "%.17g\n", value);
}

/* Buckets are cumulative on the wire. An observation may be half done by another thread: +Inf is never
 * below the last. */
static void render_histogram(const struct family *family, const struct metric *metric, struct text *out)
{
    int64_t below = 0;
    for (int i = 0; i < metric->bounds; i++) {
        below += atomic_load_explicit(&metric->bucket[i], memory_order_relaxed);
        char bound[40];
        snprintf(bound, sizeof bound, "le=\"%g\"", metric->bound[i]);
        add_series(out, family->name, "_bucket", metric->labels, bound);
        add_number(out, (double)below);
    }
    int64_t count = atomic_load_explicit(&metric->count, memory_order_relaxed);
    if (count < below)
        count = below;
    add_series(out, family->name, "_bucket", metric->labels, "le=\"+Inf\"");
    add_number(out, (double)count);
    add_series(out, family->name, "_sum", metric->labels, NULL);
    add_number(out, atomic_load_explicit(&metric->value, memory_order_relaxed));
    add_series(out, family->name, "_count", metric->labels, NULL);
    add_number(out, (double)count);
}

static void render_family(const struct family *family, struct text *out)
{
    static const char *const types[] = { [COUNTER] = "counter", [GAUGE] = "gauge",
                                         [HISTOGRAM] = "histogram" };
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                types[family->kind]);
    for (const struct metric *metric = family->first; metric; metric = metric->next) {
        if (metric->kind == HISTOGRAM) {
            render_histogram(family, metric, out);
        } else {
            add_series(out, family->name, "", metric->labels, NULL);
            add_number(out, metric_value(metric));
        }
    }
}

void metrics_render(struct metrics *metrics, struct text *out)
{
    pthread_mutex_lock(&metrics->lock);
    for (const struct family *family = metrics->first; family; family = family->next)
        render_family(family, out);
    pthread_mutex_unlock(&metrics->lock);
    metrics_process_render(out);
}
