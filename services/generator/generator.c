#include "generator/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"

enum { IDLE_MS = 500, RESTORE_MS = 50, PROBE_GROWTH = 12 };

/* ---- moves that more than one file makes */

void generator_move(struct generator *generator, struct job *job, enum job_state to)
{
    generator->in_state[job->state]--;
    job_move(job, to);
    generator->in_state[to]++;
}

int64_t generator_deadline_in_ms(struct generator *generator, struct job *job)
{
    int64_t open_ms = breaker_open_ms(&generator->breaker, clock_mono_ms());
    job->deadline.standstill_ms = open_ms - job->standstill_at_live_ms + job->held_ms;
    return deadline_of(&job->deadline) - clock_wall_ms();
}

void generator_ready(struct generator *generator, struct job *job, bool first)
{
    generator_move(generator, job, JOB_READY);
    (first ? turns_add_first : turns_add)(&job->lane->turns, &job->turn, job->user);
    int64_t left_ms = generator_deadline_in_ms(generator, job);
    due_set(&generator->due, &job->due, clock_mono_ms() + (left_ms > 0 ? left_ms : 0));
}

void generator_leave_call(struct job *job)
{
    if (job->in_call)
        lane_left(job->lane);
    job->in_call = false;
}

/* The job's cancels end in the same transaction: whether they were heeded or came too late, they are
 * answered by its end. */
static void end_cancels(struct generator *generator, struct job *job)
{
    struct job *cancel;
    while ((cancel = intake_cancel_of(generator, job)) != NULL) {
        if (!job->ending->cancel)
            job->ending->cancel = cancel;
        intake_unlist(generator, cancel);
        generator_move(generator, cancel, JOB_ENDING);
        workset_end_with(generator->set, &job->item, &cancel->item);
    }
}

void generator_end(struct generator *generator, struct job *job, enum ending_kind kind)
{
    intake_unlist(generator, job);
    if (job->turn.line)
        turns_remove(&job->lane->turns, &job->turn);
    due_unset(&generator->due, &job->due);
    generator_leave_call(job);
    generator_deadline_in_ms(generator, job);
    generator_move(generator, job, JOB_ENDING);
    must(!job->ending);
    job->ending = ending_make(kind, job, generator->policy);
    if (kind == ENDING_TASK) {
        const struct post *post = job->post;
        must(job->adopted || (post && post->answered && post->created == RUNWAY_SUBMITTED));
        job->ending->task_id = xstrdup(job->adopted ? job->adopted : post->task_id);
        job->ending->estimated_credits = job->adopted ? -1 : post->estimated_credits;
        following_hand_on(generator, job);
    }
    if (kind == ENDING_REFUSED) {
        job->ending->status = job->post->status;
        job->ending->provider_message = job->post->message ? xstrdup(job->post->message) : NULL;
    }
    workset_end(generator->set, &job->item, job->ending);
    if (job->kind == JOB_GENERATION && kind != ENDING_DUPLICATE && kind != ENDING_ID_TAKEN)
        end_cancels(generator, job);
}

/* ---- the work set's calls */

static struct work_item *read_item(void *self, const struct kafka_record *record, struct decode_error *error)
{
    (void)self;
    struct job *job = job_read(record, error);
    return job ? &job->item : NULL;
}

static enum trouble write_ending(void *self, struct work_item *item, void *tag, struct outbox *outbox)
{
    (void)self;
    return ending_write(tag, (const struct job *)item, outbox);
}

static void ended(void *self, struct work_item *item, void *tag)
{
    struct generator *generator = self;
    struct job *job = (struct job *)item;
    const struct ending *ending = tag;
    char trace[33];
    if (ending) {
        metric_add(generator->meters.ended[ending->kind], 1);
        log_info("job_ended", LOG_TEXT("generation_id", job->item.key), LOG_TEXT("user_id", job->user),
                 LOG_TEXT("trace_id", job_trace_id(job, trace)), LOG_TEXT("end", ENDING_NAMES[ending->kind]),
                 LOG_TEXT("task_id", ending->task_id),
                 LOG_TEXT("reason", ending->provider_message));
    }
    generator->in_state[job->state]--;
    post_end(&generator->posts, &job->post);
    ending_free(&job->ending);
    if (job->kind != JOB_GENERATION)
        return;
    /* A cancel that came while this end was on its way follows the generation to tasks; it lies behind its
     * task there. */
    for (struct work_item *other = workset_find(generator->set, item->key, item->key_length, item); other;
         other = workset_next_same(generator->set, other))
        if (other != item && !workset_queued(other))
            intake_again(generator, (struct job *)other);
}

/* ---- open, turn, close */

static void open_meters(struct generator *generator, struct metrics *metrics)
{
    struct generator_meters *meters = &generator->meters;
    char labels[64];
    for (int i = 0; i < JOB_STATES; i++) {
        snprintf(labels, sizeof labels, "state=\"%s\"", JOB_STATE_NAMES[i]);
        meters->in_flight[i] = metrics_gauge(metrics, "reelgate_generations_in_flight", labels,
                                             "Generations that this program holds, by state.");
    }
    for (int i = 0; i < ENDING_KINDS; i++) {
        snprintf(labels, sizeof labels, "end=\"%s\"", ENDING_NAMES[i]);
        meters->ended[i] = metrics_counter(metrics, "reelgate_jobs_ended_total", labels,
                                           "Jobs and cancels by how they ended.");
    }
    meters->unknown = metrics_counter(metrics, "reelgate_submissions_unknown_total", NULL,
                                      "Create calls whose outcome can't be known.");
    meters->orphans_deleted = metrics_counter(metrics, "reelgate_orphans_total", "outcome=\"deleted\"",
                                              "Paid tasks whose job was lost, by what became of them.");
    meters->orphans_left = metrics_counter(metrics, "reelgate_orphans_total", "outcome=\"left\"",
                                           "Paid tasks whose job was lost, by what became of them.");
    meters->reattached = metrics_counter(metrics, "reelgate_posts_reattached_total", NULL,
                                         "Open create calls whose job came back after a rebalance.");
    meters->stale_intents = metrics_counter(metrics, "reelgate_intents_unused_total", NULL,
                                            "Intents closed without a create call (a pause, a cancel, a "
                                            "rebalance).");
    meters->breaker_open = metrics_gauge(metrics, "reelgate_breaker_open", NULL,
                                         "1 while only the operator can help (key, credit).");
    meters->live = metrics_gauge(metrics, "reelgate_tasks_live", NULL,
                                 "Tasks at the provider in this program's partitions, as far as they are "
                                 "counted.");
    meters->held_models = metrics_gauge(metrics, "reelgate_models_held", NULL,
                                        "Models that the provider takes nothing of for now (429, 503).");
    meters->daily_limits = metrics_counter(metrics, "reelgate_daily_limits_total", NULL,
                                           "Create calls answered 429: usually the day's count of a model.");
    meters->credits = metrics_gauge(metrics, "reelgate_provider_credits", NULL,
                                    "Credit balance at the provider, as last asked.");
    meters->aside = metrics_gauge(metrics, "reelgate_posts_aside", NULL,
                                  "Create calls whose job was taken away.");
    meters->calls = provider_calls_open(metrics);
}

const char *generator_settings_flaw(const struct generator_settings *settings)
{
    char **headers = provider_headers(&settings->provider);
    const char *flaw = runway_config_flaw(&(struct runway_config){
        .base_url = settings->provider.base_url, .key = settings->provider.key,
        .extra_headers = (const char *const *)headers });
    provider_headers_free(&headers);
    return flaw;
}

static void open_provider(struct generator *generator)
{
    const struct provider_settings *provider = &generator->settings->provider;
    char **headers = provider_headers(provider);
    const struct runway_config config = {
        .base_url = provider->base_url, .key = provider->key, .extra_headers = (const char *const *)headers,
        .create_timeout_ms = (int)generator->settings->create_timeout_ms, .look_timeout_ms = 20000 };
    provider_warn(provider);
    generator->http = http_client_open();
    generator->runway = runway_open(&config, generator->http);
    provider_headers_free(&headers);
}

struct generator *generator_open(const struct generator_settings *settings, struct policy **policy,
                                 struct metrics *metrics, struct health *health)
{
    static const enum topic writes[] = { TOPIC_TASKS, TOPIC_RESULTS, TOPIC_JOBS, TOPIC_DEAD_LETTERS };
    struct generator *generator = xcalloc(1, sizeof *generator);
    generator->settings = settings;
    generator->health = health;
    generator->policy = *policy;
    *policy = NULL;
    bool resubmit = strcmp(settings->unknown_submission, "resubmit") == 0;
    bool hold = strcmp(settings->unknown_submission, "hold") == 0;
    generator->rules = (struct submit_rules){ .resubmit = resubmit, .hold = hold,
                                              .max_submissions = (int)settings->max_submissions,
                                              .create_timeout_ms = settings->create_timeout_ms };
    breaker_init(&generator->breaker, settings->provider.probe_ms,
                 settings->provider.probe_ms * PROBE_GROWTH);
    open_meters(generator, metrics);
    open_provider(generator);
    generator->set = workset_open(
        &(struct workset_config){ .worker = &settings->worker, .metrics = metrics, .health = health,
                                  .rewrite_after_ms = settings->rewrite_after_ms,
                                  .commit_every_ms = settings->commit_every_ms },
        &(struct workset_stage){ .program = "reelgate-generator", .reads = TOPIC_JOBS, .writes = writes,
                                 .write_count = sizeof writes / sizeof writes[0], .self = generator,
                                 .read = read_item, .live = intake_live, .drop = intake_drop,
                                 .write = write_ending, .ended = ended, .intended = calls_intended,
                                 .closed = calls_closed, .revoking = calls_revoking,
                                 .assigned = following_assigned, .revoked = following_revoked });
    return generator;
}

static void show(struct generator *generator)
{
    for (int i = 0; i < JOB_STATES; i++)
        metric_set(generator->meters.in_flight[i], (double)generator->in_state[i]);
    metric_set(generator->meters.breaker_open, generator->breaker.state == BREAKER_CLOSED ? 0 : 1);
    metric_set(generator->meters.aside, (double)generator->posts.aside);
    size_t live = 0, held = 0;
    for (size_t i = 0; i < generator->lanes.count; i++) {
        live += generator->lanes.all[i]->live;
        held += generator->lanes.all[i]->hold_until_ms > clock_mono_ms();
    }
    metric_set(generator->meters.live, (double)live);
    metric_set(generator->meters.held_models, (double)held);
}

static int64_t wait_ms(const struct generator *generator)
{
    int64_t now_ms = clock_mono_ms();
    int64_t most_ms = due_wait_ms(&generator->due, now_ms,
                                  generator->fresh[JOB_CANCEL].first || generator->fresh[JOB_WORD].first
                                  ? RESTORE_MS : IDLE_MS);
    most_ms = workset_wait_ms(generator->set, now_ms, most_ms);
    most_ms = lanes_wait_ms(&generator->lanes, now_ms, most_ms);
    most_ms = breaker_wait_ms(&generator->breaker, now_ms, most_ms);
    return orphans_wait_ms(generator, most_ms);
}

enum trouble generator_turn(void *self)
{
    struct generator *generator = self;
    bool full = workset_restored(generator->set) &&
                workset_live(generator->set) >= (size_t)generator->settings->max_waiting;
    workset_pause(generator->set, generator->stopping || full);
    enum trouble trouble = workset_turn(generator->set);
    if (trouble != TROUBLE_NONE)
        return trouble;
    intake_judge(generator);
    calls_timers(generator);
    orphans_turn(generator);
    probe_turn(generator);
    following_turn(generator);
    limits_turn(generator);
    calls_start(generator);
    show(generator);
    const int fds[] = { workset_wake_fd(generator->set), following_wake_fd(generator) };
    http_client_step(generator->http, fds, fds[1] >= 0 ? 2 : 1, (int)wait_ms(generator));
    return TROUBLE_NONE;
}

void generator_reload(void *self)
{
    struct generator *generator = self;
    policy_again(&generator->policy, generator->settings->policy_path);
}

void generator_drain(void *self)
{
    struct generator *generator = self;
    generator->stopping = true;
}

bool generator_drained(void *self)
{
    const struct generator *generator = self;
    return generator->posts.first == NULL && generator->intending == 0 &&
           generator->in_state[JOB_CLOSING] == 0 && generator->in_state[JOB_ENDING] == 0;
}

void generator_close(struct generator **generator)
{
    struct generator *self = *generator;
    if (!self)
        return;
    self->stopping = true;
    workset_close(&self->set);           /* drops every job: what is still open is put aside */
    runway_close(&self->runway);
    http_client_close(&self->http);
    posts_free(&self->posts);
    following_close(self);
    lanes_free(&self->lanes);
    due_free(&self->due);
    policy_free(&self->policy);
    provider_calls_close(&self->meters.calls);
    free(self);
    *generator = NULL;
}
