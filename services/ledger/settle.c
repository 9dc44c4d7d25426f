#include "ledger/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/planted.h"
#include "base/xalloc.h"
#include "ledger/view.h"
#include "worker/entry.h"

enum what { WHAT_NOTHING, WHAT_SETTLE, WHAT_GRANT, WHAT_PROGRESS, WHAT_DEAD };

struct item {
    enum what what;
    bool decoded;                            /* event holds memory */
    struct event event;
    struct settlement settlement;
    struct grant grant;
    size_t call;
    char origin[ORIGIN_BYTES], trace_id[33];
    struct decode_error dead;                /* reason and message of the dead letter */
    struct metric *count;                    /* what is counted once the transaction is committed */
    int64_t committed_tokens, released_tokens, granted_tokens;
    bool alarm;                              /* no hold: somebody has to look at it */
};

struct settle {
    struct batch_stage stage;
    char topics[2][256];                     /* full names of what is read, for origins */
    struct text view, scratch;
    struct metric *settled[3];               /* completed, failed, cancelled */
    struct metric *duplicate, *no_hold, *granted, *grant_duplicate, *dead, *progress, *ignored;
    struct metric *tokens_commit, *tokens_release, *tokens_grant;
};

static const enum topic READS[] = { TOPIC_RESULTS, TOPIC_GRANTS };
static const enum topic WRITES[] = { TOPIC_JOURNAL, TOPIC_DEAD_LETTERS };

static void dead(struct item *item, const char *code, const char *message)
{
    item->what = WHAT_DEAD;
    snprintf(item->dead.reason, sizeof item->dead.reason, "%s", code);
    snprintf(item->dead.message, sizeof item->dead.message, "%s", message);
}

/* ---- ask: one record, before Redis */

static void ask_settle(struct settle *self, struct item *item, const struct origin *origin, struct tokens_batch *calls)
{
    const struct event *event = &item->event;
    const bool completed = event->type == EVENT_GENERATION_COMPLETED;
    item->what = WHAT_SETTLE;
    view_of_result(event, &self->view);
    item->settlement = (struct settlement){
        .user_id = event->user_id, .generation_id = event->generation_id, .origin = *origin,
        /* Decided once, by whoever ended the generation: never computed anew here. */
        .charge_tokens = completed ? event->required_tokens
                         : planted(FAILED_IS_PAID) ? SETTLE_ALL : event->charge,
        .at_ms = clock_wall_ms(), .view = self->view.bytes,
        .status = completed ? "completed" : event->type == EVENT_GENERATION_FAILED ? "failed" : "cancelled",
    };
    item->call = tokens_settle(calls, &item->settlement);
}

static void ask_grant(struct item *item, const struct origin *origin, struct tokens_batch *calls)
{
    item->what = WHAT_GRANT;
    item->grant = (struct grant){ .user_id = item->event.user_id, .grant_id = item->event.grant_id, .origin = *origin,
                                  .amount_tokens = item->event.amount, .at_ms = clock_wall_ms() };
    item->call = tokens_grant(calls, &item->grant);
}

static void ask(void *self_, void *item_, const struct kafka_record *record, enum topic topic, struct tokens_batch *calls)
{
    struct settle *self = self_;
    struct item *item = item_;
    struct event_source source;
    struct decode_error error;
    struct kafka_header traceparent;

    record_source(record, topic, &source);
    record_traceparent(record, &traceparent);
    if (traceparent.value && traceparent_valid(traceparent.value, traceparent.length))
        memcpy(item->trace_id, traceparent.value + 3, 32);
    enum decode decode = event_decode(&source, &item->event, &error);
    item->decoded = decode != DECODE_MALFORMED;
    if (decode != DECODE_OK) {
        dead(item, decode == DECODE_INVALID ? ERROR_VALIDATION : error.reason, error.message);
        return;
    }
    const struct origin origin = { self->topics[topic == TOPIC_GRANTS], record->partition, record->offset };
    origin_format(&origin, item->origin);
    switch (item->event.type) {
    case EVENT_GENERATION_COMPLETED:
    case EVENT_GENERATION_FAILED:
    case EVENT_GENERATION_CANCELLED:
        ask_settle(self, item, &origin, calls);
        return;
    case EVENT_TOKENS_GRANTED:
        ask_grant(item, &origin, calls);
        return;
    case EVENT_GENERATION_SUBMITTED:
        item->what = WHAT_PROGRESS;
        view_of_result(&item->event, &self->view);
        item->call = tokens_progress(calls, item->event.user_id, item->event.generation_id, "submitted",
                                     self->view.bytes, clock_wall_ms());
        return;
    case EVENT_GENERATION_ACCEPTED:      /* what admission did is in Redis and in the journal by its own transaction */
    case EVENT_GENERATION_REJECTED:
    case EVENT_GENERATION_PROGRESSED:    /* for whoever watches: it moves no token */
        item->what = WHAT_NOTHING;
        return;
    case EVENT_GENERATION_REQUESTED:
    case EVENT_GENERATION_CANCEL_REQUESTED:
    case EVENT_GENERATION_JOB:
    case EVENT_GENERATION_SUBMISSION_SETTLED:
    case EVENT_GENERATION_TASK:
    case EVENT_TOKENS_ENTRY:
    case EVENT_TYPE_COUNT:
        break;
    }
    dead(item, "unexpected_type", "this type of message does not belong on this topic");
}

/* ---- answer: the outputs of one record, in the transaction */

static enum trouble answer_settle(struct settle *self, struct item *item, const struct kafka_record *record,
                                  const struct tokens_batch *calls, struct outbox *outbox)
{
    struct settle_answer answer;
    struct event entry;
    struct kafka_header traceparent;
    enum trouble trouble = TROUBLE_NONE;

    tokens_settle_answer(calls, item->call, &answer);
    switch (answer.outcome) {
    case SETTLE_DUPLICATE:
        item->count = self->duplicate;
        return TROUBLE_NONE;
    case SETTLE_NO_HOLD:
        item->count = self->no_hold;
        item->alarm = true;
        return outbox_dead_letter(outbox, record, TOPIC_RESULTS, "no_hold",
                                  "this generation's end was announced, but no tokens were ever held for it");
    case SETTLE_DONE:
        break;
    }
    record_traceparent(record, &traceparent);
    item->count = self->settled[item->event.type == EVENT_GENERATION_COMPLETED ? 0
                                : item->event.type == EVENT_GENERATION_FAILED ? 1 : 2];
    item->committed_tokens = answer.committed_tokens;
    item->released_tokens = answer.released_tokens;
    if (answer.committed_tokens > 0) {
        entry_of_commit(&item->settlement, &answer, item->origin, &self->scratch, &entry);
        trouble = outbox_event(outbox, &entry, TOPIC_JOURNAL, &traceparent, NULL);
    }
    if (trouble == TROUBLE_NONE && answer.released_tokens > 0) {
        entry_of_release(&item->settlement, &answer, item->origin, &self->scratch, &entry);
        trouble = outbox_event(outbox, &entry, TOPIC_JOURNAL, &traceparent, NULL);
    }
    return trouble;
}

static enum trouble answer_grant(struct settle *self, struct item *item, const struct kafka_record *record,
                                 const struct tokens_batch *calls, struct outbox *outbox)
{
    struct grant_answer answer;
    struct event entry;
    struct kafka_header traceparent;

    tokens_grant_answer(calls, item->call, &answer);
    switch (answer.outcome) {
    case GRANT_DUPLICATE:
        item->count = self->grant_duplicate;
        return TROUBLE_NONE;
    case GRANT_CONFLICT:
        item->count = self->dead;
        return outbox_dead_letter(outbox, record, TOPIC_GRANTS, "conflict",
                                  "this grantId was used before, for another user or another amount");
    case GRANT_REFUSED:
        item->count = self->dead;
        return outbox_dead_letter(outbox, record, TOPIC_GRANTS, "out_of_range", item->grant.amount_tokens < 0
                                  ? "this correction would push the user's available tokens below zero"
                                  : "this grant would push the user's balance past 2^53-1 tokens");
    case GRANT_DONE:
        break;
    }
    item->count = self->granted;
    item->granted_tokens = answer.amount_tokens;
    record_traceparent(record, &traceparent);
    entry_of_grant(&item->grant, &answer, item->origin, item->event.description, &entry);
    return outbox_event(outbox, &entry, TOPIC_JOURNAL, &traceparent, NULL);
}

static enum trouble answer(void *self_, void *item_, const struct kafka_record *record, enum topic topic,
                           const struct tokens_batch *calls, struct outbox *outbox)
{
    struct settle *self = self_;
    struct item *item = item_;

    switch (item->what) {
    case WHAT_SETTLE:
        return answer_settle(self, item, record, calls, outbox);
    case WHAT_GRANT:
        return answer_grant(self, item, record, calls, outbox);
    case WHAT_DEAD:
        item->count = self->dead;
        return outbox_dead_letter(outbox, record, topic, item->dead.reason, item->dead.message);
    case WHAT_PROGRESS:
        item->count = self->progress;
        return TROUBLE_NONE;
    case WHAT_NOTHING:
        item->count = self->ignored;
        return TROUBLE_NONE;
    }
    unreachable();
}

/* ---- committed: now it is a fact */

static void log_settled(const struct item *item)
{
    const char *trace_id = item->trace_id[0] ? item->trace_id : NULL;
    if (item->what == WHAT_GRANT)
        log_info("tokens_granted", LOG_TEXT("user_id", item->grant.user_id), LOG_TEXT("grant_id", item->grant.grant_id),
                 LOG_NUMBER("amount_tokens", item->granted_tokens), LOG_TEXT("trace_id", trace_id));
    else
        log_info("generation_settled", LOG_TEXT("generation_id", item->settlement.generation_id),
                 LOG_TEXT("user_id", item->settlement.user_id), LOG_TEXT("status", item->settlement.status),
                 LOG_NUMBER("committed_tokens", item->committed_tokens),
                 LOG_NUMBER("released_tokens", item->released_tokens), LOG_TEXT("trace_id", trace_id));
}

static void committed(void *self_, void *item_)
{
    struct settle *self = self_;
    struct item *item = item_;

    if (item->count)
        metric_add(item->count, 1);
    metric_add(self->tokens_commit, item->committed_tokens);
    metric_add(self->tokens_release, item->released_tokens);
    if (item->granted_tokens != 0)
        metric_add(self->tokens_grant, item->granted_tokens > 0 ? item->granted_tokens : 0);
    if (item->committed_tokens || item->released_tokens || item->granted_tokens)
        log_settled(item);
    if (item->alarm)
        log_error("settlement_without_hold", LOG_TEXT("generation_id", item->settlement.generation_id),
                  LOG_TEXT("user_id", item->settlement.user_id), LOG_TEXT("origin", item->origin));
    else if (item->what == WHAT_DEAD)
        log_warn("dead_letter", LOG_TEXT("error_code", item->dead.reason), LOG_TEXT("reason", item->dead.message));
}

static void dispose(void *self, void *item_)
{
    (void)self;
    struct item *item = item_;
    if (item->decoded)
        event_clear(&item->event);
}

static void make_metrics(struct settle *self, struct metrics *metrics)
{
    static const char SETTLED[] = "reelgate_ledger_settlements_total";
    static const char HELP[] = "Results that the ledger settled, by outcome.";
    static const char GRANTS[] = "reelgate_ledger_grants_total", GRANTS_HELP[] = "Grants that the ledger saw, by outcome.";
    static const char TOKENS[] = "reelgate_tokens_total", TOKENS_HELP[] = "Tokens moved, by operation.";

    self->settled[0] = metrics_counter(metrics, SETTLED, "outcome=\"completed\"", HELP);
    self->settled[1] = metrics_counter(metrics, SETTLED, "outcome=\"failed\"", HELP);
    self->settled[2] = metrics_counter(metrics, SETTLED, "outcome=\"cancelled\"", HELP);
    self->duplicate = metrics_counter(metrics, SETTLED, "outcome=\"duplicate\"", HELP);
    self->no_hold = metrics_counter(metrics, SETTLED, "outcome=\"no_hold\"", HELP);
    self->progress = metrics_counter(metrics, SETTLED, "outcome=\"progress\"", HELP);
    self->ignored = metrics_counter(metrics, SETTLED, "outcome=\"not_money\"", HELP);
    self->granted = metrics_counter(metrics, GRANTS, "outcome=\"granted\"", GRANTS_HELP);
    self->grant_duplicate = metrics_counter(metrics, GRANTS, "outcome=\"duplicate\"", GRANTS_HELP);
    self->dead = metrics_counter(metrics, SETTLED, "outcome=\"dead_letter\"", HELP);
    self->tokens_commit = metrics_counter(metrics, TOKENS, "op=\"commit\"", TOKENS_HELP);
    self->tokens_release = metrics_counter(metrics, TOKENS, "op=\"release\"", TOKENS_HELP);
    self->tokens_grant = metrics_counter(metrics, TOKENS, "op=\"grant\"", TOKENS_HELP);
}

struct settle *settle_open(const char *topic_prefix, struct metrics *metrics)
{
    struct settle *self = xcalloc(1, sizeof *self);
    make_metrics(self, metrics);
    for (int i = 0; i < 2; i++)
        snprintf(self->topics[i], sizeof self->topics[i], "%s%s", topic_prefix, TOPICS[READS[i]].name);
    self->stage = (struct batch_stage){
        .program = "reelgate-ledger", .reads = READS, .read_count = 2,
        .writes = WRITES, .write_count = 2, .item_bytes = sizeof(struct item), .self = self,
        .ask = ask, .answer = answer, .committed = committed, .dispose = dispose,
    };
    return self;
}

const struct batch_stage *settle_stage(struct settle *settle)
{
    return &settle->stage;
}

void settle_close(struct settle **settle)
{
    text_free(&(*settle)->view);
    text_free(&(*settle)->scratch);
    free(*settle);
    *settle = NULL;
}
