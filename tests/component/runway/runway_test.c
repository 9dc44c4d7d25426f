/* The Runway client against a scripted Runway: what goes over the wire, how often, and what each answer
 * becomes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "component/http/peer.h"

#include "runway/runway.h"

#include "base/clock.h"
#include "base/xalloc.h"

#define COUNT(table) (int)(sizeof (table) / sizeof (table)[0])
#define ANSWER(status, body) \
    { { PEER_READ_REQUEST, 0, 0 }, \
      { PEER_SEND, "HTTP/1.1 " status "\r\nConnection: close\r\n" \
                   "Content-Type: application/json\r\n\r\n" body, 0 } }

enum { CREATE_TIMEOUT_MS = 500, LOOK_TIMEOUT_MS = 500 };

/* What the last answer said, kept past the call. */
struct seen {
    int calls;
    struct runway_create_answer created; struct runway_look_answer looked;
    struct runway_cancel_answer cancelled; struct runway_organization_answer organization;
    int row;                             /* of the table that the test loops over */
    char id[100], message[600], output[100], failure[600], code[100];
};

static void keep(char *into, size_t size, const char *text)
{
    snprintf(into, size, "%s", text ? text : "");
}

static void on_created(void *self, void *tag, const struct runway_create_answer *answer)
{
    struct seen *seen = self;
    ck_assert_ptr_eq(tag, seen);
    seen->calls++;
    seen->created = *answer;
    keep(seen->id, sizeof seen->id, answer->task_id);
    keep(seen->message, sizeof seen->message, answer->message);
}

static void on_looked(void *self, void *tag, const struct runway_look_answer *answer)
{
    struct seen *seen = self;
    ck_assert_ptr_eq(tag, seen);
    seen->calls++;
    seen->looked = *answer;
    keep(seen->output, sizeof seen->output, answer->output_count > 0 ? answer->outputs[0] : NULL);
    keep(seen->failure, sizeof seen->failure, answer->failure);
    keep(seen->code, sizeof seen->code, answer->failure_code);
    keep(seen->message, sizeof seen->message, answer->message);
}

static void on_cancelled(void *self, void *tag, const struct runway_cancel_answer *answer)
{
    struct seen *seen = self;
    (void)tag;
    seen->calls++;
    seen->cancelled = *answer;
    keep(seen->message, sizeof seen->message, answer->message);
}

static void on_organization(void *self, void *tag, const struct runway_organization_answer *answer)
{
    struct seen *seen = self;
    (void)tag;
    seen->calls++;
    seen->organization = *answer;
    keep(seen->message, sizeof seen->message, answer->message);
}

struct world { struct peer *peer; struct http_client *http; struct runway *runway; struct seen seen; };

static void world_open_at(struct world *world, int port)
{
    static const char *const extra[] = { "X-Runway-On-Behalf-Of: partner", NULL };
    char url[100];
    /* a slash at the end is no second one in the path */
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    world->http = http_client_open();
    world->runway = runway_open(&(struct runway_config){ .base_url = url, .key = "key_secret",
                                                         .extra_headers = extra,
        .create_timeout_ms = CREATE_TIMEOUT_MS, .look_timeout_ms = LOOK_TIMEOUT_MS }, world->http);
}

static void world_open(struct world *world, const peer_script *script)
{
    world->peer = peer_open(script, 1);
    world_open_at(world, peer_port(world->peer));
}

static void world_close(struct world *world)
{
    runway_close(&world->runway);
    http_client_close(&world->http);
    if (world->peer) peer_close(&world->peer);
}

static void wait_answer(struct world *world)
{
    for (int64_t until = clock_mono_ms() + 5000; http_client_open_count(world->http) > 0;) {
        ck_assert_msg(clock_mono_ms() < until, "no answer");
        http_client_step(world->http, NULL, 0, 50);
    }
    ck_assert_int_eq(world->seen.calls, 1);
}

static const struct runway_request cat = { .model = "gen4.5", .prompt = "a cat", .ratio = "1280:720",
                                           .duration_seconds = 5, .seed = -1 };

/* ---- create */

static const struct {
    const char *name; peer_script script; enum runway_created created; const char *id, *message; bool daily;
} creates[] = {
    { "task", ANSWER("200 OK", "{\"id\":\"task-1\",\"estimatedCost\":{\"credits\":60}}"), RUNWAY_SUBMITTED,
      "task-1", "",
      false },
    { "no id", ANSWER("200 OK", "{\"ok\":true}"), RUNWAY_UNKNOWN, "", "{\"ok\":true}", false },
    { "nothing", ANSWER("200 OK", ""), RUNWAY_UNKNOWN, "", "HTTP 200 without a word", false },
    { "daily limit", ANSWER("429 Too Many Requests",
                            "{\"error\":\"Your daily task limit has been reached.\"}"),
      RUNWAY_NOT_MADE, "", "Your daily task limit has been reached.", true },
    { "shedding load", ANSWER("503 Busy", "<h1>503</h1>"), RUNWAY_NOT_MADE, "", "<h1>503</h1>", false },
    { "bad gateway", ANSWER("502 Bad Gateway", "<h1>502</h1>"), RUNWAY_UNKNOWN, "", "<h1>502</h1>", false },
    { "key", ANSWER("401 No", "{\"error\":\"No API key was provided.\"}"), RUNWAY_OPERATOR, "",
      "No API key was provided.", false },
    { "credits", ANSWER("400 No", "{\"error\":\"You do not have enough credits to run this task.\"}"),
      RUNWAY_OPERATOR,
      "", "You do not have enough credits to run this task.", false },
    { "invalid",
      ANSWER("400 No", "{\"error\":\"Validation of body failed\",\"issues\":[{\"message\":\"Too big\","
      "\"path\":[\"duration\"]}]}"), RUNWAY_REFUSED, "", "Validation of body failed; duration: Too big",
          false },
    { "redirect", ANSWER("302 Found\r\nLocation: http://127.0.0.1:1/", ""), RUNWAY_UNKNOWN, "",
      "HTTP 302 without a word", false },
    { "hang up", { { PEER_READ_REQUEST, 0, 0 } }, RUNWAY_UNKNOWN, "", NULL, false },
    { "reset", { { PEER_READ_REQUEST, 0, 0 }, { PEER_RESET, 0, 0 } }, RUNWAY_UNKNOWN, "", NULL, false },
    { "silence", { { PEER_READ_REQUEST, 0, 0 }, { PEER_WAIT, 0, 2000 } }, RUNWAY_UNKNOWN, "", NULL, false },
    { "endless", { { PEER_READ_REQUEST, 0, 0 }, { PEER_SEND, "HTTP/1.1 200 OK\r\n\r\n{\"id\":\"a\"}", 0 },
      { PEER_SEND_ENDLESSLY, "                                                                ", 0 } },
      RUNWAY_UNKNOWN, "", NULL, false },
};

START_TEST(create_is_sent_once_and_sorted)
{
    struct world world = { 0 };
    world_open(&world, &creates[_i].script);
    runway_create(world.runway, &cat, on_created, &world.seen, &world.seen);
    wait_answer(&world);
    const struct seen *seen = &world.seen;
    ck_assert_msg(seen->created.created == creates[_i].created, "%s: %d %s", creates[_i].name,
                  (int)seen->created.created, seen->message);
    ck_assert_str_eq(seen->id, creates[_i].id);
    if (creates[_i].message) ck_assert_str_eq(seen->message, creates[_i].message);
    else ck_assert_str_ne(seen->message, "");
    ck_assert_int_eq(seen->created.daily_limit, creates[_i].daily);
    ck_assert_int_eq(peer_connections(world.peer), 1);
    ck_assert_int_eq(peer_requests(world.peer, "POST"), 1);
    world_close(&world);
}
END_TEST

START_TEST(create_says_who_and_what)
{
    static const char *const wanted[] = {
        "POST /v1/text_to_video HTTP/1.1\r\n", "\r\nAuthorization: Bearer key_secret\r\n",
        "\r\nX-Runway-Version: 2024-11-06\r\n", "\r\nContent-Type: application/json\r\n",
        "\r\nX-Runway-On-Behalf-Of: partner\r\n",
        "\r\n\r\n{\"model\":\"gen4.5\",\"promptText\":\"a cat\",\"ratio\":\"1280:720\",\"duration\":5}" };
    static const peer_script script = ANSWER("200 OK", "{\"id\":\"task-1\"}");
    struct world world = { 0 };
    world_open(&world, &script);
    runway_create(world.runway, &cat, on_created, &world.seen, &world.seen);
    wait_answer(&world);
    for (int i = 0; i < COUNT(wanted); i++)
        ck_assert_msg(peer_received(world.peer, wanted[i]) == 1, "not there, or more than once: %s",
                      wanted[i]);
    ck_assert_double_eq(world.seen.created.estimated_credits, -1);
    world_close(&world);
}
END_TEST

START_TEST(without_a_connection_no_task_was_made)
{
    struct world world = { 0 };
    world_open_at(&world, closed_port());
    runway_create(world.runway, &cat, on_created, &world.seen, &world.seen);
    wait_answer(&world);
    ck_assert_int_eq(world.seen.created.created, RUNWAY_NOT_MADE);
    ck_assert_int_eq(world.seen.created.status, 0);
    ck_assert(!world.seen.created.daily_limit);
    ck_assert_str_ne(world.seen.message, "");
    world_close(&world);
}
END_TEST

START_TEST(retry_after_is_handed_on)
{
    static const peer_script script = ANSWER("429 No\r\nRetry-After: 3", "{}");
    struct world world = { 0 };
    world_open(&world, &script);
    runway_create(world.runway, &cat, on_created, &world.seen, &world.seen);
    wait_answer(&world);
    ck_assert_int_eq(world.seen.created.retry_after_ms, 3000);
    world_close(&world);
}
END_TEST

/* ---- look */

static const struct {
    const char *name; peer_script script; enum runway_look look; enum runway_status status;
        const char *output, *code;
} looks[] = {
    { "running", ANSWER("200 OK", "{\"id\":\"task-1\",\"status\":\"RUNNING\",\"progress\":0.25}"),
      RUNWAY_TASK,
      RUNWAY_RUNNING, "", "" },
    { "done", ANSWER("200 OK",
                     "{\"id\":\"task-1\",\"status\":\"SUCCEEDED\",\"output\":[\"https://cdn/x?_jwt=1\"],"
      "\"cost\":{\"credits\":60}}"), RUNWAY_TASK, RUNWAY_SUCCEEDED, "https://cdn/x?_jwt=1", "" },
    { "failed", ANSWER("200 OK", "{\"id\":\"task-1\",\"status\":\"FAILED\",\"failure\":\"An\\nerror\","
      "\"failureCode\":\"INTERNAL\"}"), RUNWAY_TASK, RUNWAY_FAILED, "", "INTERNAL" },
    { "somebody else's task", ANSWER("200 OK", "{\"id\":\"task-2\",\"status\":\"RUNNING\"}"), RUNWAY_LATER,
      RUNWAY_STATUS_UNKNOWN, "", "" },
    { "a page", ANSWER("200 OK", "<html>"), RUNWAY_LATER, RUNWAY_STATUS_UNKNOWN, "", "" },
    { "missing", ANSWER("404 No", "{\"error\":\"Could not find Task\"}"), RUNWAY_MISSING,
      RUNWAY_STATUS_UNKNOWN, "", "" },
    { "key", ANSWER("401 No", "{}"), RUNWAY_LOOK_OPERATOR, RUNWAY_STATUS_UNKNOWN, "", "" },
    { "server", ANSWER("500 No", ""), RUNWAY_LATER, RUNWAY_STATUS_UNKNOWN, "", "" },
    { "silence", { { PEER_READ_REQUEST, 0, 0 }, { PEER_WAIT, 0, 2000 } }, RUNWAY_LATER, RUNWAY_STATUS_UNKNOWN,
      "", "" },
};

START_TEST(look_is_sorted)
{
    struct world world = { 0 };
    world_open(&world, &looks[_i].script);
    runway_look(world.runway, "task-1", on_looked, &world.seen, &world.seen);
    wait_answer(&world);
    const struct seen *seen = &world.seen;
    ck_assert_msg(seen->looked.look == looks[_i].look, "%s: %d %s", looks[_i].name, (int)seen->looked.look,
                  seen->message);
    ck_assert_int_eq(seen->looked.status, looks[_i].status);
    ck_assert_str_eq(seen->output, looks[_i].output);
    ck_assert_str_eq(seen->code, looks[_i].code);
    ck_assert_int_eq(seen->message[0] == '\0', looks[_i].look == RUNWAY_TASK);
    if (looks[_i].status == RUNWAY_FAILED) ck_assert_str_eq(seen->failure, "An error");
    ck_assert_int_ge(peer_received(world.peer, "GET /v1/tasks/task-1 HTTP/1.1\r\n"), 1);
    ck_assert_int_eq(peer_received(world.peer, "Content-Type:"), 0);
    world_close(&world);
}
END_TEST

START_TEST(an_id_of_dots_stays_below_tasks)
{
    static const peer_script script = ANSWER("404 No", "");
    struct world world = { 0 };
    world_open(&world, &script);
    runway_look(world.runway, "..", on_looked, &world.seen, &world.seen);
    wait_answer(&world);
    ck_assert_int_eq(peer_received(world.peer, "GET /v1/tasks/.. HTTP/1.1\r\n"), 1);
    world_close(&world);
}
END_TEST

/* ---- cancel and organization */

static const struct { peer_script script; bool acknowledged, missing, operators; } cancels[] = {
    { ANSWER("204 No Content", ""), true, false, false },
    { ANSWER("200 OK", "{}"), true, false, false },
    { ANSWER("404 No", "{\"error\":\"Could not find Task\"}"), true, true, false },
    { ANSWER("401 No", "{}"), false, false, true },
    { ANSWER("500 No", ""), false, false, false },
    { ANSWER("429 No", ""), false, false, false },
    { { { PEER_READ_REQUEST, 0, 0 }, { PEER_RESET, 0, 0 } }, false, false, false },
};

START_TEST(only_the_provider_acknowledges_a_cancel)
{
    struct world world = { 0 };
    world_open(&world, &cancels[_i].script);
    runway_cancel(world.runway, "task-1", on_cancelled, &world.seen, NULL);
    wait_answer(&world);
    ck_assert_int_eq(world.seen.cancelled.acknowledged, cancels[_i].acknowledged);
    ck_assert_int_eq(world.seen.cancelled.missing, cancels[_i].missing);
    ck_assert_int_eq(world.seen.cancelled.operator_trouble, cancels[_i].operators);
    ck_assert_int_ge(peer_received(world.peer, "DELETE /v1/tasks/task-1 HTTP/1.1\r\n"), 1);
    world_close(&world);
}
END_TEST

static const struct { peer_script script; bool answered, operators; int64_t credits; } organizations[] = {
    { ANSWER("200 OK", "{\"creditBalance\":4321,\"tier\":{}}"), true, false, 4321 },
    { ANSWER("200 OK", "{\"creditBalance\":0}"), true, false, 0 },
    { ANSWER("200 OK", "{\"creditBalance\":\"many\"}"), false, false, 0 },
    { ANSWER("401 No", "{}"), false, true, 0 },
    { ANSWER("503 No", ""), false, false, 0 },
};

START_TEST(the_organization_tells_its_credits)
{
    struct world world = { 0 };
    world_open(&world, &organizations[_i].script);
    runway_organization(world.runway, on_organization, &world.seen, NULL);
    wait_answer(&world);
    ck_assert_int_eq(world.seen.organization.answered, organizations[_i].answered);
    ck_assert_int_eq(world.seen.organization.operator_trouble, organizations[_i].operators);
    ck_assert_int_eq(world.seen.organization.credit_balance, organizations[_i].credits);
    ck_assert_int_eq(peer_received(world.peer, "GET /v1/organization HTTP/1.1\r\n"), 1);
    world_close(&world);
}
END_TEST

#define USAGE(results) ANSWER("200 OK", "{\"models\":[\"gen4.5\"],\"results\":[" results "]}")
#define USED "{\"date\":\"2026-11-23\",\"usedCredits\":[{\"model\":\"gen4.5\",\"amount\":120}," \
             "{\"model\":\"act_two\",\"amount\":-2.5}]}"
static const struct { peer_script script; bool answered; size_t count; double sum; } usages[] = {
    { USAGE(""), true, 0, 0 },
    { USAGE(USED), true, 2, 117.5 },
    { USAGE(USED ",{\"date\":\"2026-11-24T00:00:00Z\",\"usedCredits\":[]}"), true, 2, 117.5 },
    { USAGE(USED ",{\"date\":\"24th\",\"usedCredits\":[]}"), false, 0, 0 },
    { USAGE("{\"date\":\"2026-11-23\",\"usedCredits\":[{\"model\":\"gen4.5\",\"amount\":\"120\"}]}"), false, 0, 0 },
    { ANSWER("200 OK", "{\"results\":{}}"), false, 0, 0 },
    { ANSWER("401 No", "{}"), false, 0, 0 },
};

static void on_usage(void *self, void *tag, const struct runway_usage_answer *answer)
{
    struct seen *seen = self;
    (void)tag;
    seen->calls++;
    ck_assert_int_eq(answer->answered, usages[seen->row].answered);
    ck_assert_uint_eq(answer->count, usages[seen->row].count);
    ck_assert(answer->answered || answer->message);
    double sum = 0;
    for (size_t i = 0; i < answer->count; i++) {
        ck_assert_str_eq(answer->rows[i].date, "2026-11-23");
        sum += answer->rows[i].credits;
    }
    ck_assert(sum == usages[seen->row].sum);
}

START_TEST(usage_is_told_by_day_and_model_or_not_at_all)
{
    struct world world = { 0 };
    world_open(&world, &usages[_i].script);
    world.seen.row = _i;
    runway_usage(world.runway, &(struct runway_usage_span){ "2026-11-18", "2026-11-24" }, on_usage, &world.seen, NULL);
    wait_answer(&world);
    ck_assert_int_eq(peer_received(world.peer, "POST /v1/organization/usage HTTP/1.1\r\n"), 1);
    ck_assert_int_eq(peer_received(world.peer, "{\"startDate\":\"2026-11-18\",\"beforeDate\":\"2026-11-24\"}"), 1);
    world_close(&world);
}
END_TEST

START_TEST(closing_drops_what_is_open)
{
    static const peer_script silent = { { PEER_READ_REQUEST, 0, 0 }, { PEER_WAIT, 0, 3000 } };
    struct world world = { 0 };
    world_open(&world, &silent);
    runway_create(world.runway, &cat, on_created, &world.seen, &world.seen);
    runway_look(world.runway, "task-1", on_looked, &world.seen, &world.seen);
    for (int i = 0; i < 3; i++) http_client_step(world.http, NULL, 0, 20);
    world_close(&world);
    ck_assert_int_eq(world.seen.calls, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runway client");
    TCase *tcase = tcase_create("client");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, create_is_sent_once_and_sorted, 0, COUNT(creates));
    tcase_add_test(tcase, create_says_who_and_what);
    tcase_add_test(tcase, without_a_connection_no_task_was_made);
    tcase_add_test(tcase, retry_after_is_handed_on);
    tcase_add_loop_test(tcase, look_is_sorted, 0, COUNT(looks));
    tcase_add_test(tcase, an_id_of_dots_stays_below_tasks);
    tcase_add_loop_test(tcase, only_the_provider_acknowledges_a_cancel, 0, COUNT(cancels));
    tcase_add_loop_test(tcase, usage_is_told_by_day_and_model_or_not_at_all, 0, COUNT(usages));
    tcase_add_loop_test(tcase, the_organization_tells_its_credits, 0, COUNT(organizations));
    tcase_add_test(tcase, closing_drops_what_is_open);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
