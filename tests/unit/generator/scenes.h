/* The whole generator over a work set and a provider in memory: what the scenes share. */
#ifndef UNIT_GENERATOR_SCENES_H
#define UNIT_GENERATOR_SCENES_H

#include <stdio.h>
#include <string.h>

#include "generator/generator.h"
#include "unit/check_main.h"
#include "unit/generator/workset_fake.h"
#include "worker/metrics.h"

/* What the generator tells of its health is not judged here. */
void health_part(struct health *health, const char *part, const char *reason) { (void)health, (void)part,
                                                                                (void)reason; }

static struct generator_settings settings;
static struct metrics *metrics;
static struct generator *generator;

static inline void begin(const char *unknown_submission)
{
    char error[POLICY_ERROR_BYTES];
    fake_reset();
    settings = (struct generator_settings){
        .provider = { .base_url = "http://127.0.0.1:1", .key = "key", .probe_ms = 5000 },
        .policy_path = "deploy/policy.json", .unknown_submission = unknown_submission, .max_in_flight = 4,
        .max_waiting = 1000, .max_submissions = 2, .create_timeout_ms = 60000, .revoke_ms = 10000,
        .orphan_hold_ms = 60000, .rewrite_after_ms = 3600000 };
    struct policy *policy = policy_read(settings.policy_path, error);
    ck_assert_msg(policy != NULL, "%s", error);
    metrics = metrics_open();
    generator = generator_open(&settings, &policy, metrics, NULL);
}

static inline void end(void)
{
    fake.on_step = NULL;
    generator_close(&generator);
    metrics_close(&metrics);
    fake_reset();
}

static inline void turns(int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(generator_turn(generator), TROUBLE_NONE);
}

static inline void pass(int64_t duration_ms)        /* as a loop would live through it */
{
    for (int64_t left_ms = duration_ms; left_ms > 0; left_ms -= 500) {
        fake_pass(500);
        turns(1);
    }
}

static inline struct fake_item *put_job(const char *generation, const char *user)
{
    struct event job;
    event_init(&job, EVENT_GENERATION_JOB);
    job.generation_id = generation;
    job.user_id = user;
    job.prompt = generation;                 /* so that a call names its generation */
    job.model = "gen4.5";
    job.required_tokens = 3;
    job.accepted_at = fake.wall_ms;
    job.deadline_at = fake.wall_ms + 600000;
    return fake_put(&job);
}

static inline struct fake_item *put_cancel(const char *generation, const char *user)
{
    struct event cancel;
    event_init(&cancel, EVENT_GENERATION_CANCEL_REQUESTED);
    cancel.generation_id = generation;
    cancel.user_id = user;
    return fake_put(&cancel);
}

#define ANSWER(kind, code, ...) { .created = (kind), .status = (code), .retry_after_ms = -1, __VA_ARGS__ }
#define SCENE static const __attribute__((unused)) struct
SCENE runway_create_answer SUBMITTED =
    ANSWER(RUNWAY_SUBMITTED, 200, .task_id = "task-1", .estimated_credits = 25);
SCENE runway_create_answer BUSY =
    ANSWER(RUNWAY_NOT_MADE, 503, .estimated_credits = -1, .message = "shedding load");
SCENE runway_create_answer NO_CREDIT =
    ANSWER(RUNWAY_OPERATOR, 400, .estimated_credits = -1, .message = "not enough credits");
SCENE runway_create_answer REFUSED =
    ANSWER(RUNWAY_REFUSED, 400, .estimated_credits = -1, .message = "Invalid \"ratio\"\xff");
SCENE runway_create_answer UNKNOWN = ANSWER(RUNWAY_UNKNOWN, 0, .estimated_credits = -1, .message = "cut");
SCENE runway_organization_answer EMPTY_PURSE = { .answered = true, .http_status = 200, .credit_balance = 0 };
SCENE runway_organization_answer FULL_PURSE = { .answered = true, .http_status = 200, .credit_balance = 500 };

/* Everything that ends one generation here, or hands it on. */
static inline int ends(const char *generation)
{
    return fake_count(EVENT_GENERATION_TASK, generation) + fake_count(EVENT_GENERATION_FAILED, generation) +
           fake_count(EVENT_GENERATION_CANCELLED, generation);
}

static inline double orphans(const char *label)
{
    return metric_value(metrics_counter(metrics, "reelgate_orphans_total", label,
                                        "Paid tasks whose job was lost, by what became of them."));
}

static inline void only_time_passes(void) { fake_pass(100); }

#endif
