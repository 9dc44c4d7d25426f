/* Calls whose jobs were taken away, and the breaker: what is done beside the jobs themselves. */
#include "generator/inside.h"

#include "base/clock.h"
#include "base/log.h"

static void deleted(void *self, void *tag, const struct runway_cancel_answer *answer)
{
    struct generator *generator = self;
    struct post *post = tag;
    provider_called(generator->meters.calls, PROVIDER_CANCEL, answer->http_status, -1);
    if (!answer->acknowledged) {
        int64_t wait_ms = backoff_next_ms(&post->delete_backoff);
        if (answer->retry_after_ms > wait_ms)
            wait_ms = answer->retry_after_ms;
        post->delete_at_ms = clock_mono_ms() + wait_ms;
        log_warn("orphan_not_deleted", LOG_TEXT("generation_id", post->key),
                 LOG_TEXT("task_id", post->task_id),
                 LOG_NUMBER("http_status", answer->http_status), LOG_TEXT("reason", answer->message));
        return;
    }
    metric_add(generator->meters.orphans_deleted, 1);
    log_warn("orphan_deleted", LOG_TEXT("generation_id", post->key), LOG_TEXT("task_id", post->task_id),
             LOG_NUMBER("attempt", post->attempt));
    post_end(&generator->posts, &post);
}

static void leave(struct generator *generator, struct post *post)
{
    metric_add(generator->meters.orphans_left, 1);
    log_error("orphan_left", LOG_TEXT("generation_id", post->key), LOG_TEXT("task_id", post->task_id),
              LOG_TEXT("reason", "its outcome was being committed when its partition was lost: the task is "
                                 "followed, or "
                                 "nobody follows it"));
    post_end(&generator->posts, &post);
}

static void start_delete(struct generator *generator, struct post *post, int64_t now_ms)
{
    if (now_ms < post->delete_at_ms)
        return;
    post->deleting = true;
    post->delete_at_ms = INT64_MAX;      /* until it is answered */
    runway_cancel(generator->runway, post->task_id, deleted, generator, post);
}

void orphans_turn(struct generator *generator)
{
    int64_t now_ms = clock_mono_ms();
    /* nothing comes back any more */
    int64_t hold_ms = generator->stopping ? 0 : generator->settings->orphan_hold_ms;
    for (struct post *post = generator->posts.first, *next; post; post = next) {
        next = post->next;
        if (post->job)
            continue;
        switch (post_fate(post, now_ms, hold_ms)) {
        case POST_HOLD:   break;
        case POST_FORGET: post_end(&generator->posts, &post); break;
        case POST_LEAVE:  leave(generator, post); break;
        case POST_DELETE: start_delete(generator, post, now_ms); break;
        }
    }
}

int64_t orphans_wait_ms(const struct generator *generator, int64_t most_ms)
{
    return generator->posts.aside > 0 && most_ms > 100 ? 100 : most_ms;
}

/* ---- the breaker */

static void probed(void *self, void *tag, const struct runway_organization_answer *answer)
{
    struct generator *generator = self;
    (void)tag;
    bool no_credit = generator->for_credit && answer->credit_balance <= 0;
    bool good = answer->answered && !answer->operator_trouble && !no_credit;
    if (answer->answered)
        limits_learn(generator, answer);
    provider_called(generator->meters.calls, PROVIDER_ORGANIZATION, answer->http_status, -1);
    breaker_probed(&generator->breaker, good, clock_mono_ms());
    if (!good)
        return;
    health_part(generator->health, "runway", NULL);
    log_info("breaker_trying", LOG_NUMBER("credit_balance", answer->credit_balance));
}

void probe_turn(struct generator *generator)
{
    if (breaker_probe_due(&generator->breaker, clock_mono_ms()))
        runway_organization(generator->runway, probed, generator, NULL);
}

void probe_trip(struct generator *generator, int http_status, const char *message)
{
    generator->for_credit = http_status == 400;
    bool first = breaker_trip(&generator->breaker, clock_mono_ms());
    health_part(generator->health, "runway", generator->for_credit ? "the provider account is out of credit"
                                                                   : "the provider refuses our key");
    if (first)
        log_error("breaker_open", LOG_NUMBER("http_status", http_status), LOG_TEXT("reason", message));
}

void probe_passed(struct generator *generator)
{
    if (breaker_passed(&generator->breaker, clock_mono_ms()))
        log_info("breaker_closed", LOG_NUMBER("open_ms",
                                              breaker_open_ms(&generator->breaker, clock_mono_ms())));
}
