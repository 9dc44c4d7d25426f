#include "sandbox/models.h"

#include <stdio.h>
#include <string.h>

#define SIX_RATIOS "1280:720 720:1280 1104:832 832:1104 960:960 1584:672"
#define TWO_RATIOS "1280:720 720:1280"
#define VEO_RATIOS "1280:720 720:1280 1080:1920 1920:1080"
#define PICTURE_RATIOS "1024:1024 1080:1080 1168:880 1360:768 1440:1080 1080:1440 1808:768 1920:1080 " \
                       "1080:1920 2112:912 1280:720 720:1280 720:720 960:720 720:960 1680:720"
#define FORMATS "mp4 prores png_sequence hdr10 hlg sdr_rec709_10bit hdr_pq_12bit_master hdr_prores " \
                "hdr_png_sequence hdr_exr_sequence hdr_exr_acescg_sequence_1_3 hdr_exr_acescg_sequence_2_0"

#define PROMPT(need)             { "promptText", FIELD_PROMPT, need, 1, 1000, NULL }
#define RATIO(need, choices)     { "ratio", FIELD_CHOICE, need, 0, 0, choices }
#define SECONDS(need)            { "duration", FIELD_INTEGER, need, 2, 10, NULL }
#define SEED                     { "seed", FIELD_INTEGER, false, 0, 4294967295, NULL }
#define MODERATION               { "contentModeration", FIELD_OBJECT, false, 0, 0, NULL }
#define FORMAT                   { "outputFormat", FIELD_CHOICE, false, 0, 0, FORMATS }
#define PRORES                   { "proresProfile", FIELD_TEXT, false, 0, 64, NULL }
#define VEO_SECONDS              { "duration", FIELD_INTEGERS, false, 0, 0, "4 6 8" }
#define AUDIO                    { "audio", FIELD_BOOL, false, 0, 0, NULL }
#define NEGATIVE                 { "negativePrompt", FIELD_TEXT, false, 0, 4000, NULL }
#define VIDEO                    { "videoUri", FIELD_ASSET, true, 0, 0, NULL }
#define PERCENT(name)            { name, FIELD_INTEGER, false, 0, 100, NULL }

const struct model models[] = {
    { "/v1/text_to_video", "gen4.5", .credits_per_second = 12, .default_seconds = 5,
      .fields = { PROMPT(true), RATIO(true, TWO_RATIOS), SECONDS(true), SEED, MODERATION, FORMAT, PRORES } },
    { "/v1/text_to_video", "veo3.1", .credits_per_second = 20, .credits_per_second_audio = 40,
      .default_seconds = 8,
      .fields = { PROMPT(true), RATIO(true, VEO_RATIOS), VEO_SECONDS, AUDIO, NEGATIVE, SEED } },
    { "/v1/text_to_video", "veo3.1_fast", .credits_per_second = 10, .credits_per_second_audio = 15,
      .default_seconds = 8,
      .fields = { PROMPT(true), RATIO(true, VEO_RATIOS), VEO_SECONDS, AUDIO, NEGATIVE, SEED } },

    /* gen4_turbo's own default duration is unconfirmed: 10, the dearest, is charged here. */
    { "/v1/image_to_video", "gen4_turbo", .credits_per_second = 5, .default_seconds = 10,
      .fields = { { "promptImage", FIELD_IMAGE, true, 0, 0, NULL }, RATIO(true, SIX_RATIOS), PROMPT(false),
                  SECONDS(false), SEED, MODERATION } },
    { "/v1/image_to_video", "gen4.5", .credits_per_second = 12, .default_seconds = 5,
      .fields = { { "promptImage", FIELD_IMAGE, true, 0, 0, NULL }, PROMPT(true), RATIO(true, SIX_RATIOS),
                  SECONDS(true), SEED, MODERATION, FORMAT, PRORES } },
    { "/v1/image_to_video", "veo3.1", .credits_per_second = 20, .credits_per_second_audio = 40,
      .default_seconds = 8,
      .fields = { { "promptImage", FIELD_FRAMES, true, 0, 0, NULL }, RATIO(true, VEO_RATIOS), PROMPT(false),
                  VEO_SECONDS, AUDIO, NEGATIVE, SEED } },
    { "/v1/image_to_video", "veo3.1_fast", .credits_per_second = 10, .credits_per_second_audio = 15,
      .default_seconds = 8,
      .fields = { { "promptImage", FIELD_FRAMES, true, 0, 0, NULL }, RATIO(true, VEO_RATIOS), PROMPT(false),
                  VEO_SECONDS, AUDIO, NEGATIVE, SEED } },

    /* Prices of aleph2 and of the upscalers are unconfirmed. */
    { "/v1/video_to_video", "aleph2", .credits_per_second = 15, .default_seconds = 5,
      .fields = { VIDEO, PROMPT(false), { "keyframes", FIELD_ARRAY, false, 0, 5, NULL },
                  { "targetAspectRatio", FIELD_TEXT, false, 0, 32, NULL }, SEED, MODERATION, FORMAT, PRORES,
                  { "ratio", FIELD_TEXT, false, 0, 32, NULL } } },
    { "/v1/character_performance", "act_two", .credits_per_second = 5, .default_seconds = 5,
      .fields = { { "character", FIELD_MEDIA, true, 0, 0, "image video" },
                  { "reference", FIELD_MEDIA, true, 0, 0, "video" }, AUDIO,
                  { "bodyControl", FIELD_BOOL, false, 0, 0, NULL },
                  { "expressionIntensity", FIELD_INTEGER, false, 1, 5, NULL }, RATIO(false, SIX_RATIOS), SEED,
                  MODERATION } },
    { "/v1/video_upscale", "magnific_video_upscaler_creative", .credits_flat = 50,
      .fields = { VIDEO, { "resolution", FIELD_CHOICE, false, 0, 0, "720p 1k 2k 4k" }, PERCENT("creativity"),
                  PERCENT("sharpen"), PERCENT("smartGrain"),
                  { "flavor", FIELD_CHOICE, false, 0, 0, "vivid natural" },
                  { "fpsBoost", FIELD_BOOL, false, 0, 0, NULL } } },
    { "/v1/video_upscale", "enhance_frame_rate", .credits_flat = 20,
      .fields = { VIDEO, { "targetFramerate", FIELD_CHOICE, true, 0, 0,
                           "24 25 30 48 50 60 120 23_98 29_97 59_94" } } },
    { "/v1/image_upscale", "magnific_precision_upscaler_v2", .credits_flat = 10, .picture = true,
      .fields = { { "imageUri", FIELD_ASSET, true, 0, 0, NULL },
                  { "scaleFactor", FIELD_INTEGERS, false, 0, 0, "2 4 8 16" },
                  { "flavor", FIELD_TEXT, false, 0, 64, NULL }, PERCENT("sharpen"), PERCENT("smartGrain"),
                  PERCENT("ultraDetail") } },
    { "/v1/text_to_image", "gen4_image", .credits_flat = 8, .picture = true,
      .fields = { PROMPT(true), RATIO(true, PICTURE_RATIOS),
                  { "referenceImages", FIELD_IMAGES, false, 0, 3, NULL },
                  SEED, MODERATION } },
    { "/v1/text_to_image", "gen4_image_turbo", .credits_flat = 2, .picture = true,
      .fields = { PROMPT(true), RATIO(true, PICTURE_RATIOS),
                  { "referenceImages", FIELD_IMAGES, true, 1, 3, NULL },
                  SEED, MODERATION } },
};
const size_t model_count = sizeof models / sizeof models[0];

bool endpoint_known(const char *endpoint)
{
    for (size_t i = 0; i < model_count; i++)
        if (strcmp(models[i].endpoint, endpoint) == 0) return true;
    return false;
}

const struct model *model_find(const char *endpoint, const char *name)
{
    for (size_t i = 0; i < model_count; i++)
        if (strcmp(models[i].endpoint, endpoint) == 0 && strcmp(models[i].name, name) == 0) return &models[i];
    return NULL;
}

void models_of_endpoint(const char *endpoint, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < model_count; i++) {
        if (strcmp(models[i].endpoint, endpoint) != 0 || used >= size) continue;
        used += (size_t)snprintf(out + used, size - used, "%s'%s'", used ? ", " : "", models[i].name);
    }
}

bool choice_among(const char *choices, const char *value)
{
    size_t length = strlen(value);
    if (length == 0 || strchr(value, ' ')) return false;
    for (const char *at = choices; (at = strstr(at, value)) != NULL; at += length) {
        bool starts = at == choices || at[-1] == ' ', ends = at[length] == '\0' || at[length] == ' ';
        if (starts && ends) return true;
    }
    return false;
}
