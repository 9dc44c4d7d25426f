#include "component/batch/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tokens/recovery.h"

static const char policy[] =
    "{\"version\":\"test-1\",\"price\":{\"tokens\":1},"
    "\"chargePercent\":{\"cancelled\":0,\"otherwise\":0,\"failures\":{}},"
    "\"defaultModel\":\"one\",\"models\":{\"one\":"
    "{\"promptUnitsMax\":100,\"text\":{\"ratios\":[\"1280:720\"],\"defaultRatio\":\"1280:720\","
    "\"durations\":[5],\"defaultDuration\":5}}}}";

const char *world_topic(const struct world *world, enum topic topic)
{
    static char names[4][160];
    static int next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof names[0], "%s%s", world->prefix, TOPICS[topic].name);
    return name;
}

void world_open(struct world *world)
{
    static const enum topic ours[] = { TOPIC_REQUESTS, TOPIC_RESULTS, TOPIC_JOBS, TOPIC_JOURNAL,
                                       TOPIC_DEAD_LETTERS };
    snprintf(world->prefix, sizeof world->prefix, "%s.", broker_name("batch", 0));
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        broker_topic(world_topic(world, ours[i]), ours[i] == TOPIC_REQUESTS  ? REQUEST_PARTITIONS
                                                  : ours[i] == TOPIC_JOURNAL ? BUCKETS : 1);
    strcpy(world->policy_path, "/tmp/reelgate-batch-policy-XXXXXX");
    int fd = mkstemp(world->policy_path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, policy, sizeof policy - 1), sizeof policy - 1);
    close(fd);
    world->redis = redis_server_start((const char *const[]){ "--appendonly", "yes", "--appendfsync",
                                                             "always", NULL });
    world_verify(world);
}

void world_close(struct world *world)
{
    unlink(world->policy_path);
    redis_server_stop(&world->redis);
}

static struct tokens *tokens_of(const struct world *world)
{
    char error[200] = "";
    struct tokens *tokens = tokens_open(&(struct tokens_config){ .redis_url = redis_server_url(world->redis),
        .timeout_ms = 1000, .dedupe_window_ms = 7 * 24 * 3600 * 1000, .refusal_window_ms = 3600 * 1000 },
            error);
    ck_assert_msg(tokens != NULL, "%s", error);
    return tokens;
}

void world_verify(const struct world *world)
{
    struct tokens *tokens = tokens_of(world);
    tokens_partitions(tokens, BUCKETS);
    for (int32_t bucket = 0; bucket < BUCKETS; bucket++) {
        struct recovery recovery = { .bucket = bucket };
        ck_assert_int_eq(recovery_begin(tokens, bucket, &recovery), TROUBLE_NONE);
        ck_assert_int_eq(recovery_verify(tokens, &recovery, recovery.journaled), TROUBLE_NONE);
    }
    tokens_close(&tokens);
}

void world_grant(const struct world *world, const char *user_id, int64_t amount)
{
    struct tokens *tokens = tokens_of(world);
    tokens_partitions(tokens, BUCKETS);
    struct tokens_batch *calls = tokens_batch_open(tokens);
    size_t call = tokens_grant(calls, &(struct grant){ .user_id = user_id, .grant_id = user_id,
        .origin = { "grants", 0, 1 }, .amount_tokens = amount, .at_ms = clock_wall_ms() });
    ck_assert_int_eq(tokens_batch_receive(calls), TROUBLE_NONE);
    struct grant_answer answer;
    tokens_grant_answer(calls, call, &answer);
    ck_assert_int_eq(answer.outcome, GRANT_DONE);
    tokens_batch_close(&calls);
    tokens_close(&tokens);
}

int64_t world_request(const struct world *world, const char *generation_id, const char *user_id)
{
    char value[300];
    snprintf(value, sizeof value, "{\"generationId\":\"%s\",\"userId\":\"%s\",\"prompt\":\"a cat\"}",
             generation_id, user_id);
    return broker_publish(world_topic(world, TOPIC_REQUESTS),
                          bucket_of(user_id, strlen(user_id), REQUEST_PARTITIONS),
                          user_id, value);
}

/* ---- the stage, wrapped */

static void ask(void *self, void *item, const struct kafka_record *record, enum topic topic,
                struct tokens_batch *calls)
{
    struct rig *rig = self;
    rig->inner->ask(rig->inner->self, item, record, topic, calls);
}

static enum trouble answer(void *self, void *item, const struct kafka_record *record, enum topic topic,
                           const struct tokens_batch *calls, struct outbox *outbox)
{
    struct rig *rig = self;
    rig->answers++;
    enum trouble trouble = rig->inner->answer(rig->inner->self, item, record, topic, calls, outbox);
    return trouble == TROUBLE_NONE && rig->after_answer ? rig->after_answer(rig, record) : trouble;
}

static void committed(void *self, void *item)
{
    struct rig *rig = self;
    rig->commits++;
    rig->inner->committed(rig->inner->self, item);
}

static void dispose(void *self, void *item)
{
    struct rig *rig = self;
    rig->inner->dispose(rig->inner->self, item);
}

void rig_open(struct rig *rig, const struct world *world, const char *instance)
{
    char error[POLICY_ERROR_BYTES] = "";
    *rig = (struct rig){ .settings = { .kafka_bootstrap_servers = broker_config("").bootstrap_servers,
        .topic_prefix = world->prefix, .instance_id = instance, .log_level = "info" } };
    rig->tokens = tokens_of(world);
    rig->metrics = metrics_open();
    rig->health = health_open("127.0.0.1:0", rig->metrics, 60000, error);
    ck_assert_msg(rig->health != NULL, "%s", error);
    rig->admission = admission_open(&(struct admission_config){ .topic_prefix = world->prefix,
        .policy_path = world->policy_path, .dedupe_window_ms = 7 * 24 * 3600 * 1000,
            .default_deadline_ms = 900000 },
        error);
    ck_assert_msg(rig->admission != NULL, "%s", error);
    rig->inner = admission_stage(rig->admission, rig->metrics);
    struct batch_stage stage = *rig->inner;
    stage.self = rig;
    stage.ask = ask;
    stage.answer = answer;
    stage.committed = committed;
    stage.dispose = dispose;
    rig->batch = batch_open(&(struct batch_config){ .worker = &rig->settings, .tokens = rig->tokens,
        .metrics = rig->metrics, .health = rig->health, .records_max = 50, .linger_ms = 2 }, &stage);
}

void rig_close(struct rig *rig)
{
    batch_close(&rig->batch);
    ck_assert_ptr_null(rig->batch);
    admission_close(&rig->admission);
    health_close(&rig->health);
    metrics_close(&rig->metrics);
    tokens_close(&rig->tokens);
}

void rig_turn(struct rig *rig)
{
    ck_assert_int_eq(batch_turn(rig->batch, 20), TROUBLE_NONE);
}

void rig_run_for(struct rig *rig, int64_t duration_ms)
{
    int64_t until_ms = clock_mono_ms() + duration_ms;
    while (clock_mono_ms() < until_ms)
        rig_turn(rig);
}

void rig_run_until_commits(struct rig *rig, int commits)
{
    int64_t until_ms = clock_mono_ms() + 40000;
    while (rig->commits < commits) {
        ck_assert_msg(clock_mono_ms() < until_ms, "%d of %d records committed in 40 s", rig->commits,
                      commits);
        rig_turn(rig);
    }
}

double rig_metric(const struct rig *rig, const char *name, const char *labels)
{
    struct text page = { 0 };
    char start[200];
    if (labels)
        snprintf(start, sizeof start, "\n%s{%s} ", name, labels);
    else
        snprintf(start, sizeof start, "\n%s ", name);
    metrics_render(rig->metrics, &page);
    const char *at = strstr(page.bytes, start);
    ck_assert_msg(at != NULL, "no metric %s", start + 1);
    double value = strtod(at + strlen(start), NULL);
    text_free(&page);
    return value;
}

size_t count_in(const char *topic, const char *const *words)
{
    struct seen_list list = broker_read_all(topic);
    size_t count = 0;
    for (size_t i = 0; i < list.count; i++) {
        const char *const *word = words;
        while (*word && list.rows[i].value && strstr(list.rows[i].value, *word))
            word++;
        count += *word == NULL;
    }
    broker_seen_free(&list);
    return count;
}
