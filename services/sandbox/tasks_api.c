/* Create, look, delete: what Reelgate lives on. */
#include "sandbox/sandbox.h"

#include <string.h>

#include "json/json.h"
#include "sandbox/validate.h"

#include "base/clock.h"
#include "base/log.h"

enum {
    CREATE_BYTES_MAX = 12 * 1024 * 1024,     /* two data: URIs of 5 MiB and the rest */
    LOOK_EVERY_MS = 5000,                    /* how often Runway wants to be asked about one task, at most */
};

/* ---- create */

/* What a mark in the prompt asks for, said as a fault. */
static struct fault fault_of_marks(const struct marks *marks)
{
    static const enum fault_mode modes[] = {
        [MARK_ANSWER_NORMAL] = FAULT_NONE, [MARK_ANSWER_NO_ID] = FAULT_NONE,
        [MARK_ANSWER_STATUS] = FAULT_STATUS,
        [MARK_ANSWER_AFTER] = FAULT_STATUS_AFTER, [MARK_ANSWER_HANG] = FAULT_HANG,
        [MARK_ANSWER_RESET] = FAULT_RESET, [MARK_ANSWER_GARBAGE] = FAULT_GARBAGE };
    return (struct fault){ .mode = modes[marks->answer], .status = marks->http_status, .retry_after_s = -1,
                           .ms = 600000 };
}

static void make_task(struct visit *visit, const struct model *model, const struct json *body)
{
    struct sandbox *sandbox = visit->sandbox;
    const struct wish wish = { model, json_string(json_get(body, "promptText"), NULL),
                               credits_estimated(model, body) };
    const struct marks marks = marks_read(wish.prompt);
    const struct fault fault = fault_of_marks(&marks);
    struct task *task;
    if (fault_before(&fault, visit->reply)) return;
    switch (store_create(sandbox->store, &wish, &task, sandbox_now(sandbox))) {
    case CREATE_NO_CREDITS:
        answer_error(visit->reply, 400, "You do not have enough credits to run this task.");
        return;
    case CREATE_DAILY_LIMIT:
        answer_error(visit->reply, 429, "Your daily task limit has been reached.");
        return;
    case CREATE_MADE:
        break;
    }
    sandbox->counts.created++;
    log_info("task_created", LOG_TEXT("task_id", task->id), LOG_TEXT("model", model->name),
             LOG_TEXT("name", marks.name[0] ? marks.name : NULL), LOG_NUMBER("credits", task->estimated),
             LOG_TEXT("status", task_status_name(task->status)));
    visit->reply->status = 200;
    if (marks.answer == MARK_ANSWER_NO_ID) text_add_string(&visit->reply->text, "{\"ok\":true}");
    else text_printf(&visit->reply->text, "{\"id\":\"%s\",\"estimatedCost\":{\"credits\":%lld}}", task->id,
                     (long long)task->estimated);
    fault_after(&fault, visit->reply);
}

static void create(struct visit *visit)
{
    char error[JSON_ERROR_BYTES];
    const struct asset_check assets = { upload_there, visit->sandbox };
    struct issues issues = { 0 };
    struct json *body = json_parse(visit->call->body, visit->call->body_length, CREATE_BYTES_MAX, error);
    if (json_kind(body) != JSON_OBJECT) {
        answer_error(visit->reply, 400, "Invalid JSON in the request body.");
    } else {
        const struct model *model = validate(visit->call->path, body, &assets, &issues);
        if (issues.count > 0) answer_issues(visit->reply, issues.list.bytes);
        else make_task(visit, model, body);
    }
    text_free(&issues.list);
    json_free(&body);
}

void api_create(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    pthread_mutex_lock(&sandbox->lock);
    int64_t made_before = sandbox->counts.created;
    sandbox->counts.creates++;
    const struct fault fault = faults_draw(&sandbox->faults, TARGET_CREATE);
    if (!fault_before(&fault, visit->reply)) {
        create(visit);
        fault_after(&fault, visit->reply);
    }
    if (sandbox->counts.created == made_before) sandbox->counts.refused++;
    pthread_mutex_unlock(&sandbox->lock);
}

/* ---- look */

static double progress_of(const struct task *task, int64_t now_ms)
{
    if (task->run_ms <= 0) return 0;
    double progress = (double)(now_ms - task->running_ms) / (double)task->run_ms;
    return progress < 0 ? 0 : progress > 0.99 ? 0.99 : progress;
}

/* The odd status is for what a client makes of it: it goes away in the middle of the run. */
static const char *shown_status(const struct task *task, int64_t now_ms, const struct fault *fault)
{
    if (fault->mode == FAULT_UNKNOWN_STATUS) return "SANDBOX_ODD_STATUS";
    bool early = !task_ended(task) &&
                 (task->status != TASK_RUNNING || 2 * (now_ms - task->running_ms) < task->run_ms);
    return early && task->marks.odd_status[0] ? task->marks.odd_status : task_status_name(task->status);
}

static void tell_end(struct visit *visit, const struct task *task, struct text *text)
{
    if (task->status == TASK_SUCCEEDED) {
        char base[BASE_BYTES];
        visit_base(visit, base);
        text_add_string(text, ",\"output\":[");
        for (int i = 0; i < task->marks.outputs; i++) {
            if (i > 0) text_add_char(text, ',');
            output_url(visit->sandbox, task, i, base, text);
        }
        text_add_char(text, ']');
    } else if (task->status == TASK_FAILED) {
        const char *code = task->marks.failure_code;
        text_add_string(text, ",\"failure\":\"An unexpected error occurred.\",\"failureCode\":");
        if (code[0]) text_add_json(text, code, strlen(code));
        else text_add_string(text, "null");
    }
    text_printf(text, ",\"cost\":{\"credits\":%lld}", (long long)task->cost);
}

static void tell_task(struct visit *visit, const struct task *task, const struct fault *fault)
{
    char created[RFC3339_BYTES];
    struct text *text = &visit->reply->text;
    int64_t now_ms = sandbox_now(visit->sandbox);
    const char *status = shown_status(task, now_ms, fault);
    clock_format(task->created_ms, created);
    text_printf(text, "{\"id\":\"%s\",\"createdAt\":\"%s\",\"status\":", task->id, created);
    text_add_json(text, status, strlen(status));
    if (task_ended(task)) tell_end(visit, task, text);
    else text_printf(text, ",\"estimatedCost\":{\"credits\":%lld}", (long long)task->estimated);
    if (task->status == TASK_RUNNING) text_printf(text, ",\"progress\":%.2f", progress_of(task, now_ms));
    text_add_char(text, '}');
    visit->reply->status = 200;
}

void api_look(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    pthread_mutex_lock(&sandbox->lock);
    int64_t now_ms = sandbox_now(sandbox);
    const struct fault fault = faults_draw(&sandbox->faults, TARGET_LOOK);
    struct task *task = store_find(sandbox->store, visit->rest);
    sandbox->counts.looks++;
    if (task) {
        if (task->looked_ms > 0 && now_ms - task->looked_ms < LOOK_EVERY_MS) sandbox->counts.looks_early++;
        task->looked_ms = now_ms;
    }
    if (!fault_before(&fault, visit->reply)) {
        if (task) tell_task(visit, task, &fault);
        else answer_error(visit->reply, 404, "Could not find Task");
        fault_after(&fault, visit->reply);
    }
    pthread_mutex_unlock(&sandbox->lock);
}

/* ---- delete */

static void delete_task(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    struct task *task = store_find(sandbox->store, visit->rest);
    if (!task) {
        answer_error(visit->reply, 404, "Could not find Task");
        return;
    }
    log_info("task_deleted", LOG_TEXT("task_id", task->id),
             LOG_TEXT("status", task_status_name(task->status)));
    store_delete(sandbox->store, task, sandbox_now(sandbox));
    sandbox->counts.deleted++;
    visit->reply->status = 204;
}

void api_delete(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    pthread_mutex_lock(&sandbox->lock);
    sandbox_now(sandbox);
    const struct fault fault = faults_draw(&sandbox->faults, TARGET_DELETE);
    sandbox->counts.deletes++;
    if (!fault_before(&fault, visit->reply)) {
        delete_task(visit);
        fault_after(&fault, visit->reply);
    }
    pthread_mutex_unlock(&sandbox->lock);
}
