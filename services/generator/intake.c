/* What the work set hands out is only listed at first and judged after its turn: then all items of a
 * restored partition are known, and a cancel finds its job whichever of the two lies first (a rewritten
 * job lies behind its cancel). */
#include "generator/inside.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"

void intake_unlist(struct generator *generator, struct job *job)
{
    struct fresh *list = &generator->fresh[job->kind];
    if (!job->listed)
        return;
    *(job->fresh_before ? &job->fresh_before->fresh_after : &list->first) = job->fresh_after;
    *(job->fresh_after ? &job->fresh_after->fresh_before : &list->last) = job->fresh_before;
    job->fresh_before = job->fresh_after = NULL;
    job->listed = false;
}

void intake_again(struct generator *generator, struct job *job)
{
    struct fresh *list = &generator->fresh[job->kind];
    if (job->state != JOB_FRESH || job->listed)
        return;
    job->fresh_before = list->last;
    *(list->last ? &list->last->fresh_after : &list->first) = job;
    list->last = job;
    job->listed = true;
}

void intake_live(void *self, struct work_item *item)
{
    struct generator *generator = self;
    struct job *job = (struct job *)item;
    generator->in_state[JOB_FRESH]++;
    job->deadline.live_at_ms = clock_wall_ms();
    job->standstill_at_live_ms = breaker_open_ms(&generator->breaker, clock_mono_ms());
    job->backoff = submit_backoff();
    if (job->kind == JOB_GENERATION)
        job->lane = lanes_of(&generator->lanes, job->model);
    intake_again(generator, job);
}

void intake_drop(void *self, struct work_item *item)
{
    struct generator *generator = self;
    struct job *job = (struct job *)item;
    intake_unlist(generator, job);
    if (job->state == JOB_INTENDING)
        generator->intending--;
    generator->in_state[job->state]--;
    if (job->turn.line)
        turns_remove(&job->lane->turns, &job->turn);
    due_unset(&generator->due, &job->due);
    generator_leave_call(job);
    if (job->post)
        post_put_aside(&generator->posts, job->post, clock_mono_ms(), workset_doubtful(item));
    ending_free(&job->ending);
}

static struct job *next_same(const struct generator *generator, const struct job *job,
                             const struct job *after)
{
    struct work_item *item = after ? workset_next_same(generator->set, &after->item)
                                   : workset_find(generator->set, job->item.key, job->item.key_length,
                                                  &job->item);
    while (item == &job->item)
        item = workset_next_same(generator->set, item);
    return (struct job *)item;
}

struct job *intake_cancel_of(const struct generator *generator, const struct job *job)
{
    for (struct job *other = next_same(generator, job, NULL); other; other = next_same(generator, job, other))
        if (other->kind == JOB_CANCEL && other->state == JOB_FRESH && strcmp(other->user, job->user) == 0 &&
            !workset_queued(&other->item))
            return other;
    return NULL;
}

static struct job *next_rival(const struct generator *generator, const struct job *job,
                              const struct job *after)
{
    struct job *other = next_same(generator, job, after);
    while (other && other->kind != JOB_GENERATION)
        other = next_same(generator, job, other);
    return other;
}

/* Of two jobs of one generation one ends. Admission lets no second one through, so this is offsets moved
 * back, or a stranger writing to jobs. A second user's hold must not stay for ever: that one is told. */
static void end_second(struct generator *generator, struct job *loser, const struct job *winner)
{
    bool same_user = strcmp(loser->user, winner->user) == 0;
    log_warn("second_job", LOG_TEXT("generation_id", loser->item.key), LOG_TEXT("user_id", loser->user),
             LOG_TEXT("first_user_id", winner->user), LOG_NUMBER("partition", loser->item.partition),
             LOG_NUMBER("offset", loser->item.offset));
    generator_end(generator, loser, same_user ? ENDING_DUPLICATE : ENDING_ID_TAKEN);
}

static bool can_lose(const struct job *job)
{
    return job->state == JOB_FRESH || job->state == JOB_READY || job->state == JOB_WAITING;
}

static void judge_open_intent(struct generator *generator, struct job *job)
{
    struct post *post = post_find_again(&generator->posts, job);
    if (post) {
        calls_resume(generator, job, post);
        return;
    }
    int64_t left_ms = submit_unknown_in_ms(&generator->rules, job->item.intent_at_ms, clock_wall_ms());
    generator_move(generator, job, JOB_DOUBTFUL);
    due_set(&generator->due, &job->due, clock_mono_ms() + left_ms);
    log_warn("intent_of_another", LOG_TEXT("generation_id", job->item.key),
             LOG_NUMBER("attempt", job->item.attempts),
             LOG_NUMBER("unknown_in_ms", left_ms));
}

static bool lost_already(const struct job *job)
{
    return job->ending && (job->ending->kind == ENDING_DUPLICATE || job->ending->kind == ENDING_ID_TAKEN);
}

static void judge_job(struct generator *generator, struct job *job)
{
    for (struct job *other = next_rival(generator, job, NULL); other;
         other = next_rival(generator, job, other))
        if (!lost_already(other) && (!can_lose(other) || job_precedes(other, job))) {
            end_second(generator, job, other);
            return;
        }
    for (struct job *other = next_rival(generator, job, NULL); other;
         other = next_rival(generator, job, other))
        if (!lost_already(other))
            end_second(generator, other, job);
    if (job->item.intent_at_ms != 0)
        judge_open_intent(generator, job);
    else
        generator_ready(generator, job, false);
}

static struct job *job_of(struct generator *generator, const struct job *about)
{
    struct job *job = next_rival(generator, about, NULL);
    while (job && lost_already(job))
        job = next_rival(generator, about, job);
    return job;
}

/* A job that may hide a task (an intent whose outcome is unknown) is never simply cancelled: it ends as
 * what it is. */
static void judge_cancel(struct generator *generator, struct job *cancel)
{
    struct job *job = job_of(generator, cancel);
    if (!job)
        generator_end(generator, cancel, ENDING_FORWARDED);
    else if (strcmp(job->user, cancel->user) != 0)
        generator_end(generator, cancel, ENDING_DROPPED);
    else if (job->state == JOB_READY || job->state == JOB_WAITING)
        generator_end(generator, job, job->item.attempts > 0 ? ENDING_UNKNOWN : ENDING_CANCELLED);
    /* else it waits, unlisted: whoever moves the job next asks for it (intake_cancel_of) */
}

void intake_judge(struct generator *generator)
{
    struct job *job;
    while ((job = generator->fresh[JOB_GENERATION].first) != NULL) {
        intake_unlist(generator, job);
        judge_job(generator, job);
    }
    /* That a cancel or a word has no job here can be said only once everything is handed out. */
    while (workset_restored(generator->set) && (job = generator->fresh[JOB_CANCEL].first) != NULL) {
        intake_unlist(generator, job);
        judge_cancel(generator, job);
    }
    while (workset_restored(generator->set) && (job = generator->fresh[JOB_WORD].first) != NULL) {
        intake_unlist(generator, job);
        words_settle(generator, job, job_of(generator, job));
    }
}
