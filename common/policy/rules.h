/* The policy file as values. Private to the policy: read.c fills it, quote.c and charge.c decide by it. All
 * strings are lent by root. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "base/ids.h"
#include "json/json.h"
#include "policy/policy.h"

enum {
    RATIOS_MAX = 32, DURATIONS_MAX = 32, MODELS_MAX = 64, CHARGES_MAX = 64, NAME_BYTES_MAX = 64,
    DURATION_SECONDS_MAX = 3600, PROMPT_UNITS_MAX = 30000,
};
#define PRICE_TOKENS_MAX (AMOUNT_MAX - 1)

struct price { int64_t tokens; bool per_second; };

/* What a model takes in one of its two ways of being asked. */
struct input {
    bool taken;
    bool prompt_optional;
    const char *ratios[RATIOS_MAX]; int ratio_count;
    const char *default_ratio;
    bool any_between; /* durations: from the first to the second, else a list */
    int64_t durations[DURATIONS_MAX]; int duration_count;      /* 0: the model is not asked for a length */
    int64_t default_duration;                            /* 0: none */
};

struct model {
    const char *name;
    int64_t prompt_units_max;
    struct price price;
    struct input text, image;                            /* image: a first frame is given */
};

struct charge { const char *prefix; int64_t percent; };

struct policy {
    struct json *root;
    const char *version;
    struct price price;              /* of the models without their own */
    const struct model *default_model;
    int64_t cancelled_percent, otherwise_percent;
    struct charge charges[CHARGES_MAX]; int charge_count;
    struct model models[MODELS_MAX]; int model_count;
};

const struct model *policy_model(const struct policy *policy, const char *name); /* NULL: no such model */
bool input_takes_duration(const struct input *input, int64_t seconds);
bool input_takes_ratio(const struct input *input, const char *ratio);

#endif
