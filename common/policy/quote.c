/* What a request may ask of a model, and its price. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "policy/rules.h"

enum {
    SHOWN_CHARACTERS = 40,
    SHOWN_BYTES = SHOWN_CHARACTERS + 4,
    IMAGE_BYTES_LEAST = 13,
    IMAGE_BYTES_MOST = 2048
};

const char *policy_version(const struct policy *policy)
{
    return policy->version;
}

const char *policy_default_model(const struct policy *policy)
{
    return policy->default_model->name;
}

const struct model *policy_model(const struct policy *policy, const char *name)
{
    for (int i = 0; i < policy->model_count; i++)
        if (strcmp(policy->models[i].name, name) == 0)
            return &policy->models[i];
    return NULL;
}

bool input_takes_duration(const struct input *input, int64_t seconds)
{
    if (input->any_between)
        return seconds >= input->durations[0] && seconds <= input->durations[1];
    for (int i = 0; i < input->duration_count; i++)
        if (input->durations[i] == seconds)
            return true;
    return false;
}

bool input_takes_ratio(const struct input *input, const char *ratio)
{
    for (int i = 0; i < input->ratio_count; i++)
        if (strcmp(input->ratios[i], ratio) == 0)
            return true;
    return false;
}

/* A character outside the basic plane is four bytes of UTF-8 and a pair of units; each other one is a single
 * unit. */
size_t policy_utf16_units(const char *utf8)
{
    size_t units = 0;
    for (const unsigned char *at = (const unsigned char *)utf8; *at != '\0'; at++)
        units += (size_t)((*at & 0xc0) != 0x80) + (size_t)(*at >= 0xf0);
    return units;
}

__attribute__((format(printf, 3, 4)))
static bool refuse(struct policy_answer *answer, const char *field, const char *format, ...)
{
    snprintf(answer->field, sizeof answer->field, "%s", field);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(answer->message, sizeof answer->message, format, arguments);
    va_end(arguments);
    return false;
}

static const char *shown(const char *text, char out[SHOWN_BYTES])
{
    size_t length = strnlen(text, SHOWN_CHARACTERS + 1),
           kept = length > SHOWN_CHARACTERS ? SHOWN_CHARACTERS : length;
    for (size_t i = 0; i < kept; i++)
        out[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    memcpy(out + kept, length > kept ? "..." : "", length > kept ? 4 : 1);
    return out;
}

/* "a, b, c", as far as there is room. */
static void list(char *out, size_t size, const char *item)
{
    size_t length = strlen(out);
    snprintf(out + length, size - length, "%s%s", length > 0 ? ", " : "", item);
}

static bool check_model(const struct policy *policy, const char *name, struct policy_answer *answer,
                        const struct model **model)
{
    *model = name ? policy_model(policy, name) : policy->default_model;
    if (*model)
        return true;
    must(name);                          /* the default model is always there */
    char names[120] = "", cut[SHOWN_BYTES];
    for (int i = 0; i < policy->model_count; i++)
        list(names, sizeof names, policy->models[i].name);
    return refuse(answer, "model", "model is \"%s\"; allowed is %s", shown(name, cut), names);
}

/* The provider fetches over https from a host with a name only; a URL that it would refuse is refused here,
 * before tokens are held. User and password have no business in a message. */
static bool image_url_good(const char *url)
{
    static const char scheme[] = "https://";
    size_t length = strnlen(url, IMAGE_BYTES_MOST + 1);
    if (length < IMAGE_BYTES_LEAST || length > IMAGE_BYTES_MOST
        || strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *host = url + sizeof scheme - 1;
    size_t authority = strcspn(host, "/?#");
    if (memchr(host, '@', authority) || memchr(host, '[', authority))
        return false;
    size_t end = strcspn(host, ":/?#"), last = end;
    while (last > 0 && host[last - 1] != '.')
        last--;
    return end > last && last > 0 && strspn(host + last, "0123456789") < end - last;
}

static bool check_image(const struct model *model, const char *image, struct policy_answer *answer)
{
    char cut[SHOWN_BYTES];
    if (!image && !model->text.taken)
        return refuse(answer, "image", "image is missing; allowed for %s is an https:// URL of an image",
                      model->name);
    if (image && !model->image.taken)
        return refuse(answer, "image", "image is \"%s\"; allowed for %s is none", shown(image, cut),
                      model->name);
    if (image && !image_url_good(image))
        return refuse(answer, "image",
                      "image is \"%s\"; allowed is an https:// URL of %d to %d characters whose host is a "
                      "domain name",
                      shown(image, cut), IMAGE_BYTES_LEAST, IMAGE_BYTES_MOST);
    return true;
}

static bool check_prompt(const struct model *model, const struct input *input, const char *prompt,
                         struct policy_answer *answer)
{
    size_t units = prompt ? policy_utf16_units(prompt) : 0;
    if (units == 0 && !input->prompt_optional)
        return refuse(answer, "prompt", "prompt is missing; allowed for %s is 1 to %" PRId64 " UTF-16 units",
                      model->name, model->prompt_units_max);
    if (units > (size_t)model->prompt_units_max)
        return refuse(answer, "prompt", "prompt is %zu UTF-16 units long; allowed for %s is 1 to %" PRId64,
                      units, model->name, model->prompt_units_max);
    return true;
}

static bool check_ratio(const struct model *model, const struct input *input, const char *ratio,
                        struct policy_answer *answer)
{
    answer->ratio = ratio ? ratio : input->default_ratio;
    if (!ratio || input_takes_ratio(input, ratio))
        return true;
    char ratios[120] = "", cut[SHOWN_BYTES];
    for (int i = 0; i < input->ratio_count; i++)
        list(ratios, sizeof ratios, input->ratios[i]);
    return refuse(answer, "ratio", "ratio is \"%s\"; allowed for %s %s image is %s", shown(ratio, cut),
                  model->name, input == &model->image ? "with an" : "without", ratios);
}

static bool check_duration(const struct model *model, const struct input *input, int64_t seconds,
                           struct policy_answer *answer)
{
    answer->duration_seconds = seconds != 0 ? seconds : input->default_duration;
    if (seconds == 0 || input_takes_duration(input, seconds))
        return true;
    char may[120] = "", number[24];
    if (input->any_between)
        snprintf(may, sizeof may, "%" PRId64 " to %" PRId64, input->durations[0], input->durations[1]);
    for (int i = 0; !input->any_between && i < input->duration_count; i++) {
        snprintf(number, sizeof number, "%" PRId64, input->durations[i]);
        list(may, sizeof may, number);
    }
    return refuse(answer, "durationSeconds", "durationSeconds is %" PRId64 "; allowed for %s is %s", seconds,
                  model->name, input->duration_count > 0 ? may : "none");
}

static void price(const struct policy *policy, const struct model *model, struct policy_answer *answer)
{
    struct quote *quote = &answer->quote;
    quote->units = model->price.per_second ? answer->duration_seconds : 1;
    quote->tokens = model->price.tokens * quote->units;      /* within limits: check_price in read.c */
    must(quote->tokens >= 1 && quote->tokens <= PRICE_TOKENS_MAX);
    snprintf(quote->model, sizeof quote->model, "%s", model->name);
    snprintf(quote->policy_version, sizeof quote->policy_version, "%s", policy->version);
}

void policy_quote(const struct policy *policy, const struct policy_request *request,
                  struct policy_answer *answer)
{
    *answer = (struct policy_answer){ .allowed = false };
    const struct model *model;
    if (!check_model(policy, request->model, answer, &model) || !check_image(model, request->image, answer))
        return;
    const struct input *input = request->image ? &model->image : &model->text;
    if (!check_prompt(model, input, request->prompt, answer)
        || !check_ratio(model, input, request->ratio, answer)
        || !check_duration(model, input, request->duration_seconds, answer))
        return;
    price(policy, model, answer);
    answer->allowed = true;
}
