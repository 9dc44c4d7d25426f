#include "sandbox/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/asset.h"

enum { PATH_BYTES = 200, WORDS_BYTES = 600 };

void issue_add(struct issues *issues, const char *code, const char *message, const char *path)
{
    if (issues->count++ > 0) text_add_char(&issues->list, ',');
    text_add_string(&issues->list, "{\"code\":");
    text_add_json(&issues->list, code, strlen(code));
    text_add_string(&issues->list, ",\"message\":");
    text_add_json(&issues->list, message, strlen(message));
    text_printf(&issues->list, ",\"path\":[%s]}", path);
}

size_t utf16_units(const char *text)
{
    size_t units = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if ((*at & 0xc0) == 0x80) continue;          /* inside a character */
        units += *at >= 0xf0 ? 2 : 1;                /* beyond the basic plane: a surrogate pair */
    }
    return units;
}

/* ---- kinds of fields: each adds its issues */

struct checking { const struct field *field; const struct asset_check *assets; struct issues *issues; };

static void complain(const struct checking *checking, const char *code, const char *message)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "\"%s\"", checking->field->name);
    issue_add(checking->issues, code, message, path);
}

static void expected(const struct checking *checking, const char *type)
{
    char message[100];
    snprintf(message, sizeof message, "Invalid input: expected %s", type);
    complain(checking, "invalid_type", message);
}

static void check_text(const struct checking *checking, const char *value)
{
    char message[100];
    const struct field *field = checking->field;
    size_t length = field->kind == FIELD_PROMPT ? utf16_units(value) : strlen(value);
    if ((int64_t)length < field->least) {
        complain(checking, "too_small", "Too small: expected string to have >=1 characters");
    } else if ((int64_t)length > field->most) {
        snprintf(message, sizeof message, "Too big: expected string to have <=%lld characters",
                 (long long)field->most);
        complain(checking, "too_big", message);
    }
}

static void check_choice(const struct checking *checking, const char *value)
{
    char message[WORDS_BYTES];
    if (choice_among(checking->field->choices, value)) return;
    snprintf(message, sizeof message, "Invalid option: expected one of %s", checking->field->choices);
    complain(checking, "invalid_value", message);
}

static void check_integer(const struct checking *checking, int64_t value)
{
    char message[100], digits[24];
    const struct field *field = checking->field;
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    if (field->kind == FIELD_INTEGERS) {
        check_choice(checking, digits);
    } else if (value < field->least) {
        snprintf(message, sizeof message, "Too small: expected number to be >=%lld", (long long)field->least);
        complain(checking, "too_small", message);
    } else if (value > field->most) {
        snprintf(message, sizeof message, "Too big: expected number to be <=%lld", (long long)field->most);
        complain(checking, "too_big", message);
    }
}

static void check_asset(const struct checking *checking, const struct json *value, const char *inner_path)
{
    char path[PATH_BYTES];
    const char *uri = json_string(value, NULL);
    snprintf(path, sizeof path, "\"%s\"%s", checking->field->name, inner_path);
    const char *flaw = uri ? asset_flaw(uri, checking->assets) : "Invalid input: expected string";
    if (flaw) issue_add(checking->issues, uri ? "custom" : "invalid_type", flaw, path);
}

/* An array of {uri, position} for the promptImage of image_to_video. */
static void check_frames(const struct checking *checking, const struct json *frames)
{
    bool first = false, last = false;
    size_t count = json_count(frames);
    for (size_t i = 0; i < count; i++) {
        char inner[40];
        const char *position = json_string(json_get(json_at(frames, i), "position"), NULL);
        snprintf(inner, sizeof inner, ",%zu,\"uri\"", i);
        check_asset(checking, json_get(json_at(frames, i), "uri"), inner);
        first = first || (position && strcmp(position, "first") == 0);
        last = last || (position && strcmp(position, "last") == 0);
    }
    bool one = count == 1 && first, two = count == 2 && first && last;
    bool good = one || (two && checking->field->kind == FIELD_FRAMES);
    if (!good) complain(checking, "custom", "Invalid set of images and positions");
}

static void check_images(const struct checking *checking, const struct json *images)
{
    size_t count = json_count(images);
    if ((int64_t)count < checking->field->least) complain(checking, "too_small", "Too few images");
    if ((int64_t)count > checking->field->most) complain(checking, "too_big", "Too many images");
    for (size_t i = 0; i < count; i++) {
        char inner[40];
        snprintf(inner, sizeof inner, ",%zu,\"uri\"", i);
        check_asset(checking, json_get(json_at(images, i), "uri"), inner);
    }
}

static void check_media(const struct checking *checking, const struct json *media)
{
    const char *type = json_string(json_get(media, "type"), NULL);
    if (!type || !choice_among(checking->field->choices, type))
        complain(checking, "invalid_value", "Invalid type");
    check_asset(checking, json_get(media, "uri"), ",\"uri\"");
}

static void check_scalar(const struct checking *checking, const struct json *value)
{
    int64_t integer;
    bool flag;
    const char *string = json_string(value, NULL);
    switch (checking->field->kind) {
    case FIELD_PROMPT:
    case FIELD_TEXT:
        if (string) check_text(checking, string);
        else expected(checking, "string");
        return;
    case FIELD_CHOICE:
        if (string) check_choice(checking, string);
        else expected(checking, "string");
        return;
    case FIELD_INTEGER:
    case FIELD_INTEGERS:
        if (json_integer(value, &integer)) check_integer(checking, integer);
        else expected(checking, "int");
        return;
    default:
        if (!json_bool(value, &flag)) expected(checking, "boolean");
    }
}

static void check_field(const struct checking *checking, const struct json *value)
{
    enum json_kind kind = json_kind(value);
    switch (checking->field->kind) {
    case FIELD_PROMPT: case FIELD_TEXT: case FIELD_CHOICE:
    case FIELD_INTEGER: case FIELD_INTEGERS: case FIELD_BOOL:
        check_scalar(checking, value);
        return;
    case FIELD_ASSET:
        check_asset(checking, value, "");
        return;
    case FIELD_IMAGE:
    case FIELD_FRAMES:
        if (kind == JSON_ARRAY) check_frames(checking, value);
        else check_asset(checking, value, "");
        return;
    case FIELD_IMAGES:
        if (kind == JSON_ARRAY) check_images(checking, value);
        else expected(checking, "array");
        return;
    case FIELD_MEDIA:
        check_media(checking, value);
        return;
    case FIELD_OBJECT:
        if (kind != JSON_OBJECT) expected(checking, "object");
        return;
    case FIELD_ARRAY:
        if (kind != JSON_ARRAY) expected(checking, "array");
        else if ((int64_t)json_count(value) > checking->field->most)
            complain(checking, "too_big", "Too many members");
        return;
    }
}

/* ---- the body */

static const struct field *field_of(const struct model *model, const char *name)
{
    for (const struct field *field = model->fields; field < model->fields + FIELDS_MAX && field->name;
         field++)
        if (strcmp(field->name, name) == 0) return field;
    return NULL;
}

static const struct model *model_of(const char *endpoint, const struct json *body, struct issues *issues)
{
    char names[400], message[WORDS_BYTES];
    const char *name = json_string(json_get(body, "model"), NULL);
    const struct model *model = name ? model_find(endpoint, name) : NULL;
    if (model) return model;
    models_of_endpoint(endpoint, names, sizeof names);
    snprintf(message, sizeof message, "Invalid discriminator value. Expected one of %s", names);
    issue_add(issues, "invalid_union_discriminator", message, "\"model\"");
    return NULL;
}

static void refuse_strangers(const struct model *model, const struct json *body, struct issues *issues)
{
    const char *name;
    const struct json *value;
    for (void *at = json_next(body, NULL, &name, &value); at; at = json_next(body, at, &name, &value)) {
        if (strcmp(name, "model") == 0 || field_of(model, name)) continue;
        char message[WORDS_BYTES];
        snprintf(message, sizeof message, "Unrecognized key: \"%.100s\"", name);
        issue_add(issues, "unrecognized_keys", message, "");
    }
}

const struct model *validate(const char *endpoint, const struct json *body, const struct asset_check *assets,
                             struct issues *issues)
{
    const struct model *model = model_of(endpoint, body, issues);
    if (!model) return NULL;
    for (const struct field *field = model->fields; field < model->fields + FIELDS_MAX && field->name;
         field++) {
        const struct checking checking = { field, assets, issues };
        const struct json *value = json_get(body, field->name);
        if (value) check_field(&checking, value);
        else if (field->required) expected(&checking, "a value, received undefined");
    }
    refuse_strangers(model, body, issues);
    return model;
}

int64_t credits_estimated(const struct model *model, const struct json *body)
{
    int64_t seconds = model->default_seconds;
    bool audio = true;
    if (model->credits_per_second == 0) return model->credits_flat;
    json_integer(json_get(body, "duration"), &seconds);
    json_bool(json_get(body, "audio"), &audio);
    return seconds * (model->credits_per_second_audio && audio ? model->credits_per_second_audio
                                                               : model->credits_per_second);
}
