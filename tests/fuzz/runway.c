/* Runway's answers: whatever is taken as a task id, a status or words keeps what the headers promise about
 * it. */
#include <string.h>

#include "runway/decode.h"
#include "runway/words.h"

#include "base/ids.h"
#include "base/must.h"
#include "base/text.h"
#include "fuzz/fuzz.h"

static void check_created(const char *body, size_t length)
{
    struct decoded_create decoded = decode_create(body, length);
    must(!decoded.task_id || (id_valid(decoded.task_id, strlen(decoded.task_id)) &&
                              task_id_valid(decoded.task_id)));
    must(decoded.estimated_credits == -1 || decoded.estimated_credits >= 0);
    json_free(&decoded.root);
}

static void check_task(const char *body, size_t length)
{
    struct runway_look_answer answer = { .progress = -1, .credits = -1 };
    struct json *root;
    if (decode_task(body, length, "task-1", &answer, &root)) {
        must(answer.status_text && strlen(answer.status_text) <= RUNWAY_STATUS_BYTES_MAX);
        must(answer.output_count >= 0 && answer.output_count <= RUNWAY_OUTPUTS_MAX);
        must((answer.status == RUNWAY_SUCCEEDED) == (answer.output_count > 0));
        must(answer.progress == -1 || (answer.progress >= 0 && answer.progress <= 1));
        must(answer.credits == -1 || answer.credits >= 0);
        must(!answer.failure_code || strlen(answer.failure_code) <= RUNWAY_FAILURE_CODE_BYTES_MAX);
    }
    json_free(&root);
}

/* What goes into an event must be a JSON string: the strictest check of UTF-8 at hand is the parser's. */
static void check_words(const char *body, size_t length)
{
    struct words words;
    struct text quoted = { 0 };
    char error[JSON_ERROR_BYTES];
    words_read(&words, 500, body, length);
    must(words.text[0] != '\0' && strlen(words.text) <= WORDS_BYTES_MAX && !strpbrk(words.text, "\r\n\t"));
    text_add_char(&quoted, '[');
    text_add_json(&quoted, words.text, strlen(words.text));
    text_add_char(&quoted, ']');
    struct json *parsed = json_parse(quoted.bytes, quoted.length, JSON_BYTES_MAX, error);
    must(parsed);
    json_free(&parsed);
    text_free(&quoted);
}

static void check_organization(const char *body, size_t length)
{
    struct runway_organization_answer answer = { 0 };
    bool readable = decode_organization(body, length, &answer);
    must(answer.model_count >= 0 && answer.model_count <= RUNWAY_MODELS_MAX);
    must(readable || answer.model_count == 0);
    for (int i = 0; i < answer.model_count; i++)
        must(memchr(answer.models[i].model, '\0', RUNWAY_MODEL_BYTES) && answer.models[i].concurrent >= -1
             && answer.models[i].daily >= -1 && answer.models[i].daily_used >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *body = (const char *)bytes;
    check_created(body, length);
    check_task(body, length);
    check_words(body, length);
    check_organization(body, length);
    return 0;
}
