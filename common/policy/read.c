/* The policy file into rules, refused whole at the first thing that is wrong: money is no place for defaults
 * by typo. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "base/xalloc.h"
#include "policy/place.h"
#include "policy/rules.h"

/* The one of the two that is there: {"tokens": 1} for each generation, {"tokensPerSecond": 2} for each
 * second of it. */
static bool read_price(struct place *place, const struct json *value, void *into)
{
    struct price *price = into;
    static const char *const names[] = { "tokens", "tokensPerSecond", NULL };
    if (!place_object(place, value, names))
        return false;
    if (json_count(value) != 1)
        return place_wrong(place, value, "either tokens or tokensPerSecond");
    price->per_second = json_get(value, "tokensPerSecond") != NULL;
    return place_integer(place, value, price->per_second ? "tokensPerSecond" : "tokens", 1, PRICE_TOKENS_MAX,
                         &price->tokens);
}

static bool read_ratios(struct place *place, const struct json *value, void *into)
{
    struct input *input = into;
    size_t count = json_count(value);
    if (json_kind(value) != JSON_ARRAY || count < 1 || count > RATIOS_MAX)
        return place_wrong(place, value, "an array of 1 to 32 ratios");
    for (size_t i = 0; i < count; i++) {
        size_t before = place_enter_item(place, i);
        if (!place_word(place, json_at(value, i), &input->ratios[i]))
            return false;
        if (strlen(input->ratios[i]) > 32 || input_takes_ratio(input, input->ratios[i]))
            return place_wrong(place, json_at(value, i), "a ratio of at most 32 characters, once");
        input->ratio_count++;
        place_leave(place, before);
    }
    return true;
}

static bool read_duration_list(struct place *place, const struct json *value, struct input *input)
{
    size_t count = json_count(value);
    if (count < 1 || count > DURATIONS_MAX)
        return place_wrong(place, value, "an array of 1 to 32 lengths in seconds");
    for (size_t i = 0; i < count; i++) {
        size_t before = place_enter_item(place, i);
        int64_t *seconds = &input->durations[i];
        if (!json_integer(json_at(value, i), seconds) || *seconds < 1 || *seconds > DURATION_SECONDS_MAX
            || (i > 0 && *seconds <= seconds[-1]))
            return place_wrong(place, json_at(value, i),
                               "a whole number from 1 to 3600, more than the one before");
        input->duration_count++;
        place_leave(place, before);
    }
    return true;
}

/* A list of lengths, or {"least": 2, "most": 10}. */
static bool read_durations(struct place *place, const struct json *value, void *into)
{
    struct input *input = into;
    static const char *const names[] = { "least", "most", NULL };
    if (json_kind(value) == JSON_ARRAY)
        return read_duration_list(place, value, input);
    if (json_kind(value) != JSON_OBJECT)
        return place_wrong(place, value, "an array of lengths in seconds, or an object with least and most");
    input->any_between = true;
    input->duration_count = 2;
    return place_object(place, value, names)
           && place_integer(place, value, "least", 1, DURATION_SECONDS_MAX, &input->durations[0])
           && place_integer(place, value, "most", input->durations[0], DURATION_SECONDS_MAX,
                            &input->durations[1]);
}

static bool read_prompt_rule(struct place *place, const struct json *value, void *into)
{
    struct input *input = into;
    const char *rule = value ? json_string(value, NULL) : "required";
    input->prompt_optional = rule && strcmp(rule, "optional") == 0;
    return (rule && (input->prompt_optional || strcmp(rule, "required") == 0))
        || place_wrong(place, value, "required or optional");
}

static bool read_default_ratio(struct place *place, const struct json *value, void *into)
{
    struct input *input = into;
    input->default_ratio = json_string(value, NULL);
    return (input->default_ratio && input_takes_ratio(input, input->default_ratio))
        || place_wrong(place, value, "one of this input's ratios");
}

static bool read_default_duration(struct place *place, const struct json *value, void *into)
{
    struct input *input = into;
    return (json_integer(value, &input->default_duration)
            && input_takes_duration(input, input->default_duration))
           || place_wrong(place, value, "one of this input's durations");
}

static bool read_input(struct place *place, const struct json *value, void *into)
{
    struct input *input = into;
    static const char *const names[] = { "prompt",    "ratios",          "defaultRatio",
                                         "durations", "defaultDuration", NULL };
    if (!value)
        return true;
    input->taken = true;
    if (!place_object(place, value, names) || !place_member(place, value, "prompt", read_prompt_rule, input)
        || !place_member(place, value, "ratios", read_ratios, input)
        || !place_member(place, value, "defaultRatio", read_default_ratio, input))
        return false;
    if (!json_get(value, "durations") && !json_get(value, "defaultDuration"))
        return true;
    return place_member(place, value, "durations", read_durations, input)
        && place_member(place, value, "defaultDuration", read_default_duration, input);
}

/* A price by the second needs a length, and its product has to stay a price. */
static bool check_price(struct place *place, const struct json *value, const struct model *model,
                        const struct input *input)
{
    if (!input->taken || !model->price.per_second)
        return true;
    if (input->duration_count == 0)
        return place_wrong(place, value, "a model with durations, since its price is by the second");
    int64_t longest = input->durations[input->duration_count - 1];
    return model->price.tokens <= PRICE_TOKENS_MAX / longest
        || place_wrong(place, value, "at most 2147483647 tokens for the longest duration");
}

static bool read_own_price(struct place *place, const struct json *value, void *into)
{
    struct model *model = into;
    return !value || read_price(place, value, &model->price);
}

static bool read_model(struct place *place, const struct json *value, struct model *model)
{
    static const char *const names[] = { "promptUnitsMax", "price", "text", "image", NULL };
    if (!place_object(place, value, names)
        || !place_integer(place, value, "promptUnitsMax", 1, PROMPT_UNITS_MAX, &model->prompt_units_max)
        || !place_member(place, value, "price", read_own_price, model)
        || !place_member(place, value, "text", read_input, &model->text)
        || !place_member(place, value, "image", read_input, &model->image))
        return false;
    if (!model->text.taken && !model->image.taken)
        return place_wrong(place, value, "a model with text, image or both");
    return check_price(place, value, model, &model->text) && check_price(place, value, model, &model->image);
}

static bool read_models(struct place *place, const struct json *value, void *into)
{
    struct policy *policy = into;
    size_t count = json_count(value);
    if (json_kind(value) != JSON_OBJECT || count < 1 || count > MODELS_MAX)
        return place_wrong(place, value, "an object of 1 to 64 models");
    const char *name;
    const struct json *member;
    for (void *at = json_next(value, NULL, &name, &member); at; at = json_next(value, at, &name, &member)) {
        size_t before = place_enter(place, name);
        struct model *model = &policy->models[policy->model_count++];
        model->name = name;
        model->price = policy->price;
        if (!id_valid(name, strlen(name)))
            return place_wrong(place, member, "a model's name of 1 to 64 characters of A-Z a-z 0-9 . _ : -");
        if (!read_model(place, member, model))
            return false;
        place_leave(place, before);
    }
    return true;
}

static bool read_failures(struct place *place, const struct json *value, void *into)
{
    struct policy *policy = into;
    if (!value)
        return true;
    if (json_kind(value) != JSON_OBJECT || json_count(value) > CHARGES_MAX)
        return place_wrong(place, value, "an object of at most 64 failure code prefixes");
    const char *name;
    const struct json *member;
    for (void *at = json_next(value, NULL, &name, &member); at; at = json_next(value, at, &name, &member)) {
        struct charge *charge = &policy->charges[policy->charge_count++];
        charge->prefix = name;
        if (!id_valid(name, strlen(name))) {
            place_enter(place, name);
            return place_wrong(place, member, "a prefix of 1 to 64 characters of A-Z a-z 0-9 . _ : -");
        }
        if (!place_integer(place, value, name, 0, 100, &charge->percent))
            return false;
    }
    return true;
}

static bool read_charges(struct place *place, const struct json *value, void *into)
{
    struct policy *policy = into;
    static const char *const names[] = { "cancelled", "otherwise", "failures", NULL };
    return place_object(place, value, names)
        && place_integer(place, value, "cancelled", 0, 100, &policy->cancelled_percent)
        && place_integer(place, value, "otherwise", 0, 100, &policy->otherwise_percent)
        && place_member(place, value, "failures", read_failures, policy);
}

/* A request without a model may be a bare prompt, so the default has to take that. */
static bool read_default_model(struct place *place, const struct json *value, void *into)
{
    struct policy *policy = into;
    const char *name = json_string(value, NULL);
    policy->default_model = name ? policy_model(policy, name) : NULL;
    return (policy->default_model && policy->default_model->text.taken)
        || place_wrong(place, value, "one of the models that takes text alone");
}

static bool read_version(struct place *place, const struct json *value, void *into)
{
    struct policy *policy = into;
    return place_word(place, value, &policy->version);
}

static bool read_root(struct place *place, const struct json *root, struct policy *policy)
{
    static const char *const names[] = {
        "version", "defaultModel", "price", "chargePercent", "models", NULL
    };
    return place_object(place, root, names)
        && place_member(place, root, "version", read_version, policy)
        && place_member(place, root, "price", read_price, &policy->price)
        && place_member(place, root, "chargePercent", read_charges, policy)
        && place_member(place, root, "models", read_models, policy)
        && place_member(place, root, "defaultModel", read_default_model, policy);
}

struct policy *policy_parse(const char *name, const char *bytes, size_t length,
                            char error[POLICY_ERROR_BYTES])
{
    char reason[JSON_ERROR_BYTES];
    error[0] = '\0';
    struct policy *policy = xcalloc(1, sizeof *policy);
    struct place place = { .file = name, .path = "$", .length = 1, .error = error };
    policy->root = json_parse(bytes, length, JSON_BYTES_MAX, reason);
    if (!policy->root)
        snprintf(error, POLICY_ERROR_BYTES, "%s: $ is no policy; allowed is one JSON object: %s", name,
                 reason);
    if (!policy->root || !read_root(&place, policy->root, policy))
        policy_free(&policy);
    return policy;
}

struct policy *policy_read(const char *path, char error[POLICY_ERROR_BYTES])
{
    /* One byte more than is allowed, so that what is too large is seen as that and not cut to fit. */
    char *bytes = xmalloc(JSON_BYTES_MAX + 1);
    struct policy *policy = NULL;
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(bytes, 1, JSON_BYTES_MAX + 1, file) : 0;
    if (!file || ferror(file))
        snprintf(error, POLICY_ERROR_BYTES, "%s: can't be read (%s); allowed is a readable policy file", path,
                 strerror(errno));
    else
        policy = policy_parse(path, bytes, length, error);
    if (file)
        fclose(file);
    free(bytes);
    return policy;
}

void policy_free(struct policy **policy)
{
    if (!*policy)
        return;
    json_free(&(*policy)->root);
    free(*policy);
    *policy = NULL;
}
