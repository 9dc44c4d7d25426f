#include "gateway/remembered.h"

#include <stdio.h>
#include <string.h>

#include "gateway/view.h"

#include "base/clock.h"

static enum status status_of(const struct tokens_generation *generation)
{
    enum status status;
    if (generation->status && status_parse(generation->status, &status))
        return status;
    return generation->state && strcmp(generation->state, "refused") == 0 ? STATUS_REJECTED : STATUS_ACCEPTED;
}

static void write_output(struct text *out, const struct json *view)
{
    const struct json *list = json_get(view, "output");
    const char *expires = json_string(json_get(view, "outputExpiresAt"), NULL);
    if (json_count(list) == 0)
        return;
    out_open(out, "output", '[');
    for (size_t i = 0; i < json_count(list); i++)
        out_text(out, NULL, json_string(json_at(list, i), NULL));
    out_close(out, ']');
    out_text(out, "outputExpiresAt", expires);
}

static void write_error(struct text *out, const struct json *view)
{
    const char *code = json_string(json_get(view, "errorCode"), NULL);
    if (!code)
        return;
    out_open(out, "error", '{');
    out_text(out, "code", code);
    out_text(out, "message", json_string(json_get(view, "errorMessage"), NULL));
    out_close(out, '}');
}

static void write_remembered(struct text *out, const char *id, const struct tokens_generation *generation)
{
    char self[128], why[JSON_ERROR_BYTES];
    bool settled = generation->state && strcmp(generation->state, "settled") == 0;
    struct json *view = generation->view
        ? json_parse(generation->view, strlen(generation->view), JSON_BYTES_MAX, why) : NULL;
    const char *finished = json_string(json_get(view, "finishedAt"), NULL);
    snprintf(self, sizeof self, "/v1/generations/%s", id);
    out_open(out, NULL, '{');
    out_text(out, "id", id);
    out_text(out, "status", STATUS_NAMES[status_of(generation)]);
    out_text(out, "projectId", json_string(json_get(view, "projectId"), NULL));
    if (generation->held_tokens > 0)
        out_number(out, "requiredTokens", generation->held_tokens);
    out_number(out, "chargedTokens", settled ? generation->committed_tokens : OUT_ABSENT);
    out_time(out, "createdAt", generation->at_ms);
    if (finished)
        out_text(out, "updatedAt", finished);
    else
        out_time(out, "updatedAt", generation->at_ms);
    write_output(out, view);
    write_error(out, view);
    out_open(out, "links", '{');
    out_text(out, "self", self);
    out_close(out, '}');
    out_close(out, '}');
    json_free(&view);
}

static enum trouble look(struct request *request, const char *id, int status, bool *found)
{
    struct tokens_generation generation;
    enum trouble trouble = accounts_generation(request->gateway->accounts, request->claims.subject, id,
                                               &generation,
                                               found);
    if (trouble == TROUBLE_NONE && *found)
        write_remembered(request_json(request, status), id, &generation);
    if (trouble == TROUBLE_NONE)
        tokens_generation_free(&generation);
    return trouble;
}

bool remembered_answer(struct request *request, const char *generation_id, int status)
{
    bool found;
    return look(request, generation_id, status, &found) == TROUBLE_NONE && found;
}

void remembered_or_not(struct request *request)
{
    bool found;
    if (look(request, request->parts[0], 200, &found) != TROUBLE_NONE)
        request_redis_away(request);
    else if (!found)
        request_refuse(request, PROBLEM_NOT_FOUND, 0, "You have no generation with this id.");
}
