/* For tests and demonstrations: what happened, and how it shall go on. Real Runway has nothing of this. */
#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "base/text.h"

/* ---- state */

struct tally { const char *name; int64_t tasks, live, deleted, by_status[TASK_STATUSES]; };

static void count_task(struct tally *tally, const struct task *task)
{
    tally->tasks++;
    if (task->deleted) tally->deleted++;
    else tally->by_status[task->status]++;
    if (!task->deleted && !task_ended(task)) tally->live++;
}

static void tell_tally(const struct tally *tally, struct text *text)
{
    text_printf(text, "{\"total\":%lld,\"live\":%lld,\"deleted\":%lld", (long long)tally->tasks,
                (long long)tally->live, (long long)tally->deleted);
    for (int i = 0; i < TASK_STATUSES; i++)
        text_printf(text, ",\"%s\":%lld", task_status_name((enum task_status)i),
                    (long long)tally->by_status[i]);
    text_add_char(text, '}');
}

static int by_name(const void *left, const void *right)
{
    return strcmp((*(const struct task *const *)left)->marks.name,
                  (*(const struct task *const *)right)->marks.name);
}

static size_t named_tasks(struct sandbox *sandbox, const struct task ***named)
{
    size_t count = 0, capacity = 0;
    const struct task *task;
    *named = NULL;
    TAILQ_FOREACH(task, store_tasks(sandbox->store), all) {
        if (!task->marks.name[0]) continue;
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            *named = xrealloc(*named, capacity * sizeof **named);
        }
        (*named)[count++] = task;
    }
    if (count > 0) qsort(*named, count, sizeof **named, by_name);
    return count;
}

/* Tasks by the [id:...] of their prompts; names with more than one task are what a test looks for. */
static void tell_names(struct sandbox *sandbox, struct text *text)
{
    const struct task **named;
    size_t count = named_tasks(sandbox, &named);
    int64_t twice = 0;
    text_add_string(text, "\"names\":{");
    for (size_t i = 0; i < count;) {
        struct tally tally = { .name = named[i]->marks.name };
        if (i > 0) text_add_char(text, ',');
        while (i < count && strcmp(named[i]->marks.name, tally.name) == 0) count_task(&tally, named[i++]);
        text_add_json(text, tally.name, strlen(tally.name));
        text_add_char(text, ':');
        tell_tally(&tally, text);
        twice += tally.tasks > 1;
    }
    text_printf(text, "},\"namesWithMoreThanOneTask\":%lld", (long long)twice);
    free(named);
}

static void tell_counts(const struct counts *counts, struct text *text)
{
    text_printf(text, "\"creates\":{\"received\":%lld,\"accepted\":%lld,\"refused\":%lld},",
                (long long)counts->creates, (long long)counts->created, (long long)counts->refused);
    text_printf(text, "\"looks\":{\"received\":%lld,\"early\":%lld},", (long long)counts->looks,
                (long long)counts->looks_early);
    text_printf(text, "\"deletes\":{\"received\":%lld,\"effective\":%lld},", (long long)counts->deletes,
                (long long)counts->deleted);
    text_printf(text, "\"outputs\":%lld,\"uploads\":%lld,\"unauthorized\":%lld,", (long long)counts->outputs,
                (long long)counts->uploads, (long long)counts->unauthorized);
}

void admin_state(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    struct text *text = &visit->reply->text;
    struct tally tally = { 0 };
    const struct task *task;
    pthread_mutex_lock(&sandbox->lock);
    sandbox_now(sandbox);
    TAILQ_FOREACH(task, store_tasks(sandbox->store), all) count_task(&tally, task);
    text_printf(text, "{\"created\":%lld,", (long long)sandbox->counts.created);
    tell_counts(&sandbox->counts, text);
    text_add_string(text, "\"tasks\":");
    tell_tally(&tally, text);
    text_add_char(text, ',');
    tell_names(sandbox, text);
    text_printf(text, ",\"creditBalance\":%lld,\"faults\":", (long long)store_balance(sandbox->store));
    faults_tell(&sandbox->faults, text);
    text_add_char(text, '}');
    pthread_mutex_unlock(&sandbox->lock);
    visit->reply->status = 200;
}

/* ---- tasks */

static void tell_task(const struct task *task, struct text *text)
{
    char created[RFC3339_BYTES];
    clock_format(task->created_ms, created);
    text_printf(text, "{\"id\":\"%s\",\"status\":\"%s\",\"deleted\":%s,", task->id,
                task_status_name(task->status), task->deleted ? "true" : "false");
    text_printf(text, "\"model\":\"%s\",\"createdAt\":\"%s\",", task->model->name, created);
    text_printf(text, "\"estimatedCredits\":%lld,\"cost\":%lld,\"name\":", (long long)task->estimated,
                (long long)task->cost);
    text_add_json(text, task->marks.name, strlen(task->marks.name));
    text_add_string(text, ",\"promptText\":");
    text_add_json(text, task->prompt, strlen(task->prompt));
    text_add_char(text, '}');
}

/* All, oldest first; ?name= those with this [id:...], ?status= those in this state. */
void admin_tasks(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    struct text *text = &visit->reply->text;
    const char *name = http_call_query(visit->call, "name"), *status = http_call_query(visit->call, "status");
    const char *comma = "";
    const struct task *task;
    pthread_mutex_lock(&sandbox->lock);
    sandbox_now(sandbox);
    text_add_string(text, "{\"tasks\":[");
    TAILQ_FOREACH(task, store_tasks(sandbox->store), all) {
        if (name && strcmp(name, task->marks.name) != 0) continue;
        if (status && strcmp(status, task_status_name(task->status)) != 0) continue;
        text_add_string(text, comma);
        tell_task(task, text);
        comma = ",";
    }
    text_add_string(text, "]}");
    pthread_mutex_unlock(&sandbox->lock);
    visit->reply->status = 200;
}

/* ---- switches */

enum { SWITCHES_BYTES_MAX = 16 * 1024 };

void admin_faults(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    char error[200] = "", json_error[JSON_ERROR_BYTES];
    bool good = true;
    pthread_mutex_lock(&sandbox->lock);
    if (strcmp(visit->call->method, "POST") == 0) {
        struct json *body = json_parse(visit->call->body, visit->call->body_length, SWITCHES_BYTES_MAX,
                                       json_error);
        good = faults_set(&sandbox->faults, body, error);
        json_free(&body);
    }
    if (good) {
        visit->reply->status = 200;
        faults_tell(&sandbox->faults, &visit->reply->text);
        log_info("faults_set", LOG_TEXT("faults", visit->reply->text.bytes));
    } else {
        answer_error(visit->reply, 400, error);
    }
    pthread_mutex_unlock(&sandbox->lock);
}

static bool set_number(const struct json *body, const char *name, int64_t most, int64_t *into)
{
    const struct json *value = json_get(body, name);
    int64_t number;
    if (!value) return true;
    if (!json_integer(value, &number) || number < 0 || number > most) return false;
    *into = number;
    return true;
}

static bool set_key(const struct json *body, char *key, size_t size)
{
    const struct json *value = json_get(body, "key");
    const char *text = json_string(value, NULL);
    if (!value) return true;
    if (json_kind(value) != JSON_NULL && (!text || strlen(text) >= size)) return false;
    text_copy(key, size, text ? text : "");
    return true;
}

static bool change_settings(struct sandbox *sandbox, const struct json *body)
{
    struct store_limits limits = *store_limits(sandbox->store);
    int64_t credits = store_balance(sandbox->store), url_expiry_ms = sandbox->url_expiry_ms;
    char key[sizeof sandbox->key];
    text_copy(key, sizeof key, sandbox->key);
    bool good = json_kind(body) == JSON_OBJECT && set_number(body, "runMs", INT32_MAX, &limits.run_ms) &&
                set_number(body, "runJitter", 100, &limits.run_jitter) &&
                set_number(body, "pendingMs", INT32_MAX, &limits.pending_ms) &&
                set_number(body, "concurrency", INT32_MAX, &limits.concurrency) &&
                set_number(body, "daily", INT32_MAX, &limits.daily) &&
                set_number(body, "failRatio", 100, &limits.fail_ratio) &&
                set_number(body, "credits", INT64_C(1000000000000), &credits) &&
                set_number(body, "urlExpiryMs", INT32_MAX, &url_expiry_ms) && set_key(body, key, sizeof key);
    if (!good) return false;
    *store_limits(sandbox->store) = limits;
    store_add_credits(sandbox->store, credits - store_balance(sandbox->store));
    sandbox->url_expiry_ms = url_expiry_ms;
    text_copy(sandbox->key, sizeof sandbox->key, key);
    return true;
}

void admin_settings(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    char error[JSON_ERROR_BYTES];
    struct json *body = json_parse(visit->call->body, visit->call->body_length, SWITCHES_BYTES_MAX, error);
    pthread_mutex_lock(&sandbox->lock);
    sandbox_now(sandbox);
    if (change_settings(sandbox, body)) {
        visit->reply->status = 200;
        text_add_string(&visit->reply->text, "{\"ok\":true}");
    } else {
        answer_error(visit->reply, 400,
                     "runMs runJitter pendingMs concurrency daily failRatio credits urlExpiryMs key");
    }
    pthread_mutex_unlock(&sandbox->lock);
    json_free(&body);
}

void admin_reset(struct visit *visit)
{
    pthread_mutex_lock(&visit->sandbox->lock);
    sandbox_reset(visit->sandbox);
    pthread_mutex_unlock(&visit->sandbox->lock);
    visit->reply->status = 200;
    text_add_string(&visit->reply->text, "{\"ok\":true}");
}
