/* The ledger's rule over an account in memory: what each record asks of it, and what becomes of the answer. */
#include <stdio.h>
#include <string.h>

#include "ledger/settle.h"
#include "unit/check_main.h"

#define IDS "\"generationId\":\"g1\",\"userId\":\"u1\""
#define COMPLETED "reelgate.generation.completed"
#define FAILED "reelgate.generation.failed"
#define CANCELLED "reelgate.generation.cancelled"
#define GRANTED "reelgate.tokens.granted"
#define ERROR "\"error\":{\"code\":\"generation_error\",\"message\":\"m\",\"context\":{}}"

/* ---- the account, and the transaction, in memory */

static struct { int settlements, grants, notes; int64_t charge; char status[16]; } asked;
static struct settle_answer settle_answer;
static struct grant_answer grant_answer;
static struct { int count; char kinds[2][16]; int64_t amounts[2]; char letter[32]; } written;
static const char *ce_type;

size_t tokens_settle(struct tokens_batch *batch, const struct settlement *settlement)
{
    (void)batch;
    asked.charge = settlement->charge_tokens;
    snprintf(asked.status, sizeof asked.status, "%s", settlement->status);
    return (size_t)asked.settlements++;
}

size_t tokens_grant(struct tokens_batch *batch, const struct grant *grant)
{
    (void)batch, (void)grant;
    return (size_t)asked.grants++;
}

size_t tokens_progress(struct tokens_batch *batch, const char *user_id, const char *generation_id, const char *status,
                       const char *view, int64_t at_ms)
{
    (void)batch, (void)user_id, (void)generation_id, (void)status, (void)view, (void)at_ms;
    return (size_t)asked.notes++;
}

void tokens_settle_answer(const struct tokens_batch *batch, size_t call, struct settle_answer *answer)
{
    (void)batch, (void)call;
    *answer = settle_answer;
}

void tokens_grant_answer(const struct tokens_batch *batch, size_t call, struct grant_answer *answer)
{
    (void)batch, (void)call;
    *answer = grant_answer;
}

void record_source(const struct kafka_record *record, enum topic topic, struct event_source *source)
{
    *source = (struct event_source){ .value = record->value, .length = record->value_length, .topic = topic,
                                     .ce_type = ce_type, .ce_type_length = ce_type ? strlen(ce_type) : 0 };
}

void record_traceparent(const struct kafka_record *record, struct kafka_header *header)
{
    (void)record;
    *header = (struct kafka_header){ .name = "traceparent" };
}

enum trouble outbox_event(struct outbox *outbox, const struct event *event, enum topic topic,
                          const struct kafka_header *traceparent, const char *origin)
{
    (void)outbox, (void)traceparent, (void)origin;
    ck_assert_int_eq(topic, TOPIC_JOURNAL);
    ck_assert_int_lt(written.count, 2);
    snprintf(written.kinds[written.count], sizeof written.kinds[0], "%s", event->kind);
    written.amounts[written.count++] = event->amount;
    return TROUBLE_NONE;
}

enum trouble outbox_dead_letter(struct outbox *outbox, const struct kafka_record *record, enum topic topic,
                                const char *code, const char *message)
{
    (void)outbox, (void)record, (void)topic;
    ck_assert_str_ne(message, "");
    snprintf(written.letter, sizeof written.letter, "%s", code);
    return TROUBLE_NONE;
}

/* ---- one record through the stage */

static struct settle *settle;
static struct metrics *metrics;

static void open_all(void)
{
    memset(&asked, 0, sizeof asked);
    memset(&written, 0, sizeof written);
    metrics = metrics_open();
    settle = settle_open("reelgate.", metrics);
}

static void close_all(void)
{
    settle_close(&settle);
    metrics_close(&metrics);
}

static void take(enum topic topic, const char *type, const char *json)
{
    const struct batch_stage *stage = settle_stage(settle);
    const struct kafka_record record = { .partition = 1, .offset = 7, .value = json, .value_length = strlen(json) };
    void *item = calloc(1, stage->item_bytes);
    ce_type = type;
    stage->ask(stage->self, item, &record, topic, NULL);
    ck_assert_int_eq(stage->answer(stage->self, item, &record, topic, NULL, NULL), TROUBLE_NONE);
    stage->committed(stage->self, item);
    stage->dispose(stage->self, item);
    free(item);
}

static int counted(const char *name, const char *outcome)
{
    char labels[64];
    snprintf(labels, sizeof labels, "outcome=\"%s\"", outcome);
    return (int)metric_value(metrics_counter(metrics, name, labels, ""));
}

static int settled(const char *outcome) { return counted("reelgate_ledger_settlements_total", outcome); }

/* ---- what ends a hold */

static const struct {
    const char *type, *json, *status;
    int64_t charge, commit, release;
    const char *kinds[2];
} ends[] = {
    { COMPLETED, "{" IDS ",\"taskId\":\"t\",\"output\":[\"https://a\"],\"outputExpiresAt\":\"2026-01-01T00:00:00.000Z\","
      "\"requiredTokens\":5,\"timings\":{}}", "completed", 5, 5, 0, { "commit" } },
    { FAILED, "{" IDS "," ERROR ",\"charge\":0}", "failed", 0, 0, 5, { "release" } },
    { FAILED, "{" IDS "," ERROR ",\"charge\":2}", "failed", 2, 2, 3, { "commit", "release" } },
    { CANCELLED, "{" IDS "," ERROR ",\"charge\":0}", "cancelled", 0, 0, 5, { "release" } },
};

START_TEST(an_end_charges_what_it_says_and_is_journaled)
{
    settle_answer = (struct settle_answer){ .outcome = SETTLE_DONE, .committed_tokens = ends[_i].commit,
                                            .released_tokens = ends[_i].release };
    take(TOPIC_RESULTS, ends[_i].type, ends[_i].json);
    ck_assert_str_eq(written.letter, "");
    ck_assert_int_eq(asked.settlements, 1);
    ck_assert_int_eq(asked.charge, ends[_i].charge);
    ck_assert_str_eq(asked.status, ends[_i].status);
    int entries = (ends[_i].commit > 0) + (ends[_i].release > 0);
    ck_assert_int_eq(written.count, entries);
    for (int e = 0; e < entries; e++) {
        ck_assert_str_eq(written.kinds[e], ends[_i].kinds[e]);
        ck_assert_int_eq(written.amounts[e], strcmp(written.kinds[e], "commit") == 0 ? ends[_i].commit : ends[_i].release);
    }
    ck_assert_int_eq(settled(ends[_i].status), 1);
}
END_TEST

static const struct { enum settle_outcome outcome; const char *letter, *counted; } others[] = {
    { SETTLE_DUPLICATE, "", "duplicate" },
    { SETTLE_NO_HOLD, "no_hold", "no_hold" },
};

START_TEST(an_end_without_a_hold_moves_nothing)
{
    settle_answer = (struct settle_answer){ .outcome = others[_i].outcome };
    take(TOPIC_RESULTS, FAILED, ends[1].json);
    ck_assert_int_eq(written.count, 0);
    ck_assert_str_eq(written.letter, others[_i].letter);
    ck_assert_int_eq(settled(others[_i].counted), 1);
    ck_assert_int_eq(settled("failed"), 0);
}
END_TEST

/* ---- grants */

static const struct {
    enum grant_outcome outcome;
    int64_t amount;
    const char *letter;
    int entries, granted, twice, dead;
} grants[] = {
    { GRANT_DONE, 5, "", 1, 1, 0, 0 },
    { GRANT_DONE, -5, "", 1, 1, 0, 0 },
    { GRANT_DUPLICATE, 5, "", 0, 0, 1, 0 },
    { GRANT_CONFLICT, 5, "conflict", 0, 0, 0, 1 },
    { GRANT_REFUSED, -5, "out_of_range", 0, 0, 0, 1 },
    { GRANT_REFUSED, 5, "out_of_range", 0, 0, 0, 1 },
};

START_TEST(a_grant_is_journaled_once_or_told_why_not)
{
    char json[120];
    snprintf(json, sizeof json, "{\"grantId\":\"x1\",\"userId\":\"u1\",\"amount\":%d}", (int)grants[_i].amount);
    grant_answer = (struct grant_answer){ .outcome = grants[_i].outcome, .amount_tokens = grants[_i].amount };
    take(TOPIC_GRANTS, NULL, json);
    ck_assert_int_eq(asked.grants, 1);
    ck_assert_int_eq(written.count, grants[_i].entries);
    if (written.count == 1) {
        ck_assert_str_eq(written.kinds[0], "grant");
        ck_assert_int_eq(written.amounts[0], grants[_i].amount);
    }
    ck_assert_str_eq(written.letter, grants[_i].letter);
    ck_assert_int_eq(counted("reelgate_ledger_grants_total", "granted"), grants[_i].granted);
    ck_assert_int_eq(counted("reelgate_ledger_grants_total", "duplicate"), grants[_i].twice);
    ck_assert_int_eq(settled("dead_letter"), grants[_i].dead);
}
END_TEST

/* ---- what is no money, and what is not understood */

static const struct { enum topic topic; const char *type, *json, *letter, *counted; } words[] = {
    { TOPIC_RESULTS, "reelgate.generation.submitted", "{" IDS ",\"taskId\":\"t\",\"provider\":\"runway\"}", "", "progress" },
    { TOPIC_RESULTS, "reelgate.generation.rejected", "{" IDS "," ERROR "}", "", "not_money" },
    { TOPIC_RESULTS, FAILED, "{" IDS "," ERROR ",\"charge\":-1}", "validation_error", "dead_letter" },
    { TOPIC_RESULTS, "reelgate.generation.cancel_requested", "{" IDS "}", "unexpected_type", "dead_letter" },
    { TOPIC_RESULTS, FAILED, "\xff\xfe", "malformed_json", "dead_letter" },
    { TOPIC_GRANTS, GRANTED, "{\"grantId\":\"x1\",\"userId\":\"u1\",\"amount\":0}", "validation_error", "dead_letter" },
    { TOPIC_GRANTS, NULL, "{\"userId\":\"u1\",\"amount\":5}", "missing_field", "dead_letter" },
};

START_TEST(whatever_else_is_there_moves_nothing)
{
    take(words[_i].topic, words[_i].type, words[_i].json);
    ck_assert_str_eq(written.letter, words[_i].letter);
    ck_assert_int_eq(written.count, 0);
    ck_assert_int_eq(asked.settlements + asked.grants, 0);
    ck_assert_int_eq(asked.notes, strcmp(words[_i].counted, "progress") == 0);
    ck_assert_int_eq(settled(words[_i].counted), 1);
}
END_TEST

CHECK_MAIN("ledger/settle",
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_loop_test(tests, an_end_charges_what_it_says_and_is_journaled, 0, ROWS(ends));
    tcase_add_loop_test(tests, an_end_without_a_hold_moves_nothing, 0, ROWS(others));
    tcase_add_loop_test(tests, a_grant_is_journaled_once_or_told_why_not, 0, ROWS(grants));
    tcase_add_loop_test(tests, whatever_else_is_there_moves_nothing, 0, ROWS(words));)
