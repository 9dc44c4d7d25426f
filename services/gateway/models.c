#include "gateway/models.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "json/json.h"
#include "json/out.h"

enum { POLICY_BYTES_MAX = 1024 * 1024 };

static void add(struct text *out, const char *name, const struct json *value)
{
    struct text dumped = { 0 };
    if (json_kind(value) == JSON_ABSENT)
        return;
    json_dump(value, &dumped);
    out_raw(out, name, dumped.bytes);
    text_free(&dumped);
}

static void write_models(const struct json *policy, struct text *out)
{
    const char *name;
    const struct json *model, *models = json_get(policy, "models");
    out_open(out, NULL, '{');
    add(out, "defaultModel", json_get(policy, "defaultModel"));
    add(out, "policyVersion", json_get(policy, "version"));
    out_open(out, "models", '[');
    for (void *at = json_next(models, NULL, &name, &model); at; at = json_next(models, at, &name, &model)) {
        out_open(out, NULL, '{');
        out_text(out, "name", name);
        add(out, "promptUnitsMax", json_get(model, "promptUnitsMax"));
        add(out, "text", json_get(model, "text"));
        add(out, "image", json_get(model, "image"));
        out_close(out, '}');
    }
    out_close(out, ']');
    out_close(out, '}');
}

bool models_read(const char *path, struct text *out)
{
    char error[JSON_ERROR_BYTES];
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char *bytes = xmalloc(POLICY_BYTES_MAX);
    size_t length = fread(bytes, 1, POLICY_BYTES_MAX, file);
    fclose(file);
    struct json *policy = json_parse(bytes, length, POLICY_BYTES_MAX, error);
    if (policy)
        write_models(policy, out);
    free(bytes);
    bool read = policy != NULL;
    json_free(&policy);
    return read;
}
