/* The account: what it has, what it may do, what it used. Balance and usage come from the same bookings. */
#include "sandbox/sandbox.h"

#include <string.h>

#include "json/json.h"

#include "base/clock.h"

static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;
enum { USAGE_BODY_BYTES_MAX = 4096, DAYS_MAX = 90, DAYS_DEFAULT = 30 };

/* The first row of each model's name stands for it. */
static bool first_of_name(size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(models[i].name, models[at].name) == 0) return false;
    return true;
}

static void tell_organization(struct sandbox *sandbox, struct text *text)
{
    const struct store_limits *limits = store_limits(sandbox->store);
    text_printf(text, "{\"creditBalance\":%lld,\"tier\":{\"maxMonthlyCreditSpend\":10000000,\"models\":{",
                (long long)store_balance(sandbox->store));
    const char *comma = "";
    for (size_t i = 0; i < model_count; i++) {
        if (!first_of_name(i)) continue;
        text_printf(text, "%s\"%s\":{\"maxConcurrentGenerations\":%lld,\"maxDailyGenerations\":%lld}", comma,
                    models[i].name, (long long)limits->concurrency, (long long)limits->daily);
        comma = ",";
    }
    text_add_string(text, "}},\"usage\":{\"models\":{");
    comma = "";
    for (size_t i = 0; i < model_count; i++) {
        if (!first_of_name(i)) continue;
        text_printf(text, "%s\"%s\":{\"dailyGenerations\":%lld}", comma, models[i].name,
                    (long long)store_daily(sandbox->store, &models[i]));
        comma = ",";
    }
    text_add_string(text, "}}}");
}

void api_organization(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    pthread_mutex_lock(&sandbox->lock);
    sandbox_now(sandbox);
    const struct fault fault = faults_draw(&sandbox->faults, TARGET_ORGANIZATION);
    if (!fault_before(&fault, visit->reply)) {
        visit->reply->status = 200;
        tell_organization(sandbox, &visit->reply->text);
        fault_after(&fault, visit->reply);
    }
    pthread_mutex_unlock(&sandbox->lock);
}

/* ---- usage */

static bool read_date(const struct json *value, int64_t *at_ms)
{
    const char *date = json_string(value, NULL);
    return date && usage_date_parse(date, at_ms);
}

/* The span in days of UTC; false when the body asks for none that there is. */
static bool read_span(const struct json *body, int64_t now_ms, int64_t *from_ms, int64_t *to_ms)
{
    const struct json *start = json_get(body, "startDate"), *before = json_get(body, "beforeDate");
    *to_ms = now_ms - now_ms % DAY_MS + DAY_MS;
    if (before && !read_date(before, to_ms)) return false;
    *from_ms = *to_ms - DAYS_DEFAULT * DAY_MS;
    if (start && !read_date(start, from_ms)) return false;
    return *from_ms < *to_ms && *to_ms - *from_ms <= DAYS_MAX * DAY_MS;
}

static void tell_day(const struct usage *usage, const char *date, struct text *text, const char **comma)
{
    const char *inner = "";
    for (size_t i = 0; i < usage->count; i++) {
        const struct usage_row *row = &usage->rows[i];
        if (strcmp(row->date, date) != 0) continue;
        if (!*inner) text_printf(text, "%s{\"date\":\"%s\",\"usedCredits\":[", *comma, date);
        text_printf(text, "%s{\"model\":\"%s\",\"amount\":%lld}", inner, row->model, (long long)row->credits);
        inner = ",";
    }
    if (!*inner) return;
    text_add_string(text, "]}");
    *comma = ",";
}

static bool used_between(const struct usage *usage, const char *model, const char *from, const char *before)
{
    for (size_t i = 0; i < usage->count; i++) {
        const struct usage_row *row = &usage->rows[i];
        if (strcmp(row->model, model) != 0) continue;
        if (strcmp(row->date, from) >= 0 && strcmp(row->date, before) < 0) return true;
    }
    return false;
}

static void tell_usage(const struct usage *usage, int64_t from_ms, int64_t to_ms, struct text *text)
{
    char from[DATE_BYTES], before[DATE_BYTES], date[DATE_BYTES];
    const char *comma = "";
    usage_date(from_ms, from);
    usage_date(to_ms, before);
    text_add_string(text, "{\"models\":[");
    for (size_t i = 0; i < model_count; i++) {
        if (!first_of_name(i) || !used_between(usage, models[i].name, from, before)) continue;
        text_printf(text, "%s\"%s\"", comma, models[i].name);
        comma = ",";
    }
    text_add_string(text, "],\"results\":[");
    comma = "";
    for (int64_t at_ms = from_ms; at_ms < to_ms; at_ms += DAY_MS) {
        usage_date(at_ms, date);
        tell_day(usage, date, text, &comma);
    }
    text_add_string(text, "]}");
}

void api_usage(struct visit *visit)
{
    struct sandbox *sandbox = visit->sandbox;
    char error[JSON_ERROR_BYTES];
    int64_t from_ms, to_ms;
    size_t length = visit->call->body_length;
    struct json *body = json_parse(visit->call->body, length, USAGE_BODY_BYTES_MAX, error);
    pthread_mutex_lock(&sandbox->lock);
    int64_t now_ms = sandbox_now(sandbox);
    if ((length > 0 && json_kind(body) != JSON_OBJECT) || !read_span(body, now_ms, &from_ms, &to_ms)) {
        answer_error(visit->reply, 400,
                     "startDate and beforeDate must be YYYY-MM-DD, at most 90 days apart.");
    } else {
        visit->reply->status = 200;
        tell_usage(store_usage(sandbox->store), from_ms, to_ms, &visit->reply->text);
    }
    pthread_mutex_unlock(&sandbox->lock);
    json_free(&body);
}
