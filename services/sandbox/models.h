/* What each model takes and costs, as data: one row per endpoint and model. Read from Runway's public API
 * notes; what is not confirmed there says so beside the row. */
#ifndef SANDBOX_MODELS_H
#define SANDBOX_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_PROMPT,        /* a string of 1..most UTF-16 units */
    FIELD_TEXT,          /* any string of at most most bytes */
    FIELD_CHOICE,        /* one of choices */
    FIELD_INTEGER,       /* an integer in least..most */
    FIELD_INTEGERS,      /* one of the integers in choices */
    FIELD_BOOL,
    FIELD_ASSET,         /* https://, runway:// or data: */
    FIELD_IMAGE,         /* an asset, or an array of exactly one {uri, position: "first"} */
    FIELD_FRAMES,        /* an asset, or {uri, position} first and/or last, never last alone */
    FIELD_MEDIA,         /* {type, uri}, type one of choices */
    FIELD_IMAGES,        /* an array of least..most {uri, tag?} */
    FIELD_OBJECT,        /* any object */
    FIELD_ARRAY,         /* any array of at most most members */
};

struct field {
    const char *name;
    enum field_kind kind;
    bool required;
    int64_t least, most;
    const char *choices;             /* separated by spaces */
};

enum { FIELDS_MAX = 10 };

struct model {
    const char *endpoint, *name;
    int credits_per_second;          /* 0: credits_flat instead */
    /* when the request does not say audio: false; 0: audio makes no difference */
    int credits_per_second_audio;
    int credits_flat;
    int default_seconds;             /* when the request does not say a duration */
    bool picture;                    /* delivers a picture, not a film */
    struct field fields[FIELDS_MAX]; /* beside model; ended by a row without name */
};

extern const struct model models[];
extern const size_t model_count;

bool endpoint_known(const char *endpoint);
const struct model *model_find(const char *endpoint, const char *name);      /* NULL when there is none */
/* "'gen4.5', 'veo3.1'": for the words of a refusal. out holds at least 400 bytes. */
void models_of_endpoint(const char *endpoint, char *out, size_t size);
bool choice_among(const char *choices, const char *value);

#endif
