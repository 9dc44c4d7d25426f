/* From the intent to the answer. The intent is durable before the POST, and the POST starts only in
 * calls_intended: after the transaction that holds the intent was committed, which is also what proves
 * that the job is still ours. */
#include "generator/inside.h"

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/must.h"
#include "base/planted.h"

enum { OVERDUE_AGAIN_MS = 1000, AGAIN_FIRST_MS = 500, AGAIN_MOST_MS = 2000 };

/* ---- waiting */

static void wait_ms(struct generator *generator, struct job *job, int64_t for_ms)
{
    int64_t now_ms = clock_mono_ms();
    int64_t left_ms = generator_deadline_in_ms(generator, job);
    generator_move(generator, job, JOB_WAITING);
    job->retry_at_ms = now_ms + for_ms;
    due_set(&generator->due, &job->due, now_ms + (left_ms < for_ms && left_ms > 0 ? left_ms : for_ms));
}

/* No intent is open and nothing is on the way: heed a cancel that came meanwhile, else wait for the next
 * try. */
static void go_on(struct generator *generator, struct job *job, int64_t for_ms)
{
    if (intake_cancel_of(generator, job))
        generator_end(generator, job, job->item.attempts > 0 ? ENDING_UNKNOWN : ENDING_CANCELLED);
    else if (for_ms > 0)
        wait_ms(generator, job, for_ms);
    else
        generator_ready(generator, job, true);
}

/* Past its deadline without a task. An intent of which nobody knows outranks that: it may hide one. */
static bool end_overdue(struct generator *generator, struct job *job)
{
    if (generator_deadline_in_ms(generator, job) > 0)
        return false;
    if (generator->breaker.state != BREAKER_CLOSED)
        return false;
    generator_end(generator, job, job->item.attempts > 0 ? ENDING_UNKNOWN : ENDING_DEADLINE);
    return true;
}

/* Since when nobody knows. An attempt that a more generous policy left behind has no open intent that tells. */
static int64_t unknown_since_ms(const struct job *job)
{
    return job->item.intent_at_ms != 0 ? job->item.intent_at_ms : job->deadline.accepted_at_ms;
}

/* The hold stays, and the intent stays open: whoever owns the partition next comes to the same. */
static void hold(struct generator *generator, struct job *job)
{
    int64_t left_ms = unknown_since_ms(job) + generator->settings->unknown_hold_ms - clock_wall_ms();
    generator_leave_call(job);
    post_end(&generator->posts, &job->post);
    generator_move(generator, job, JOB_UNKNOWN);
    due_set(&generator->due, &job->due, clock_mono_ms() + (left_ms > 0 ? left_ms : 0));
    log_error("submission_held", LOG_TEXT("generation_id", job->item.key), LOG_TEXT("user_id", job->user),
              LOG_NUMBER("attempt", job->item.attempts),
              LOG_TEXT("reason", "it is not known whether the provider took it; look, and say so with reelgate "
                                 "submissions"));
}

static void unknown_verdict(struct generator *generator, struct job *job)
{
    bool cancel_waits = intake_cancel_of(generator, job) != NULL;
    metric_add(generator->meters.unknown, 1);
    enum submit_step step = submit_unknown(&generator->rules, job->item.attempts, cancel_waits);
    if (step == SUBMIT_HOLD)
        hold(generator, job);
    else if (step == SUBMIT_AGAIN)
        generator_ready(generator, job, true);
    else
        generator_end(generator, job, ENDING_UNKNOWN);
}

static void timer(struct generator *generator, struct job *job, int64_t now_ms)
{
    if (job->state == JOB_DOUBTFUL) {
        log_warn("submission_unknown", LOG_TEXT("generation_id", job->item.key),
                 LOG_TEXT("user_id", job->user),
                 LOG_TEXT("reason", "the intent of a former owner was never answered"),
                 LOG_NUMBER("attempt", job->item.attempts));
        unknown_verdict(generator, job);
        return;
    }
    if (job->state == JOB_UNKNOWN) {
        log_error("submission_held_too_long", LOG_TEXT("generation_id", job->item.key),
                  LOG_TEXT("user_id", job->user));
        generator_end(generator, job, ENDING_UNKNOWN);
        return;
    }
    must(job->state == JOB_READY || job->state == JOB_WAITING);
    if (end_overdue(generator, job))
        return;
    if (job->state == JOB_WAITING && now_ms >= job->retry_at_ms) {
        generator_ready(generator, job, true);
        return;
    }
    int64_t left_ms = generator_deadline_in_ms(generator, job);
    int64_t at_ms = now_ms + (left_ms > OVERDUE_AGAIN_MS ? left_ms : OVERDUE_AGAIN_MS);
    if (job->state == JOB_WAITING && job->retry_at_ms < at_ms)
        at_ms = job->retry_at_ms;
    due_set(&generator->due, &job->due, at_ms);
}

void calls_timers(struct generator *generator)
{
    int64_t now_ms = clock_mono_ms();
    struct due_node *node;
    while ((node = due_take(&generator->due, now_ms)) != NULL)
        timer(generator, DUE_OWNER(node, struct job, due), now_ms);
}

/* ---- intents */

static void post(struct generator *generator, struct job *job);

/* Planted: POST_BEFORE_INTENT, and time enough for it to be handed over. */
static void post_too_early(struct generator *generator, struct job *job)
{
    post(generator, job);
    for (int i = 0; i < 20; i++)
        http_client_step(generator->http, NULL, 0, 10);
}

static void intend(struct generator *generator, struct job *job)
{
    due_unset(&generator->due, &job->due);
    job->in_call = true;
    /* the policy was stricter than its writer's */
    if (!submit_allowed(&generator->rules, job->item.attempts)) {
        if (generator->rules.hold)
            hold(generator, job);
        else
            generator_end(generator, job, ENDING_UNKNOWN);
        return;
    }
    generator_move(generator, job, JOB_INTENDING);
    generator->intending++;
    job->intent_queued_ms = clock_mono_ms();
    workset_intent(generator->set, &job->item);
    if (planted(POST_BEFORE_INTENT))
        post_too_early(generator, job);
}

void calls_start(struct generator *generator)
{
    size_t most = (size_t)generator->settings->max_in_flight;
    struct turn *turn;
    struct lane *lane;
    while (!generator->stopping && limits_allow(generator) && generator->posts.unanswered + generator->intending < most &&
           breaker_allows(&generator->breaker, generator->posts.unanswered + generator->intending) &&
           (turn = lanes_take(&generator->lanes, clock_mono_ms(), &lane)) != NULL)
        intend(generator, DUE_OWNER(turn, struct job, turn));
}

/* An intent that led to no POST: certainly no task was made. */
static void close_intent(struct generator *generator, struct job *job, int64_t then_wait_ms)
{
    generator_leave_call(job);
    generator_move(generator, job, JOB_CLOSING);
    job->retry_at_ms = then_wait_ms;     /* until closed: how long to wait then */
    workset_close_intent(generator->set, &job->item);
}

void calls_release(struct generator *generator, struct job *job)
{
    int64_t held_ms = clock_wall_ms() - unknown_since_ms(job);
    due_unset(&generator->due, &job->due);
    job->held_ms += held_ms > 0 ? held_ms : 0;       /* the user's clock stands still for the operator */
    close_intent(generator, job, 0);
}

static void created(void *self, void *tag, const struct runway_create_answer *answer);

static void post(struct generator *generator, struct job *job)
{
    struct post *post = post_start(&generator->posts, job, generator);
    generator_move(generator, job, JOB_POSTING);
    const struct runway_request request = {
        .model = job->model, .prompt = job->prompt, .ratio = job->ratio, .image = job->image,
        .duration_seconds = job->duration_seconds, .seed = job->seed };
    runway_create(generator->runway, &request, created, generator, post);
    crash_point(CRASH_GENERATOR_POST_STARTED);
}

void calls_intended(void *self, struct work_item *item)
{
    struct generator *generator = self;
    struct job *job = (struct job *)item;
    int64_t since_queued_ms = clock_mono_ms() - job->intent_queued_ms;
    int64_t since_intent_ms = clock_wall_ms() - item->intent_at_ms;
    bool fresh = submit_fresh(&generator->rules, since_queued_ms, since_intent_ms);
    generator->intending--;
    if (planted(POST_BEFORE_INTENT))
        return;
    if (fresh && !generator->stopping && !generator->revoking && generator->breaker.state != BREAKER_OPEN &&
        !intake_cancel_of(generator, job)) {
        post(generator, job);
        return;
    }
    metric_add(generator->meters.stale_intents, 1);
    log_info("intent_unused", LOG_TEXT("generation_id", item->key), LOG_TEXT("late", fresh ? NULL : "true"),
             LOG_NUMBER("since_intent_ms", since_intent_ms));
    close_intent(generator, job, 0);
}

void calls_closed(void *self, struct work_item *item)
{
    struct generator *generator = self;
    struct job *job = (struct job *)item;
    post_end(&generator->posts, &job->post);
    go_on(generator, job, job->retry_at_ms);
}

/* ---- answers */

static void log_answer(const struct post *post, bool lost)
{
    static const char *const names[] = {
        [RUNWAY_SUBMITTED] = "submitted", [RUNWAY_NOT_MADE] = "not_made", [RUNWAY_OPERATOR] = "operator",
        [RUNWAY_REFUSED] = "refused", [RUNWAY_UNKNOWN] = "unknown",
    };
    bool fine = post->created == RUNWAY_SUBMITTED && !lost;
    char trace[33] = "";
    for (int i = 0; i < 32 && post->traceparent[0]; i++)
        trace[i] = post->traceparent[i + 3];
    const struct log_field fields[] = {
        LOG_TEXT("generation_id", post->key), LOG_TEXT("trace_id", trace[0] ? trace : NULL),
        LOG_TEXT("answer", names[post->created]), LOG_NUMBER("http_status", post->status),
        LOG_NUMBER("attempt", post->attempt), LOG_TEXT("task_id", post->task_id[0] ? post->task_id : NULL),
        LOG_TEXT("reason", fine ? NULL : post->message), LOG_TEXT("lost", lost ? "true" : NULL),
    };
    log_write(fine ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "create_answered", fields,
              sizeof fields / sizeof fields[0]);
}

/* The provider works and takes calls of this account: whatever it said about this one. */
static bool shows_health(const struct post *post)
{
    return post->status != 0 && post->created != RUNWAY_OPERATOR && post->created != RUNWAY_UNKNOWN;
}

/* Hours long, most likely (Runway counts over 24 hours): the operator should hear of it, once a hold. */
static void tell_daily_limit(struct generator *generator, const struct lane *lane)
{
    metric_add(generator->meters.daily_limits, 1);
    log_warn("daily_limit", LOG_TEXT("model", lane->model),
             LOG_NUMBER("wait_ms", lane->hold_until_ms - clock_mono_ms()),
             LOG_NUMBER("waiting", lane->turns.waiting),
             LOG_TEXT("reason", "the provider takes no more of this model for now; its jobs wait, in their order"));
}

static void wait_or_break(struct generator *generator, struct job *job, enum submit_step step)
{
    const struct runway_create_answer answer = post_answer(job->post);
    int64_t for_ms = submit_wait_ms(&job->backoff, &answer);
    if (step == SUBMIT_CLOSE_AND_BREAK) {
        probe_trip(generator, answer.status, answer.message);
    } else {
        /* The whole lane slows down with it; without an answer at all only as far as its own backoff says. */
        int64_t before_ms = job->lane->hold_until_ms;
        lane_held(job->lane, clock_mono_ms(), answer.status == 429 ? for_ms : answer.retry_after_ms);
        job->in_call = false;
        if (answer.daily_limit && job->lane->hold_until_ms != before_ms)
            tell_daily_limit(generator, job->lane);
    }
    close_intent(generator, job, for_ms);
}

static void act_on_answer(struct generator *generator, struct job *job)
{
    struct post *answered = job->post;
    bool cancel_waits = intake_cancel_of(generator, job) != NULL;
    enum submit_step step = submit_answered(&generator->rules, answered->created, job->item.attempts,
                                            cancel_waits);
    if (shows_health(answered))
        probe_passed(generator);
    if (answered->created == RUNWAY_UNKNOWN)
        metric_add(generator->meters.unknown, 1);
    if (job->in_call && (step == SUBMIT_TASK_OUT || step == SUBMIT_FAIL_REFUSED)) {
        lane_taken(job->lane);
        job->in_call = false;
    }
    switch (step) {
    case SUBMIT_TASK_OUT:        generator_end(generator, job, ENDING_TASK); return;
    case SUBMIT_FAIL_REFUSED:    generator_end(generator, job, ENDING_REFUSED); return;
    case SUBMIT_FAIL_UNKNOWN:    generator_end(generator, job, ENDING_UNKNOWN); return;
    case SUBMIT_HOLD:            hold(generator, job); return;
    case SUBMIT_CLOSE_AND_WAIT:
    case SUBMIT_CLOSE_AND_BREAK: wait_or_break(generator, job, step); return;
    case SUBMIT_AGAIN:
        generator_leave_call(job);
        post_end(&generator->posts, &job->post);
        wait_ms(generator, job, jitter_ms(AGAIN_FIRST_MS, AGAIN_MOST_MS));
        return;
    }
    unreachable();
}

static void created(void *self, void *tag, const struct runway_create_answer *answer)
{
    struct generator *generator = self;
    struct post *post = tag;
    post_answered(&generator->posts, post, answer);
    provider_called(generator->meters.calls, PROVIDER_CREATE, answer->status, answer->duration_ms);
    log_answer(post, post->job == NULL);
    crash_point(CRASH_GENERATOR_POST_ANSWERED);
    if (post->job)
        act_on_answer(generator, post->job);
}

void calls_resume(struct generator *generator, struct job *job, struct post *post)
{
    metric_add(generator->meters.reattached, 1);
    log_info("call_found_again", LOG_TEXT("generation_id", job->item.key),
             LOG_NUMBER("attempt", post->attempt),
             LOG_TEXT("answered", post->answered ? "true" : "false"));
    job->in_call = true;
    job->lane->calls_open++;
    generator_move(generator, job, JOB_POSTING);
    if (post->answered)
        act_on_answer(generator, job);
}

/* ---- a rebalance */

static bool calls_open(const struct generator *generator)
{
    for (const struct post *post = generator->posts.first; post; post = post->next)
        if (post->job && !post->answered)
            return true;
    return false;
}

/* Every partition is about to be taken away, most of them only for a moment. What is answered and
 * committed before it goes needs no second look by anyone: so the rebalance is held up for a little while. */
void calls_revoking(void *self)
{
    struct generator *generator = self;
    int64_t until_ms = clock_mono_ms() + (generator->stopping ? 0 : generator->settings->revoke_ms);
    generator->revoking = true;
    bool committed = workset_commit(generator->set);
    while (committed && calls_open(generator) && clock_mono_ms() < until_ms) {
        int64_t left_ms = until_ms - clock_mono_ms();
        http_client_step(generator->http, NULL, 0, (int)(left_ms < 100 ? left_ms : 100));
        committed = workset_commit(generator->set);
    }
    /* Once more: an intent that became durable just now was closed instead of used. */
    if (committed)
        workset_commit(generator->set);
    generator->revoking = false;
}
