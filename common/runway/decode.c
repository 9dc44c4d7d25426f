#include "runway/decode.h"

#include <string.h>

#include "runway/classify.h"

#include "base/ids.h"
#include "base/xalloc.h"

bool task_id_valid(const char *id)
{
    if (!id || !id_valid(id, strlen(id))) return false;
    return id[strspn(id, ".")] != '\0';          /* "." and ".." would be another path */
}

/* Parsed, or NULL: not an object, too large, or nothing a strict reader takes. */
static struct json *parse_object(const char *body, size_t length)
{
    char error[JSON_ERROR_BYTES];
    struct json *root = json_parse(body, length, RUNWAY_ANSWER_BYTES_MAX, error);
    if (root && json_kind(root) != JSON_OBJECT) json_free(&root);
    return root;
}

/* {"credits": 12.5} under name; -1 when it is not said or can't be. */
static double credits_of(const struct json *root, const char *name)
{
    double credits;
    if (!json_number(json_get(json_get(root, name), "credits"), &credits)) return -1;
    return credits >= 0 && credits <= 1e12 ? credits : -1;
}

struct decoded_create decode_create(const char *body, size_t length)
{
    struct decoded_create decoded = { .root = parse_object(body, length), .estimated_credits = -1 };
    const char *id = json_string(json_get(decoded.root, "id"), NULL);
    if (task_id_valid(id)) decoded.task_id = id;
    decoded.estimated_credits = credits_of(decoded.root, "estimatedCost");
    return decoded;
}

static void read_outputs(const struct json *output, struct runway_look_answer *answer)
{
    for (size_t i = 0; i < json_count(output) && answer->output_count < RUNWAY_OUTPUTS_MAX; i++) {
        size_t length;
        const char *url = json_string(json_at(output, i), &length);
        if (!url || length == 0 || length > RUNWAY_URL_BYTES_MAX) continue;
        answer->outputs[answer->output_count++] = url;
    }
}

static void read_status(const struct json *root, const char *text, struct runway_look_answer *answer)
{
    const struct json *output = json_get(root, "output");
    answer->status = status_of_text(text);
    answer->status_text = text;
    if (answer->status != RUNWAY_SUCCEEDED) return;
    if (json_kind(output) == JSON_ARRAY) read_outputs(output, answer);
    /* Nothing to deliver yet, or ever: not a success that anybody should pay for. */
    if (answer->output_count > 0) return;
    answer->status = RUNWAY_STATUS_UNKNOWN;
    answer->status_text = "SUCCEEDED without output";
}

bool decode_task(const char *body, size_t length, const char *task_id, struct runway_look_answer *answer,
                 struct json **root)
{
    *root = parse_object(body, length);
    size_t status_length;
    const char *id = json_string(json_get(*root, "id"), NULL);
    const char *status = json_string(json_get(*root, "status"), &status_length);
    if (!status || status_length == 0 || status_length > RUNWAY_STATUS_BYTES_MAX) return false;
    if (id && strcmp(id, task_id) != 0) return false;
    read_status(*root, status, answer);
    double progress;
    if (json_number(json_get(*root, "progress"), &progress) && progress >= 0 && progress <= 1)
        answer->progress = progress;
    answer->failure = json_string(json_get(*root, "failure"), NULL);
    size_t code_length;
    const char *code = json_string(json_get(*root, "failureCode"), &code_length);
    if (code && code_length > 0 && code_length <= RUNWAY_FAILURE_CODE_BYTES_MAX) answer->failure_code = code;
    answer->credits = credits_of(*root, "cost");
    return true;
}

/* A limit that is no number of this world is none that we could keep to. */
static int64_t count_of(const struct json *object, const char *name)
{
    int64_t count;
    return json_integer(json_get(object, name), &count) && count >= 0 ? count : -1;
}

static void read_limits(const struct json *root, struct runway_organization_answer *answer)
{
    const struct json *limits = json_get(json_get(root, "tier"), "models"), *row;
    const struct json *used = json_get(json_get(root, "usage"), "models");
    const char *name;
    void *at = NULL;
    while (answer->model_count < RUNWAY_MODELS_MAX && (at = json_next(limits, at, &name, &row)) != NULL) {
        struct runway_model_limits *model = &answer->models[answer->model_count];
        if (strlen(name) >= sizeof model->model || json_kind(row) != JSON_OBJECT) continue;
        memcpy(model->model, name, strlen(name) + 1);
        model->concurrent = count_of(row, "maxConcurrentGenerations");
        model->daily = count_of(row, "maxDailyGenerations");
        model->daily_used = count_of(json_get(used, name), "dailyGenerations");
        answer->model_count++;
    }
}

bool decode_organization(const char *body, size_t length, struct runway_organization_answer *answer)
{
    struct json *root = parse_object(body, length);
    double balance = 0;
    bool readable = json_number(json_get(root, "creditBalance"), &balance) && balance > -1e15 &&
                    balance < 1e15;
    answer->model_count = 0;
    if (readable) {
        answer->credit_balance = (int64_t)balance;
        read_limits(root, answer);
    }
    json_free(&root);
    return readable;
}

static bool read_used(const struct json *used, const char *date, struct runway_usage_row *row)
{
    size_t length;
    const char *model = json_string(json_get(used, "model"), &length);
    double amount;
    if (!model || length == 0 || length >= sizeof row->model || !json_number(json_get(used, "amount"), &amount) ||
        amount > 1e12 || amount < -1e12)
        return false;
    memcpy(row->date, date, sizeof row->date);
    memcpy(row->model, model, length + 1);
    row->credits = amount;
    return true;
}

static bool read_day(const struct json *day, struct runway_usage_row **rows, size_t *count)
{
    size_t length;
    const char *date = json_string(json_get(day, "date"), &length);
    const struct json *used = json_get(day, "usedCredits");
    if (!date || length < 10 || json_kind(used) != JSON_ARRAY) return false;
    char cut[11] = "";
    memcpy(cut, date, 10);                       /* of a date with a time, its day */
    *rows = xrealloc(*rows, (*count + json_count(used) + 1) * sizeof **rows);
    for (size_t i = 0; i < json_count(used); i++)
        if (!read_used(json_at(used, i), cut, &(*rows)[(*count)++])) return false;
    return true;
}

bool decode_usage(const char *body, size_t length, struct runway_usage_row **rows, size_t *count)
{
    struct json *root = parse_object(body, length);
    const struct json *results = json_get(root, "results");
    bool readable = json_kind(results) == JSON_ARRAY;
    *rows = NULL;
    *count = 0;
    for (size_t i = 0; readable && i < json_count(results); i++)
        readable = read_day(json_at(results, i), rows, count);
    json_free(&root);
    return readable;
}
