#include "runway/request.h"

#include <string.h>

const char *request_path(const struct runway_request *request)
{
    return request->image ? "/v1/image_to_video" : "/v1/text_to_video";
}

static void add_member(struct text *body, const char *name, const char *value)
{
    if (!value) return;
    text_add_string(body, body->length > 1 ? "," : "");
    text_add_json(body, name, strlen(name));
    text_add_char(body, ':');
    text_add_json(body, value, strlen(value));
}

static void add_number(struct text *body, const char *name, int64_t value)
{
    text_add_string(body, ",");
    text_add_json(body, name, strlen(name));
    text_add_char(body, ':');
    text_add_i64(body, value);
}

void request_body(const struct runway_request *request, struct text *body)
{
    text_add_char(body, '{');
    add_member(body, "model", request->model);
    add_member(body, "promptText", request->prompt);
    add_member(body, "promptImage", request->image);
    add_member(body, "ratio", request->ratio);
    if (request->duration_seconds > 0) add_number(body, "duration", request->duration_seconds);
    if (request->seed >= 0) add_number(body, "seed", request->seed);
    text_add_char(body, '}');
}
