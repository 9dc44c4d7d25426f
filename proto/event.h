/* Messages: one flat struct, filled by the decoder whole or not at all, written by the encoder from the same
 * table (events.def). CloudEvents 1.0 on Kafka, binary mode out; binary, structured and (on requests and
 * grants) plain JSON in. */
#ifndef PROTO_EVENT_H
#define PROTO_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/money.h"
#include "base/text.h"

enum topic {
#define TOPIC(name, suffix, key, partitions, retention_ms, clock) TOPIC_##name,
#include "proto/events.def"
    TOPIC_COUNT
};
enum topic_key { TOPIC_KEY_USER, TOPIC_KEY_GENERATION, TOPIC_KEY_ORIGINAL };
struct topic_row {
    const char *name;
    enum topic_key key;
    int32_t partitions;
    int64_t retention_ms;
    bool log_append_time;
};
extern const struct topic_row TOPICS[TOPIC_COUNT];

enum event_type {
#define MESSAGE(name, type, topic) EVENT_##name,
#include "proto/events.def"
    EVENT_TYPE_COUNT
};
struct event_row {
    const char *ce_type;
    enum topic topic;      /* where it is at home; a cancellation is forwarded to jobs and tasks too */
};
extern const struct event_row EVENTS[EVENT_TYPE_COUNT];

/* Error codes, as the product's API has them. */
#define ERROR_BAD_REQUEST "bad_request"
#define ERROR_VALIDATION "validation_error"
#define ERROR_GENERATION "generation_error"
#define ERROR_INSUFFICIENT_TOKENS "insufficient_tokens"
#define ERROR_PROCESSING "processing_error"
#define ERROR_INTERNAL "internal_error"

/* Limits that the rows of events.def name. A prompt in characters (four bytes each at most): the greatest
 * that any model takes, and the greatest with which a job surely fits the 64 KiB that a decoder reads. */
enum {
    PROMPT_CHARACTERS_MAX = 15000,
    CONTEXT_BYTES_MAX = 8192,
    EVENT_OUTPUTS_MAX = 16,
    EVENT_OUTPUT_BYTES_MAX = 3072,
};
#define TIME_MAX_MS INT64_C(253402300799999)      /* the end of the year 9999 */

/* context: a JSON object as text, or NULL. These often carry words from outside, so the encoder never
 * refuses them: of message it writes at most 2,000 characters, with '?' for what is no UTF-8 and ' ' for
 * control characters; a context over CONTEXT_BYTES_MAX is written as {"cut":true}. The caller answers for
 * the context being JSON. */
struct event_error { const char *code, *message, *context; };
/* 0: unknown, left out. The spans are made from the times by the encoder, which ignores what stands in
 * them. */
struct event_timings {
    int64_t accepted_at_ms, submitted_at_ms, finished_at_ms, queue_ms, render_ms, total_ms;
};

/* One message. Absent is: NULL for text; EVENT_ABSENT for whole numbers and times; for credits anything that
 * is not between 0 and TOKENS_MAX (so a provider's nonsense is left out, never passed on); false in has_*;
 * -1 in output_count. */
#define EVENT_ABSENT INT64_MIN
struct event {
    enum event_type type;
    const char *generation_id, *user_id, *project_id, *grant_id;
    const char *prompt, *model, *ratio, *image;
    const char *description, *task_id, *provider, *kind, *origin, *fingerprint, *nonce;
    int64_t duration_seconds, seed, deadline_seconds, partitions;
    int64_t amount, required_tokens, charge;
    double estimated_credits, provider_credits, progress;
    int64_t output_expires_at, at, accepted_at, submitted_at, deadline_at;       /* wall ms */
    bool has_quote, has_balance, has_error, has_timings;
    struct quote quote;
    struct balance balance;
    struct event_error error;
    struct event_timings timings;
    const char *outputs[EVENT_OUTPUTS_MAX];
    int output_count;
    void *memory;      /* the decoder's; event_clear frees it */
};

void event_init(struct event *event, enum event_type type);      /* everything absent */
void event_clear(struct event *event);      /* frees what the decoder made; may be repeated */

/* What a record's headers say about its value; lent, lengths given since headers need not end in NUL. NULL:
 * absent. */
struct event_source {
    const char *value;
    size_t length;
    const char *content_type;
    size_t content_type_length;
    const char *ce_type;
    size_t ce_type_length;
    enum topic topic;
};
enum decode {
    DECODE_OK,

    /* JSON of a known type whose ids can be read (generation_id and user_id, or grant_id and user_id, are
     * filled, project_id too when it is valid), but a field is missing or wrong: error says which. */
    DECODE_INVALID,

    /* Anything else: a dead letter. error says why; the event has nothing. */
    DECODE_MALFORMED,
};

/* field: on the wire, empty when none. reason, for counting: no_value, too_large, too_deep, duplicate_key,
 * malformed_json, malformed_envelope, unknown_type, missing_field, wrong_type, out_of_range. message: one
 * sentence in printable ASCII that names the field, its value (cut) and what is allowed. */
struct decode_error {
    char field[64];
    char reason[32];
    char message[320];
};

/* Decodes whole. On DECODE_OK and DECODE_INVALID end with event_clear. Strings live until then. */
enum decode event_decode(const struct event_source *source, struct event *event, struct decode_error *error);

/* Appends the JSON of all present fields of this type. A required field that is absent, or a value out of
 * its limits, is our own mistake: must() fails. So ask event_output_valid (and id_valid, for a task's id) of
 * what the provider says first. */
void event_encode(const struct event *event, struct text *out);

/* Made from the fact itself: same fact, same id. origin: for a rejection, else ignored. out is cleared
 * first. */
void event_ce_id(const struct event *event, const char *origin, struct text *out);
/* May an output stand in an event: 1 to EVENT_OUTPUT_BYTES_MAX of printable ASCII without space, quote and
 * backslash. */
bool event_output_valid(const char *url);
const char *event_subject(const struct event *event);            /* generationId, else grantId, else NULL */
/* Fingerprint of what a request or a job asks for: SHA-256, in hex, over its fields other than generationId
 * and userId, in their canonical form: the JSON that event_encode would write of them. */
void event_fingerprint(const struct event *request, char out[65]);

#endif
