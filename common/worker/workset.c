/* The work set: opens, turns, closes. What is where: workset_priv.h. */
#include "worker/workset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/workset_priv.h"

enum { METERS_MS = 500, CLIENT_ID_BYTES = 41 };

static void meters_open(struct workset_meters *meters, struct metrics *metrics)
{
    static const char transactions[] = "reelgate_transactions_total";
    static const char help[] = "Transactions of the work set, by how they ended; unknown: the commit had no "
                               "answer.";
    meters->committed = metrics_counter(metrics, transactions, "end=\"committed\"", help);
    meters->aborted = metrics_counter(metrics, transactions, "end=\"aborted\"", help);
    meters->unknown = metrics_counter(metrics, transactions, "end=\"unknown\"", help);
    meters->live = metrics_gauge(metrics, "reelgate_work_items", NULL,
                                 "Items that are live in this program's partitions.");
    meters->restoring = metrics_gauge(metrics, "reelgate_work_partitions_restoring", NULL,
                                      "Assigned partitions that are still read to their end before they act.");
    meters->lag = metrics_gauge(metrics, "reelgate_consumer_lag_records", NULL,
                                "Records between the position and the last stable offset, over the assigned "
                                "partitions.");
    unstable_open(&meters->unstable, metrics, "input");
    meters->rewritten = metrics_counter(metrics, "reelgate_work_items_rewritten_total", NULL,
                                        "Old items that were copied to the end of their partition.");
    meters->records = metrics_counter(metrics, "reelgate_records_processed_total", NULL,
                                      "Records read, marks included.");
    meters->last = metrics_gauge(metrics, "reelgate_last_processed_timestamp_seconds", NULL,
                                 "When the last transaction was committed.");
    meters->transaction = metrics_histogram(metrics, "reelgate_stage_duration_seconds",
                                            "stage=\"transaction\"",
                                            "Time a batch spends in each stage; transaction: from begin to "
                                            "commit.",
                                            METRICS_FAST);
    metrics_counter(metrics, "reelgate_producer_recreations_total", "reason=\"fenced\"",
                    "Transactional producers made anew while running, by reason.");
}

struct workset *workset_open(const struct workset_config *config, const struct workset_stage *stage)
{
    struct workset *set = xcalloc(1, sizeof *set);
    const struct worker_settings *worker = config->worker;
    must(config->rewrite_after_ms > 0);
    set->stage = *stage;
    set->config = *config;
    set->backoff = (struct backoff){ .first_ms = 50, .most_ms = 5000 };
    set->kafka = (struct kafka_config){ .bootstrap_servers = worker->kafka_bootstrap_servers,
                                        .client_id = stage->program, .properties = &worker->kafka };
    set->group = stage->group ? xstrdup(stage->group) : worker_group(worker, stage->program);
    set->transactional_id = worker_transactional_id(worker, set->group);
    meters_open(&set->meters, config->metrics);
    health_part(config->health, "kafka", "not asked yet");
    health_part(config->health, "partitions", "waiting for partitions");
    set->producer = kafka_producer_open(&set->kafka, set->transactional_id);
    set->client = kafka_client_open(&set->kafka);
    set->outbox = outbox_open(&(struct outbox_config){
        .program = stage->program, .topic_prefix = worker->topic_prefix, .group = set->group,
        .producer = set->producer, .metrics = config->metrics });
    set->topic = outbox_topic(set->outbox, stage->reads);
    struct kafka_consumer_hooks hooks = WORKSET_HOOKS;
    hooks.self = set;
    set->consumer = kafka_consumer_open(&set->kafka, set->group, &set->topic, 1, &hooks);
    return set;
}

void workset_close(struct workset **closing)
{
    struct workset *set = *closing;
    if (!set)
        return;
    workset_commit(set);
    kafka_consumer_close(&set->consumer);        /* the hooks commit and drop what is left */
    must(set->table.count == 0 && !set->first);
    workset_rewrite_stop(set);
    outbox_close(&set->outbox);
    kafka_producer_close(&set->producer);
    kafka_client_close(&set->client);
    live_table_free(&set->table);
    workset_notes_clear(set);
    free(set->shares);
    free(set->group);
    free(set->transactional_id);
    free(set);
    *closing = NULL;
}

bool workset_restored(const struct workset *set)
{
    if (!kafka_consumer_assigned(set->consumer))
        return false;
    for (int32_t p = 0; p < set->share_count; p++) {
        const struct share *share = workset_share(set, p);
        if (share && (workset_restoring(share) || share->live.unseen))
            return false;
    }
    return true;
}

static void show(struct workset *set)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms < set->meters_at_ms)
        return;
    set->meters_at_ms = now_ms + METERS_MS;
    int restoring = 0;
    for (int32_t p = 0; p < set->share_count; p++) {
        const struct share *share = workset_share(set, p);
        restoring += share && workset_restoring(share);
    }
    metric_set(set->meters.restoring, restoring);
    metric_set(set->meters.live, (double)set->table.count);
    metric_set(set->meters.lag, (double)kafka_consumer_lag(set->consumer));
    unstable_show(&set->meters.unstable, set->consumer, &set->topic);
    health_part(set->config.health, "brokers",
                kafka_consumer_away(set->consumer) ? "no Kafka broker answers" : NULL);
    const char *reason = !kafka_consumer_assigned(set->consumer) ? "waiting for partitions"
                       : !workset_restored(set) ? "restoring partitions" : NULL;
    health_part(set->config.health, "partitions", reason);
}

/* Reading stops while the service asks for it, but not while an unknown end is still to be read. */
static void pause_apply(struct workset *set)
{
    bool pause = set->paused && !set->doubt.open;
    if (pause != set->reading_paused)
        kafka_consumer_pause(set->consumer, pause);
    set->reading_paused = pause;
}

/* When the effects that wait may go; INT64_MAX: nothing waits for a time. */
static int64_t effects_at_ms(const struct workset *set)
{
    if (!set->first)
        return INT64_MAX;
    if (set->queued >= EFFECTS_MANY || set->commit_at_ms < set->retry_at_ms)
        return set->retry_at_ms;
    return set->commit_at_ms;
}

static int64_t commit_at_ms(const struct workset *set)
{
    if (set->doubt.open)
        return INT64_MAX;
    int64_t effects_ms = effects_at_ms(set), notes_ms = workset_notes_at_ms(set);
    return effects_ms < notes_ms ? effects_ms : notes_ms;
}

int64_t workset_wait_ms(const struct workset *set, int64_t now_ms, int64_t most_ms)
{
    int64_t at_ms = commit_at_ms(set);
    if (at_ms == INT64_MAX || at_ms - now_ms > most_ms)
        return most_ms;
    return at_ms > now_ms ? at_ms - now_ms : 0;
}

enum trouble workset_turn(struct workset *set)
{
    health_beat(set->config.health);
    pause_apply(set);
    workset_ready(set);
    workset_read(set);
    workset_resolve(set);
    workset_hand_out(set);
    workset_rewrite(set);
    int64_t now_ms = clock_mono_ms();
    bool watermarks = now_ms >= set->quiet_at_ms && now_ms >= set->retry_at_ms;
    if (now_ms >= commit_at_ms(set) || watermarks) {
        if (watermarks)
            set->quiet_at_ms = now_ms + QUIET_MS;
        workset_transact(set, watermarks);
    }
    show(set);
    return set->stopped ? TROUBLE_RESTART : TROUBLE_NONE;
}

int workset_wake_fd(struct workset *set) { return kafka_consumer_wake_fd(set->consumer); }
size_t workset_live(const struct workset *set) { return set->table.count; }
void workset_pause(struct workset *set, bool paused) { set->paused = paused; }

struct work_item *workset_find(const struct workset *set, const char *key, size_t key_length,
                               const struct work_item *except)
{
    return live_table_next(&set->table, key, key_length, NULL, except);
}

struct work_item *workset_next_same(const struct workset *set, const struct work_item *item)
{
    return live_table_next(&set->table, item->key, item->key_length, item, NULL);
}
