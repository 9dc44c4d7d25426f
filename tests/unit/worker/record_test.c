/* What a record of jobs or tasks is: an item, a cancel, the operator's word, or a dead letter with its reason. */
#include <string.h>

#include "unit/check_main.h"
#include "worker/work_record.h"

#define IDS "\"generationId\":\"g1\",\"userId\":\"u1\""
#define CANCEL "reelgate.generation.cancel_requested"

static const char *ce_type;

bool __wrap_kafka_record_header(const struct kafka_record *record, const char *name, const char **value, size_t *length);
bool __wrap_kafka_record_header(const struct kafka_record *record, const char *name, const char **value, size_t *length)
{
    (void)record;
    if (!ce_type || strcmp(name, "ce_type") != 0)
        return false;
    *value = ce_type;
    *length = strlen(ce_type);
    return true;
}

static const struct { const char *ce_type, *key, *json, *reason; } rows[] = {
    { CANCEL, "g1", "{" IDS "}", NULL },
    { "reelgate.generation.submission_settled", "g1", "{" IDS "}", NULL },
    /* What would be found under another generation's key is nobody's. */
    { CANCEL, "g2", "{" IDS "}", "wrong_key" },
    { CANCEL, "g", "{" IDS "}", "wrong_key" },
    { CANCEL, NULL, "{" IDS "}", "wrong_key" },
    /* Of another topic: readable, and still not ours to act on. */
    { "reelgate.generation.submitted", "g1", "{" IDS ",\"taskId\":\"t\",\"provider\":\"runway\"}", "unknown_type" },
    { CANCEL, "g1", "{\"generationId\":\"g1\"}", "missing_field" },
    { CANCEL, "g1", "\xff", "malformed_json" },
    { NULL, "g1", "{" IDS "}", "unknown_type" },
};

START_TEST(a_record_is_an_item_or_says_why_not)
{
    const struct kafka_record record = {
        .key = rows[_i].key, .key_length = rows[_i].key ? strlen(rows[_i].key) : 0,
        .value = rows[_i].json, .value_length = strlen(rows[_i].json) };
    struct event event;
    struct decode_error error = { 0 };
    ce_type = rows[_i].ce_type;
    bool understood = work_record_decode(&record, TOPIC_JOBS, EVENT_GENERATION_JOB, &event, &error);
    ck_assert_int_eq(understood, rows[_i].reason == NULL);
    if (understood) {
        ck_assert_str_eq(event.generation_id, "g1");
        event_clear(&event);
    } else {
        ck_assert_str_eq(error.reason, rows[_i].reason);
        ck_assert_str_ne(error.message, "");
    }
}
END_TEST

CHECK_MAIN("worker/record", tcase_add_loop_test(tests, a_record_is_an_item_or_says_why_not, 0, ROWS(rows));)
