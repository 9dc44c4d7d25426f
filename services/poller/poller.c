#include "poller/inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "poller/progress.h"

enum { IDLE_MS = 500, RESTORE_MS = 50, PROBE_GROWTH = 12 };

/* ---- moves that more than one file makes */

void poller_move(struct poller *poller, struct task *task, enum task_state to)
{
    poller->in_state[task->state]--;
    task_move(task, to);
    poller->in_state[to]++;
}

void poller_seen(struct poller *poller, struct task *task, bool missing)
{
    if ((task->missing_since_ms != 0) == missing)
        return;
    task->missing_since_ms = missing ? clock_mono_ms() : 0;
    poller->missing += missing ? 1 : (size_t)-1;
    if (poller->missing == 0)
        health_part(poller->health, "runway_tasks", NULL);
}

static void end_cancels(struct poller *poller, struct task *task)
{
    struct task *cancel;
    while ((cancel = intake_cancel_of(poller, task)) != NULL) {
        due_unset(&poller->fresh[TASK_CANCEL], &cancel->due);
        poller_move(poller, cancel, TASK_ENDING);
        workset_end_with(poller->set, &task->item, &cancel->item);
    }
}

void poller_end(struct poller *poller, struct task *task, enum verdict_kind kind,
                const struct runway_look_answer *answer)
{
    must(!task->verdict && task->call == 0);
    poller_seen(poller, task, false);
    poller_move(poller, task, TASK_ENDING);
    task->verdict = verdict_make(kind, task, answer, poller->policy);
    workset_end(poller->set, &task->item, task->verdict);
    if (task->kind == TASK_FOLLOWED && kind != VERDICT_DUPLICATE)
        end_cancels(poller, task);
}

/* ---- the work set's calls */

static struct work_item *read_item(void *self, const struct kafka_record *record, struct decode_error *error)
{
    struct poller *poller = self;
    struct task *task = task_read(record, &poller->history, error);
    return task ? &task->item : NULL;
}

static enum trouble write_verdict(void *self, struct work_item *item, void *tag, struct outbox *outbox)
{
    (void)self;
    return verdict_write(tag, (const struct task *)item, outbox);
}

static enum trouble write_note(void *self, struct work_item *item, struct outbox *outbox)
{
    (void)self;
    return progress_write((const struct task *)item, outbox);
}

static void tell(struct poller *poller, const struct task *task, const struct verdict *verdict)
{
    enum verdict_kind kind = verdict_kind(verdict);
    char trace[33];
    metric_add(poller->meters.ended[kind], 1);
    if (kind == VERDICT_ORPHAN_DELETED) {
        metric_add(poller->meters.orphans_deleted, 1);
        log_warn("orphan_deleted", LOG_TEXT("generation_id", task->item.key), LOG_TEXT("task_id", task_id(task)),
                 LOG_TEXT("reason", "the operator found it"));
    }
    if (task->kind != TASK_FOLLOWED || kind == VERDICT_DUPLICATE)
        return;
    int64_t total_ms = verdict_at_ms(verdict) - task->accepted_at_ms;
    int64_t render_ms = verdict_at_ms(verdict) - task->submitted_at_ms;
    metric_observe(poller->meters.durations[kind], (double)(total_ms > 0 ? total_ms : 0) / 1000.0);
    if (kind == VERDICT_COMPLETED)
        history_add(&poller->history, task->model, render_ms);
    log_info("task_ended", LOG_TEXT("generation_id", task->item.key), LOG_TEXT("user_id", task_user(task)),
             LOG_TEXT("trace_id", task_trace_id(task, trace)), LOG_TEXT("task_id", task_id(task)),
             LOG_TEXT("end", VERDICT_NAMES[kind]), LOG_TEXT("failure_code", verdict_failure_code(verdict)),
             LOG_NUMBER("render_ms", render_ms), LOG_NUMBER("total_ms", total_ms));
}

static void ended(void *self, struct work_item *item, void *tag)
{
    struct poller *poller = self;
    struct task *task = (struct task *)item;
    if (tag)
        tell(poller, task, tag);
    poller->in_state[task->state]--;
    verdict_free(&task->verdict);
    if (task->kind != TASK_FOLLOWED)
        return;
    /* A cancel that came while this end was on its way has nothing left to cancel. */
    for (struct work_item *other = workset_find(poller->set, item->key, item->key_length, item); other;
         other = workset_next_same(poller->set, other))
        if (other != item && !workset_queued(other))
            intake_again(poller, (struct task *)other);
}

/* ---- open, turn, close */

static void open_meters(struct poller *poller, struct metrics *metrics)
{
    struct poller_meters *meters = &poller->meters;
    char labels[64];
    for (int i = 0; i < TASK_STATES; i++) {
        snprintf(labels, sizeof labels, "state=\"%s\"", TASK_STATE_NAMES[i]);
        meters->in_flight[i] = metrics_gauge(metrics, "reelgate_generations_in_flight", labels,
                                             "Generations that this program holds, by state.");
    }
    for (int i = 0; i < VERDICT_KINDS; i++) {
        snprintf(labels, sizeof labels, "end=\"%s\"", VERDICT_NAMES[i]);
        meters->ended[i] = metrics_counter(metrics, "reelgate_tasks_ended_total", labels,
                                           "Tasks and cancels by how they ended.");
        snprintf(labels, sizeof labels, "outcome=\"%s\"", VERDICT_NAMES[i]);
        meters->durations[i] = metrics_histogram(metrics, "reelgate_generation_duration_seconds", labels,
                                                 "From acceptance to the provider's verdict.", METRICS_SLOW);
    }
    meters->orphans_deleted = metrics_counter(metrics, "reelgate_orphans_total", "outcome=\"deleted\"",
                                              "Paid tasks that nobody follows, by what became of them.");
    meters->breaker_open = metrics_gauge(metrics, "reelgate_breaker_open", NULL,
                                         "1 while only the operator can help (key, credit).");
    meters->missing = metrics_gauge(metrics, "reelgate_tasks_missing", NULL,
                                    "Tasks that answered 404 when last looked at.");
    meters->overdue_seconds = metrics_gauge(metrics, "reelgate_looks_overdue_seconds", NULL,
                                            "How late the next look is: above a minute more instances are "
                                            "needed.");
    meters->calls = provider_calls_open(metrics);
}

const char *poller_settings_flaw(const struct poller_settings *settings)
{
    char **headers = provider_headers(&settings->provider);
    const char *flaw = runway_config_flaw(&(struct runway_config){
        .base_url = settings->provider.base_url, .key = settings->provider.key,
        .extra_headers = (const char *const *)headers });
    provider_headers_free(&headers);
    return flaw;
}

static void open_provider(struct poller *poller)
{
    const struct provider_settings *provider = &poller->settings->provider;
    char **headers = provider_headers(provider);
    const struct runway_config config = {
        .base_url = provider->base_url, .key = provider->key, .extra_headers = (const char *const *)headers,
        .create_timeout_ms = 60000, .look_timeout_ms = (int)poller->settings->look_timeout_ms };
    provider_warn(provider);
    poller->http = http_client_open();
    poller->runway = runway_open(&config, poller->http);
    provider_headers_free(&headers);
}

struct poller *poller_open(const struct poller_settings *settings, struct policy **policy,
                           struct metrics *metrics,
                           struct health *health)
{
    static const enum topic writes[] = { TOPIC_RESULTS, TOPIC_TASKS, TOPIC_DEAD_LETTERS };
    struct poller *poller = xcalloc(1, sizeof *poller);
    poller->settings = settings;
    poller->health = health;
    poller->policy = *policy;
    *policy = NULL;
    poller->calls = xcalloc((size_t)settings->max_in_flight, sizeof *poller->calls);
    pace_init(&poller->pace, settings->looks_per_second, clock_mono_ms());
    breaker_init(&poller->breaker, settings->provider.probe_ms, settings->provider.probe_ms * PROBE_GROWTH);
    open_meters(poller, metrics);
    open_provider(poller);
    poller->set = workset_open(
        &(struct workset_config){ .worker = &settings->worker, .metrics = metrics, .health = health,
                                  .rewrite_after_ms = settings->rewrite_after_ms,
                                  .commit_every_ms = settings->commit_every_ms },
        &(struct workset_stage){ .program = "reelgate-poller", .reads = TOPIC_TASKS, .writes = writes,
                                 .write_count = sizeof writes / sizeof writes[0], .self = poller,
                                     .read = read_item,
                                 .live = intake_live, .drop = intake_drop, .write = write_verdict,
                                     .ended = ended, .note = write_note,
                                 .revoking = looks_revoking });
    return poller;
}

static void show(struct poller *poller)
{
    for (int i = 0; i < TASK_STATES; i++)
        metric_set(poller->meters.in_flight[i], (double)poller->in_state[i]);
    metric_set(poller->meters.breaker_open, poller->breaker.state == BREAKER_CLOSED ? 0 : 1);
    metric_set(poller->meters.missing, (double)poller->missing);
}

static int64_t wait_ms(const struct poller *poller)
{
    int64_t now_ms = clock_mono_ms();
    if (due_first(&poller->fresh[TASK_FOLLOWED]))
        return 0;
    bool restoring = due_first(&poller->fresh[TASK_CANCEL]) || due_first(&poller->fresh[TASK_ORPHAN]);
    int64_t idle_ms = workset_wait_ms(poller->set, now_ms, restoring ? RESTORE_MS : IDLE_MS);
    int64_t most_ms = breaker_wait_ms(&poller->breaker, now_ms, idle_ms);
    int64_t due_ms = due_wait_ms(&poller->due, now_ms, most_ms);
    /* Something is due but may not start: an answer or the pace lets it go, not the clock. */
    if (due_ms == 0 && (poller->stopping || poller->calls_open >= (size_t)poller->settings->max_in_flight ||
                        !breaker_allows(&poller->breaker, poller->calls_open)))
        return most_ms;
    int64_t pace_ms = pace_wait_ms(&poller->pace, now_ms, most_ms);
    return due_ms > pace_ms ? due_ms : pace_ms;
}

enum trouble poller_turn(void *self)
{
    struct poller *poller = self;
    workset_pause(poller->set, poller->stopping);
    enum trouble trouble = workset_turn(poller->set);
    if (trouble != TROUBLE_NONE)
        return trouble;
    intake_judge(poller);
    looks_probe(poller);
    looks_start(poller);
    show(poller);
    int fd = workset_wake_fd(poller->set);
    http_client_step(poller->http, &fd, 1, (int)wait_ms(poller));
    return TROUBLE_NONE;
}

void poller_reload(void *self)
{
    struct poller *poller = self;
    policy_again(&poller->policy, poller->settings->policy_path);
}

void poller_drain(void *self)
{
    struct poller *poller = self;
    poller->stopping = true;
}

bool poller_drained(void *self)
{
    const struct poller *poller = self;
    return poller->calls_open == 0 && poller->in_state[TASK_ENDING] == 0;
}

void poller_close(struct poller **poller)
{
    struct poller *self = *poller;
    if (!self)
        return;
    workset_close(&self->set);
    runway_close(&self->runway);
    http_client_close(&self->http);
    due_free(&self->due);
    for (int kind = 0; kind < TASK_KINDS; kind++)
        due_free(&self->fresh[kind]);
    policy_free(&self->policy);
    provider_calls_close(&self->meters.calls);
    free(self->calls);
    free(self);
    *poller = NULL;
}
