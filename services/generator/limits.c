/* What the provider takes at once, asked for now and then, and our share of it. An account whose limits can't
 * be learned is not bounded by us: the provider queues by itself what it can't render yet. */
#include "generator/inside.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

static bool wanted(const struct generator *generator)
{
    return generator->settings->limits_every_ms > 0;
}

static bool same(const struct limits *limits, const struct runway_organization_answer *answer)
{
    if (!limits->known || limits->count != answer->model_count)
        return false;
    for (int i = 0; i < limits->count; i++)
        if (strcmp(limits->models[i].model, answer->models[i].model) != 0
            || limits->models[i].concurrent != answer->models[i].concurrent)
            return false;
    return true;
}

void limits_learn(struct generator *generator, const struct runway_organization_answer *answer)
{
    struct limits *limits = &generator->limits;
    metric_set(generator->meters.credits, (double)answer->credit_balance);
    if (same(limits, answer))
        return;
    limits->known = true;
    limits->bounded = false;
    limits->count = answer->model_count;
    memcpy(limits->models, answer->models, sizeof limits->models);
    for (int i = 0; i < limits->count; i++) {
        limits->bounded |= limits->models[i].concurrent >= 0;
        log_debug("provider_limit", LOG_TEXT("model", limits->models[i].model),
                  LOG_NUMBER("concurrent", limits->models[i].concurrent),
                  LOG_NUMBER("daily", limits->models[i].daily));
    }
    log_info("provider_limits", LOG_NUMBER("models", limits->count),
             LOG_TEXT("bounded", limits->bounded ? "true" : "false"));
}

static void told(void *self, void *tag, const struct runway_organization_answer *answer)
{
    struct generator *generator = self;
    (void)tag;
    provider_called(generator->meters.calls, PROVIDER_ORGANIZATION, answer->http_status, -1);
    generator->limits.asking = false;
    generator->limits.answered = true;
    if (answer->answered)
        limits_learn(generator, answer);
    else if (answer->operator_trouble)
        probe_trip(generator, answer->http_status, answer->message);
    else
        log_warn("provider_limits_unknown", LOG_NUMBER("http_status", answer->http_status),
                 LOG_TEXT("reason", answer->message));
}

static int64_t limit_of(const struct limits *limits, const char *model)
{
    for (int i = 0; i < limits->count; i++)
        if (strcmp(limits->models[i].model, model) == 0)
            return limits->models[i].concurrent;
    return -1;
}

void limits_turn(struct generator *generator)
{
    struct limits *limits = &generator->limits;
    if (!wanted(generator))
        return;
    int64_t now_ms = clock_mono_ms();
    if (!limits->asking && now_ms >= limits->ask_at_ms && !generator->stopping
        && generator->breaker.state != BREAKER_OPEN) {
        limits->asking = true;
        limits->ask_at_ms = now_ms + generator->settings->limits_every_ms;
        runway_organization(generator->runway, told, generator, NULL);
    }
    for (size_t i = 0; i < generator->lanes.count; i++) {
        struct lane *lane = generator->lanes.all[i];
        int32_t partitions = generator->following.partitions;
        lane->most = partitions > 0
            ? crowd_share(limit_of(limits, lane->model), generator->following.held_count, partitions) : -1;
    }
}

bool limits_allow(const struct generator *generator)
{
    return !wanted(generator) || (generator->limits.answered && following_counted(generator));
}
