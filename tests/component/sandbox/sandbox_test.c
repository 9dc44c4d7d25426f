/* Our Runway client against our sandbox, over real sockets: what each fault becomes, and how many tasks there
 * are then. The sandbox runs in this process, in its server's threads. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runway/runway.h"
#include "sandbox/sandbox.h"
#include "unit/check_main.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

enum { CREATE_TIMEOUT_MS = 1500, LOOK_TIMEOUT_MS = 1500 };

struct world {
    struct sandbox_config config;
    struct sandbox sandbox;
    struct http_server *server;
    struct http_client *http;
    struct runway *runway;
    char url[80], key[140];
};

static void world_open(struct world *world)
{
    char error[200];
    *world = (struct world){ .config = { .run_ms = 100, .pending_ms = 20, .concurrency = 100000, .daily = 100000,
                                         .credits = 1000000000, .url_expiry = 60000, .retention = 3600000 } };
    log_open("sandbox", "test", LOG_LEVEL_WARN);
    sandbox_open(&world->sandbox, &world->config);
    world->server = http_server_open(&(struct http_server_config){
        .address = "127.0.0.1:0", .thread_per_connection = true, .body_cap_bytes = 1 << 20,
        .connection_limit = 2000, .handler = sandbox_handle, .self = &world->sandbox }, error);
    ck_assert_msg(world->server, "%s", error);
    snprintf(world->url, sizeof world->url, "http://127.0.0.1:%d", http_server_port(world->server));
    snprintf(world->key, sizeof world->key, "key_%0128d", 7);
    world->http = http_client_open();
    world->runway = runway_open(&(struct runway_config){ .base_url = world->url, .key = world->key,
        .create_timeout_ms = CREATE_TIMEOUT_MS, .look_timeout_ms = LOOK_TIMEOUT_MS }, world->http);
}

static void world_close(struct world *world)
{
    runway_close(&world->runway);
    http_client_close(&world->http);
    http_server_close(&world->server);
    sandbox_close(&world->sandbox);
}

static void wait_all(struct world *world)
{
    for (int64_t until = clock_mono_ms() + 60000; http_client_open_count(world->http) > 0;) {
        ck_assert_msg(clock_mono_ms() < until, "an answer never came");
        http_client_step(world->http, NULL, 0, 50);
    }
}

static void switch_faults(struct world *world, const char *switches)
{
    char error[200], json_error[JSON_ERROR_BYTES];
    struct json *parsed = json_parse(switches, strlen(switches), JSON_BYTES_MAX, json_error);
    pthread_mutex_lock(&world->sandbox.lock);
    ck_assert(faults_set(&world->sandbox.faults, parsed, error));
    pthread_mutex_unlock(&world->sandbox.lock);
    json_free(&parsed);
}

static int64_t tasks_made(struct world *world)
{
    pthread_mutex_lock(&world->sandbox.lock);
    int64_t made = world->sandbox.counts.created;
    pthread_mutex_unlock(&world->sandbox.lock);
    return made;
}

/* ---- one call and its answer */

struct seen {
    int calls;
    enum runway_created created; bool daily_limit; char id[100], message[600];
    enum runway_look look; enum runway_status status; int outputs; char output[400], code[100];
        double credits;
    bool acknowledged, missing;
};

static void on_created(void *self, void *tag, const struct runway_create_answer *answer)
{
    struct seen *seen = self;
    (void)tag;
    seen->calls++;
    seen->created = answer->created;
    seen->daily_limit = answer->daily_limit;
    snprintf(seen->id, sizeof seen->id, "%s", answer->task_id ? answer->task_id : "");
    snprintf(seen->message, sizeof seen->message, "%s", answer->message ? answer->message : "");
}

static void on_looked(void *self, void *tag, const struct runway_look_answer *answer)
{
    struct seen *seen = self;
    (void)tag;
    seen->calls++;
    seen->look = answer->look;
    seen->status = answer->status;
    seen->outputs = answer->output_count;
    seen->credits = answer->credits;
    snprintf(seen->output, sizeof seen->output, "%s", answer->output_count ? answer->outputs[0] : "");
    snprintf(seen->code, sizeof seen->code, "%s", answer->failure_code ? answer->failure_code : "");
}

static void on_cancelled(void *self, void *tag, const struct runway_cancel_answer *answer)
{
    struct seen *seen = self;
    (void)tag;
    seen->calls++;
    seen->acknowledged = answer->acknowledged;
    seen->missing = answer->missing;
}

static struct seen create(struct world *world, const char *prompt)
{
    struct seen seen = { 0 };
    const struct runway_request request = { .model = "gen4.5", .prompt = prompt, .ratio = "1280:720",
                                            .duration_seconds = 5, .seed = -1 };
    runway_create(world->runway, &request, on_created, &seen, NULL);
    wait_all(world);
    ck_assert_int_eq(seen.calls, 1);
    return seen;
}

static struct seen look(struct world *world, const char *id)
{
    struct seen seen = { 0 };
    runway_look(world->runway, id, on_looked, &seen, NULL);
    wait_all(world);
    ck_assert_int_eq(seen.calls, 1);
    return seen;
}

static struct seen cancel(struct world *world, const char *id)
{
    struct seen seen = { 0 };
    runway_cancel(world->runway, id, on_cancelled, &seen, NULL);
    wait_all(world);
    ck_assert_int_eq(seen.calls, 1);
    return seen;
}

/* ---- a life */

START_TEST(created_looked_at_and_done)
{
    struct world world;
    world_open(&world);
    struct seen made = create(&world, "a cat");
    ck_assert_int_eq(made.created, RUNWAY_SUBMITTED);
    ck_assert_int_ge(look(&world, made.id).status, RUNWAY_PENDING);
    clock_sleep_ms(200);
    struct seen done = look(&world, made.id);
    ck_assert_int_eq(done.status, RUNWAY_SUCCEEDED);
    ck_assert_int_eq(done.outputs, 1);
    ck_assert_double_eq(done.credits, 60);
    ck_assert_ptr_nonnull(strstr(done.output, "/output/"));
    ck_assert(cancel(&world, made.id).acknowledged);
    ck_assert_int_eq(look(&world, made.id).look, RUNWAY_MISSING);
    struct seen again = cancel(&world, made.id);
    ck_assert(again.acknowledged && again.missing);
    world_close(&world);
}
END_TEST

/* ---- create under faults: what it becomes, and how many tasks were made */

static const struct { const char *faults, *prompt; enum runway_created created; int made; } creates[] = {
    { "{}", "[http:503]", RUNWAY_NOT_MADE, 0 },
    { "{}", "[http:429]", RUNWAY_NOT_MADE, 0 },
    { "{}", "[http:401]", RUNWAY_OPERATOR, 0 },
    { "{}", "[http:422]", RUNWAY_REFUSED, 0 },
    { "{}", "[http:500]", RUNWAY_UNKNOWN, 0 },
    { "{}", "[after:502]", RUNWAY_UNKNOWN, 1 },
    { "{}", "[after:reset]", RUNWAY_UNKNOWN, 1 },
    { "{}", "[after:hang]", RUNWAY_UNKNOWN, 1 },
    { "{}", "[after:garbage]", RUNWAY_UNKNOWN, 1 },
    { "{}", "[after:noid]", RUNWAY_UNKNOWN, 1 },
    { "{\"create\":{\"mode\":\"hang\"}}", "", RUNWAY_UNKNOWN, 1 },
    { "{\"create\":{\"mode\":\"hang_before\"}}", "", RUNWAY_UNKNOWN, 0 },
    { "{\"create\":{\"mode\":\"reset\"}}", "", RUNWAY_UNKNOWN, 1 },
    { "{\"create\":{\"mode\":\"reset_before\"}}", "", RUNWAY_UNKNOWN, 0 },
    { "{\"create\":{\"mode\":\"status\",\"status\":503}}", "", RUNWAY_NOT_MADE, 0 },
    { "{\"create\":{\"mode\":\"status_after\",\"status\":504}}", "", RUNWAY_UNKNOWN, 1 },
    { "{\"create\":{\"mode\":\"garbage\"}}", "", RUNWAY_UNKNOWN, 1 },
    { "{\"create\":{\"mode\":\"truncate\"}}", "", RUNWAY_UNKNOWN, 1 },
    { "{\"create\":{\"mode\":\"slow_headers\",\"ms\":300}}", "", RUNWAY_SUBMITTED, 1 },
    { "{\"create\":{\"mode\":\"slow_headers\",\"ms\":5000}}", "", RUNWAY_UNKNOWN, 1 },
    { "{\"create\":{\"mode\":\"drip\",\"ms\":20}}", "", RUNWAY_SUBMITTED, 1 },
    { "{\"create\":{\"mode\":\"drip\",\"ms\":2000}}", "", RUNWAY_UNKNOWN, 1 },
};

START_TEST(a_create_under_a_fault)
{
    struct world world;
    char prompt[100];
    world_open(&world);
    switch_faults(&world, creates[_i].faults);
    snprintf(prompt, sizeof prompt, "%s a cat", creates[_i].prompt);
    struct seen seen = create(&world, prompt);
    ck_assert_msg(seen.created == creates[_i].created, "%s %s: %d %s", creates[_i].faults, creates[_i].prompt,
                  (int)seen.created, seen.message);
    ck_assert_int_eq(tasks_made(&world), creates[_i].made);
    world_close(&world);
}
END_TEST

START_TEST(without_credits_or_over_the_daily_limit)
{
    struct world world;
    world_open(&world);
    store_limits(world.sandbox.store)->daily = 1;
    ck_assert_int_eq(create(&world, "one").created, RUNWAY_SUBMITTED);
    struct seen limited = create(&world, "two");
    ck_assert_int_eq(limited.created, RUNWAY_NOT_MADE);
    ck_assert(limited.daily_limit);
    store_add_credits(world.sandbox.store, -store_balance(world.sandbox.store));
    ck_assert_int_eq(create(&world, "three").created, RUNWAY_OPERATOR);
    world_close(&world);
}
END_TEST

START_TEST(the_same_create_twice_is_two_tasks)
{
    struct world world;
    world_open(&world);
    struct seen one = create(&world, "same"), two = create(&world, "same");
    ck_assert_str_ne(one.id, two.id);
    ck_assert_int_eq(tasks_made(&world), 2);
    world_close(&world);
}
END_TEST

/* ---- looks and deletes under faults */

static const struct { const char *faults, *prompt; enum runway_look look; enum runway_status status;
                      } looks[] = {
    { "{}", "[run:0s][pending:0s]", RUNWAY_TASK, RUNWAY_SUCCEEDED },
    { "{}", "[run:0s][pending:0s][fail:INTERNAL]", RUNWAY_TASK, RUNWAY_FAILED },
    { "{}", "[run:0s][pending:0s][cancelled]", RUNWAY_TASK, RUNWAY_CANCELLED },
    { "{}", "[run:0s][pending:0s][outputs:0]", RUNWAY_TASK, RUNWAY_STATUS_UNKNOWN },
    { "{}", "[status:WEIRD][run:60s]", RUNWAY_TASK, RUNWAY_STATUS_UNKNOWN },
    { "{\"look\":{\"mode\":\"unknown_status\"}}", "", RUNWAY_TASK, RUNWAY_STATUS_UNKNOWN },
    { "{\"look\":{\"mode\":\"garbage\"}}", "", RUNWAY_LATER, RUNWAY_STATUS_UNKNOWN },
    { "{\"look\":{\"mode\":\"truncate\"}}", "", RUNWAY_LATER, RUNWAY_STATUS_UNKNOWN },
    { "{\"look\":{\"mode\":\"reset\"}}", "", RUNWAY_LATER, RUNWAY_STATUS_UNKNOWN },
    { "{\"look\":{\"mode\":\"hang\"}}", "", RUNWAY_LATER, RUNWAY_STATUS_UNKNOWN },
    { "{\"look\":{\"mode\":\"status\",\"status\":429,\"retryAfter\":2}}", "", RUNWAY_LATER,
      RUNWAY_STATUS_UNKNOWN },
    { "{\"look\":{\"mode\":\"status\",\"status\":401}}", "", RUNWAY_LOOK_OPERATOR, RUNWAY_STATUS_UNKNOWN },
};

START_TEST(a_look_under_a_fault)
{
    struct world world;
    char prompt[100];
    world_open(&world);
    snprintf(prompt, sizeof prompt, "%s a cat", looks[_i].prompt);
    struct seen made = create(&world, prompt);
    switch_faults(&world, looks[_i].faults);
    struct seen seen = look(&world, made.id);
    ck_assert_msg(seen.look == looks[_i].look && seen.status == looks[_i].status, "%s %s: %d %d",
                  looks[_i].faults,
                  prompt, (int)seen.look, (int)seen.status);
    world_close(&world);
}
END_TEST

START_TEST(a_lost_delete_has_happened)
{
    struct world world;
    world_open(&world);
    struct seen made = create(&world, "[run:60s]");
    /* libcurl may try a DELETE again */
    switch_faults(&world, "{\"delete\":{\"mode\":\"reset\",\"count\":2}}");
    struct seen lost = cancel(&world, made.id);
    switch_faults(&world, "{\"delete\":null}");
    struct seen again = cancel(&world, made.id);
    ck_assert(!lost.acknowledged);
    ck_assert(again.acknowledged && again.missing);
    world_close(&world);
}
END_TEST

/* ---- as many as it must carry: 2,000 live tasks, 500 calls a second */

enum { MANY = 2000, AT_ONCE = 64, LOOKS_PER_SECOND_MIN = 500 };

struct crowd { struct world *world; char ids[MANY][40]; int started, ended, good; };

static void crowd_create(struct crowd *crowd);

static void on_crowd_created(void *self, void *tag, const struct runway_create_answer *answer)
{
    struct crowd *crowd = self;
    crowd->ended++;
    if (answer->created == RUNWAY_SUBMITTED) {
        crowd->good++;
        snprintf(tag, sizeof crowd->ids[0], "%s", answer->task_id);
    }
    crowd_create(crowd);
}

static void crowd_create(struct crowd *crowd)
{
    const struct runway_request request = { .model = "gen4.5", .prompt = "[run:10m] a cat",
                                            .ratio = "1280:720",
                                            .duration_seconds = 5, .seed = -1 };
    if (crowd->started == MANY) return;
    runway_create(crowd->world->runway, &request, on_crowd_created, crowd, crowd->ids[crowd->started++]);
}

static void crowd_look(struct crowd *crowd);

static void on_crowd_looked(void *self, void *tag, const struct runway_look_answer *answer)
{
    struct crowd *crowd = self;
    (void)tag;
    crowd->ended++;
    crowd->good += answer->look == RUNWAY_TASK;
    crowd_look(crowd);
}

static void crowd_look(struct crowd *crowd)
{
    if (crowd->started == MANY) return;
    runway_look(crowd->world->runway, crowd->ids[crowd->started++], on_crowd_looked, crowd, NULL);
}

START_TEST(it_carries_two_thousand_tasks)
{
    struct world world;
    world_open(&world);
    struct crowd *crowd = xcalloc(1, sizeof *crowd);
    crowd->world = &world;
    for (int i = 0; i < AT_ONCE; i++) crowd_create(crowd);
    wait_all(&world);
    ck_assert_int_eq(crowd->good, MANY);
    ck_assert_int_eq(tasks_made(&world), MANY);

    crowd->started = crowd->ended = crowd->good = 0;
    int64_t began_ms = clock_mono_ms();
    for (int i = 0; i < AT_ONCE; i++) crowd_look(crowd);
    wait_all(&world);
    int64_t took_ms = clock_mono_ms() - began_ms;
    printf("%d looks over %d live tasks took %d ms\n", MANY, MANY, (int)took_ms);
    ck_assert_int_eq(crowd->good, MANY);
    ck_assert_msg(took_ms * LOOKS_PER_SECOND_MIN <= MANY * INT64_C(1000), "%d looks took %d ms", MANY,
                  (int)took_ms);
    free(crowd);
    world_close(&world);
}
END_TEST

CHECK_MAIN("sandbox",
    tcase_add_test(tests, created_looked_at_and_done);
    tcase_add_loop_test(tests, a_create_under_a_fault, 0, ROWS(creates));
    tcase_add_test(tests, without_credits_or_over_the_daily_limit);
    tcase_add_test(tests, the_same_create_twice_is_two_tasks);
    tcase_add_loop_test(tests, a_look_under_a_fault, 0, ROWS(looks));
    tcase_add_test(tests, a_lost_delete_has_happened);
    tcase_add_test(tests, it_carries_two_thousand_tasks);)
