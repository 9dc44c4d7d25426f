#include "admission/stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "admission/admit.h"
#include "admission/announce.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/xalloc.h"

static const enum topic READS[] = { TOPIC_REQUESTS };
static const enum topic WRITES[] = { TOPIC_RESULTS, TOPIC_JOBS, TOPIC_JOURNAL, TOPIC_DEAD_LETTERS };

struct admission {
    struct admission_config config;
    struct policy *policy;
    char *requests_topic;                    /* full name: part of every origin */
    struct batch_stage stage;
    struct text refusal, words;              /* scratch, one record at a time */
    struct metric *decisions[ADMIT_DECISION_COUNT], *reserved;
};

struct item {
    struct admit_request request;
    size_t call;                             /* of this record in the batch of calls */
    enum admit_decision decision;
    int64_t required_tokens, available_tokens;
    int64_t offset;
    int32_t partition;
    char trace[TRACEPARENT_BYTES];           /* admission's own step in the trace: parent of its outputs */
};

/* ---- asking */

static void ask_account(struct admission *admission, struct item *item, const struct kafka_record *record,
                        struct tokens_batch *calls)
{
    const struct admit_request *request = &item->request;
    const struct event *event = &request->event;
    if (request->ask == ADMIT_LOOKUP)
        item->call = tokens_lookup(calls, event->user_id, event->generation_id);
    if (request->ask != ADMIT_RESERVE)
        return;
    item->call = tokens_reserve(calls, &(struct reservation){
        .user_id = event->user_id, .generation_id = event->generation_id,
        .origin = { admission->requests_topic, record->partition, record->offset },
        .fingerprint = request->fingerprint, .quote = request->quote,
        .refusal = request->refused ? admission->refusal.bytes : NULL, .at_ms = clock_wall_ms() });
}

static void ask(void *self, void *scratch, const struct kafka_record *record, enum topic topic,
                struct tokens_batch *calls)
{
    struct admission *admission = self;
    struct item *item = scratch;
    struct event_source source;
    record_source(record, topic, &source);
    item->partition = record->partition;
    item->offset = record->offset;
    const struct admit_input input = {
        .policy = admission->policy,
        .decoded = event_decode(&source, &item->request.event, &item->request.error),
        .too_old = record->timestamp_ms >= 0
                   && clock_wall_ms() - record->timestamp_ms > admission->config.dedupe_window_ms,
    };
    admit_judge(&input, &item->request, &admission->refusal);
    ask_account(admission, item, record, calls);
}

/* ---- answering */

struct outgoing { struct outbox *outbox; struct kafka_header trace; const struct announcement *from; };

static enum trouble send(const struct outgoing *outgoing, const struct event *event, enum topic topic)
{
    return outbox_event(outgoing->outbox, event, topic, &outgoing->trace, outgoing->from->origin);
}

static enum trouble send_accepted(const struct outgoing *outgoing)
{
    struct event event;
    announce_accepted(outgoing->from, &event);
    enum trouble trouble = send(outgoing, &event, TOPIC_RESULTS);
    if (trouble != TROUBLE_NONE)
        return trouble;
    announce_job(outgoing->from, &event);
    trouble = send(outgoing, &event, TOPIC_JOBS);
    if (trouble != TROUBLE_NONE)
        return trouble;
    announce_entry(outgoing->from, &event);
    return send(outgoing, &event, TOPIC_JOURNAL);
}

static enum trouble send_rejected(const struct outgoing *outgoing, enum admit_decision decision)
{
    struct event event;
    if (decision == ADMIT_INSUFFICIENT_TOKENS)
        announce_insufficient(outgoing->from, &event);
    else
        announce_refused(outgoing->from, &event);
    return send(outgoing, &event, TOPIC_RESULTS);
}

static enum admit_decision decide(struct item *item, const struct tokens_batch *calls,
                                  struct reserve_answer *answer)
{
    const struct admit_request *request = &item->request;
    switch (request->ask) {
    case ADMIT_NOTHING:
        return ADMIT_MALFORMED;
    case ADMIT_LOOKUP:
        return admit_looked_up(tokens_lookup_answer(calls, item->call));
    case ADMIT_RESERVE:
        break;
    }
    tokens_reserve_answer(calls, item->call, answer);
    item->required_tokens = answer->required_tokens;
    item->available_tokens = answer->balance.available;
    return admit_reserved(request, answer);
}

static enum trouble answer(void *self, void *scratch, const struct kafka_record *record, enum topic topic,
                           const struct tokens_batch *calls, struct outbox *outbox)
{
    struct admission *admission = self;
    struct item *item = scratch;
    struct reserve_answer recorded = { .outcome = RESERVE_DUPLICATE };
    struct kafka_header parent;
    char origin[ORIGIN_BYTES];
    struct event event;
    item->decision = decide(item, calls, &recorded);
    /* One step of our own in the trace: without it a request that brings no trace would start a new one in
     * each output. */
    record_traceparent(record, &parent);
    traceparent_child(parent.value, parent.length, item->trace);
    origin_format(&(struct origin){ admission->requests_topic, record->partition, record->offset }, origin);
    const struct announcement from = { .request = &item->request, .answer = &recorded, .origin = origin,
        .default_deadline_ms = admission->config.default_deadline_ms, .words = &admission->words };
    const struct outgoing outgoing = { .outbox = outbox, .from = &from,
        .trace = { "traceparent", item->trace, TRACEPARENT_BYTES - 1 } };
    struct admit_letter letter;
    switch (item->decision) {
    case ADMIT_ACCEPTED:
        return send_accepted(&outgoing);
    case ADMIT_INSUFFICIENT_TOKENS: case ADMIT_VALIDATION_ERROR:
        return send_rejected(&outgoing, item->decision);
    case ADMIT_CANCEL:
        announce_cancel(&item->request, &event);
        return send(&outgoing, &event, TOPIC_JOBS);
    case ADMIT_DUPLICATE: case ADMIT_CANCEL_LATE:
        return TROUBLE_NONE;
    case ADMIT_CONFLICT: case ADMIT_MALFORMED: case ADMIT_CANCEL_UNKNOWN: case ADMIT_TOO_OLD:
    case ADMIT_UNREADABLE_HOLD:
        letter = admit_letter(&item->request, item->decision);
        return outbox_dead_letter(outbox, record, topic, letter.code, letter.message);
    case ADMIT_DECISION_COUNT:
        break;
    }
    unreachable();
}

/* ---- once it is committed */

static enum log_level level_of(enum admit_decision decision)
{
    switch (decision) {
    case ADMIT_DUPLICATE: case ADMIT_CANCEL_LATE:
        return LOG_LEVEL_DEBUG;
    case ADMIT_ACCEPTED: case ADMIT_INSUFFICIENT_TOKENS: case ADMIT_VALIDATION_ERROR: case ADMIT_CANCEL:
        return LOG_LEVEL_INFO;
    case ADMIT_CONFLICT: case ADMIT_MALFORMED: case ADMIT_CANCEL_UNKNOWN: case ADMIT_TOO_OLD:
        return LOG_LEVEL_WARN;
    case ADMIT_UNREADABLE_HOLD: case ADMIT_DECISION_COUNT:
        break;
    }
    return LOG_LEVEL_ERROR;
}

static void committed(void *self, void *scratch)
{
    struct admission *admission = self;
    struct item *item = scratch;
    const struct event *event = &item->request.event;
    char trace_id[33];
    metric_add(admission->decisions[item->decision], 1);
    if (item->decision == ADMIT_ACCEPTED)
        metric_add(admission->reserved, item->required_tokens);
    snprintf(trace_id, sizeof trace_id, "%.32s", item->trace + 3);       /* 00-<trace id>-... */
    const struct admit_letter letter = admit_letter(&item->request, item->decision);
    LOG_(level_of(item->decision), "request_decided", LOG_TEXT("decision", ADMIT_LABELS[item->decision]),
         LOG_TEXT("generation_id", event->generation_id), LOG_TEXT("user_id", event->user_id),
         LOG_TEXT("trace_id", trace_id), LOG_TEXT("error_code", letter.code),
         LOG_NUMBER("required_tokens", item->required_tokens),
         LOG_NUMBER("available_tokens", item->available_tokens),
         LOG_NUMBER("partition", item->partition), LOG_NUMBER("offset", item->offset));
}

static void dispose(void *self, void *scratch)
{
    struct item *item = scratch;
    (void)self;
    event_clear(&item->request.event);
}

/* ---- opening */

static void open_metrics(struct admission *admission, struct metrics *metrics)
{
    for (int i = 0; i < ADMIT_DECISION_COUNT; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "decision=\"%s\"", ADMIT_LABELS[i]);
        admission->decisions[i] = metrics_counter(metrics, "reelgate_admission_decisions_total", labels,
                                                  "Requests by decision, counted when it is committed.");
    }
    admission->reserved = metrics_counter(metrics, "reelgate_tokens_total", "op=\"reserve\"",
                                          "Tokens moved, by what was done with them.");
}

struct admission *admission_open(const struct admission_config *config, char error[POLICY_ERROR_BYTES])
{
    struct policy *policy = policy_read(config->policy_path, error);
    if (!policy)
        return NULL;
    struct admission *admission = xcalloc(1, sizeof *admission);
    struct text topic = { 0 };
    text_add_string(&topic, config->topic_prefix);
    text_add_string(&topic, TOPICS[TOPIC_REQUESTS].name);
    admission->config = *config;
    admission->policy = policy;
    admission->requests_topic = topic.bytes;
    admission->stage = (struct batch_stage){
        .program = "reelgate-admission",
        .reads = READS, .read_count = sizeof READS / sizeof READS[0],
        .writes = WRITES, .write_count = sizeof WRITES / sizeof WRITES[0],
        .item_bytes = sizeof(struct item), .self = admission,
        .ask = ask, .answer = answer, .committed = committed, .dispose = dispose };
    return admission;
}

void admission_close(struct admission **closing)
{
    struct admission *admission = *closing;
    if (!admission)
        return;
    policy_free(&admission->policy);
    text_free(&admission->refusal);
    text_free(&admission->words);
    free(admission->requests_topic);
    free(admission);
    *closing = NULL;
}

static void log_policy(const struct admission *admission)
{
    log_info("policy_read", LOG_TEXT("path", admission->config.policy_path),
             LOG_TEXT("version", policy_version(admission->policy)));
}

const struct batch_stage *admission_stage(struct admission *admission, struct metrics *metrics)
{
    open_metrics(admission, metrics);
    log_policy(admission);
    return &admission->stage;
}

void admission_reload(void *self)
{
    struct admission *admission = self;
    policy_again(&admission->policy, admission->config.policy_path);
}
