#include "cli/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/accounts.h"
#include "cli/journal.h"
#include "cli/wire.h"

/* ---- how far the groups are */

static const struct { enum topic topic; const char *group; } GROUPS[] = {
    { TOPIC_REQUESTS, "admission" }, { TOPIC_GRANTS, "ledger" }, { TOPIC_RESULTS, "ledger" },
};
enum { GROUPS_COUNT = sizeof GROUPS / sizeof GROUPS[0] };

static enum cli_exit read_group(struct evidence *evidence, enum topic topic, const char *name)
{
    const struct cli *cli = evidence->review->cli;
    char group[CLI_TOPIC_BYTES], full[CLI_TOPIC_BYTES];
    int32_t partitions = cli_partitions(cli, topic);
    cli_topic(cli, topic, full);
    snprintf(group, sizeof group, "%s%s", cli->settings.topic_prefix, name);
    evidence->partitions[topic] = partitions;
    evidence->passed[topic] = xcalloc((size_t)partitions + 1, sizeof *evidence->passed[topic]);
    bool known = partitions > 0;
    struct kafka_client *client = kafka_client_open_group(&cli->kafka, group);
    for (int32_t p = 0; p < partitions && known; p++)
        known = kafka_group_committed(client, full, p, &evidence->passed[topic][p], (int)cli->settings.timeout_ms)
            == TROUBLE_NONE;
    kafka_client_close(&client);
    if (!known && partitions > 0)
        cli_kafka_away(cli, "asking what its groups have committed");
    return known ? CLI_FINE : CLI_AWAY;
}

enum cli_exit evidence_open(struct evidence *evidence, struct review *review)
{
    enum cli_exit status = CLI_FINE;
    *evidence = (struct evidence){ .review = review };
    for (int i = 0; i < GROUPS_COUNT && status == CLI_FINE; i++)
        status = read_group(evidence, GROUPS[i].topic, GROUPS[i].group);
    return status;
}

void evidence_close(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++) {
        event_clear(&evidence->rows[i].job);
        event_clear(&evidence->rows[i].task);
    }
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        free(evidence->passed[topic]);
    free(evidence->rows);
}

/* Will the reader of this record never read it again? */
static bool passed(const struct evidence *evidence, enum topic topic, const char *origin)
{
    char name[250], full[CLI_TOPIC_BYTES];
    int32_t partition;
    int64_t offset;
    cli_topic(evidence->review->cli, topic, full);
    return origin_parse(origin, name, &partition, &offset) && strcmp(name, full) == 0
        && partition < evidence->partitions[topic] && evidence->passed[topic][partition] > offset;
}

/* ---- who is suspect */

static struct suspect *suspect_of(struct evidence *evidence, const char *id, bool grant)
{
    for (size_t i = 0; i < evidence->count; i++)
        if (evidence->rows[i].grant == grant && strcmp(evidence->rows[i].id, id) == 0)
            return &evidence->rows[i];
    return NULL;
}

static void name_suspects(struct evidence *evidence)
{
    const struct findings *findings = &evidence->review->findings;
    evidence->rows = xcalloc(findings->count + 1, sizeof *evidence->rows);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->rows[i];
        enum finding_about about = finding_about(finding->kind);
        bool grant = about == ABOUT_GRANT;
        if ((!grant && about != ABOUT_GENERATION && about != ABOUT_ITEM) || suspect_of(evidence, finding->id, grant))
            continue;
        struct suspect *suspect = &evidence->rows[evidence->count++];
        *suspect = (struct suspect){ .grant = grant, .bucket = finding->bucket };
        snprintf(suspect->id, sizeof suspect->id, "%s", finding->id);
        suspect->live = !grant && names_find(&evidence->review->live[finding->bucket], finding->id) != NAME_NONE;
    }
}

/* ---- Redis */

#define COPY(field, text) snprintf((field), sizeof(field), "%s", (text))

static void take_generation(void *self, const struct audit_generation *row)
{
    struct suspect *suspect = self;
    suspect->settled = strcmp(row->state, "settled") == 0;
    suspect->found = suspect->settled || strcmp(row->state, "reserved") == 0;
    COPY(suspect->user, row->user_id);
    COPY(suspect->origin, row->origin);
    COPY(suspect->settle_origin, row->settle_origin);
    COPY(suspect->fingerprint, row->fingerprint);
    suspect->hold = (struct reserve_answer){ .outcome = RESERVE_HELD, .required_tokens = row->held_tokens,
                                             .quote = row->quote, .balance = row->balance, .at_ms = row->at_ms };
    suspect->end = (struct settle_answer){ .outcome = SETTLE_DONE, .committed_tokens = row->committed_tokens,
                                           .released_tokens = row->released_tokens, .quote = row->quote,
                                           .after_commit = row->after_commit, .after_release = row->after_release,
                                           .at_ms = row->settled_at_ms };
}

static void take_grant(void *self, const struct audit_grant *row)
{
    struct suspect *suspect = self;
    suspect->found = strcmp(row->state, "done") == 0;
    COPY(suspect->user, row->user_id);
    COPY(suspect->origin, row->origin);
    suspect->granted = (struct grant_answer){ .outcome = GRANT_DONE, .amount_tokens = row->amount_tokens,
                                              .balance = row->balance, .at_ms = row->at_ms };
}

static enum cli_exit read_redis(struct evidence *evidence)
{
    struct tokens *tokens = evidence->review->tokens;
    for (size_t i = 0; i < evidence->count; i++) {
        struct suspect *suspect = &evidence->rows[i];
        const struct audit_visitor visitor = { .self = suspect, .generation = take_generation, .grant = take_grant };
        enum trouble trouble = suspect->grant ? tokens_audit_grant(tokens, suspect->bucket, suspect->id, &visitor)
                                              : tokens_audit_generation(tokens, suspect->bucket, suspect->id, &visitor);
        if (trouble != TROUBLE_NONE)
            return accounts_away(evidence->review->cli, tokens);
        suspect->origin_passed = passed(evidence, suspect->grant ? TOPIC_GRANTS : TOPIC_REQUESTS, suspect->origin);
        suspect->settle_passed = passed(evidence, TOPIC_RESULTS, suspect->settle_origin);
    }
    return CLI_FINE;
}

/* ---- results, jobs and tasks: all that is kept of the suspects */

static struct suspect *keyed(struct evidence *evidence, const struct kafka_record *record)
{
    char id[ID_LENGTH_MAX + 1];
    if (record->key_length == 0 || record->key_length > ID_LENGTH_MAX)
        return NULL;
    snprintf(id, sizeof id, "%.*s", (int)record->key_length, record->key);
    return suspect_of(evidence, id, false);
}

static void take_result(void *self, const struct kafka_record *record)
{
    struct event event;
    if (!wire_read(record, TOPIC_RESULTS, &event))
        return;
    struct suspect *suspect = suspect_of(self, event.generation_id, false);
    if (suspect && event.type == EVENT_GENERATION_ACCEPTED)
        suspect->accepted = true;
    if (suspect && (event.type == EVENT_GENERATION_COMPLETED || event.type == EVENT_GENERATION_FAILED
                    || event.type == EVENT_GENERATION_CANCELLED))
        suspect->ended = true;
    event_clear(&event);
}

static void keep_last(struct event *kept, bool *has, struct event *event)
{
    event_clear(kept);
    *kept = *event;
    *has = true;
}

static void take_job(void *self, const struct kafka_record *record)
{
    struct suspect *suspect = keyed(self, record);
    const char *mark;
    size_t length;
    struct event event;
    if (!suspect)
        return;
    if (kafka_record_header(record, "mark", &mark, &length) && length == 6 && memcmp(mark, "intent", 6) == 0)
        suspect->intent = true;
    if (record->value_length == 0 || !wire_read(record, TOPIC_JOBS, &event))
        return;
    if (event.type == EVENT_GENERATION_JOB)
        keep_last(&suspect->job, &suspect->has_job, &event);
    else
        event_clear(&event);
}

static void take_task(void *self, const struct kafka_record *record)
{
    struct suspect *suspect = keyed(self, record);
    struct event event;
    if (!suspect || record->value_length == 0 || !wire_read(record, TOPIC_TASKS, &event))
        return;
    if (event.type == EVENT_GENERATION_TASK)
        keep_last(&suspect->task, &suspect->has_task, &event);
    else
        event_clear(&event);
}

static enum cli_exit read_topics(struct evidence *evidence)
{
    static const struct { enum topic topic; void (*take)(void *, const struct kafka_record *); } TOPICS_READ[] = {
        { TOPIC_RESULTS, take_result }, { TOPIC_JOBS, take_job }, { TOPIC_TASKS, take_task },
    };
    const struct cli *cli = evidence->review->cli;
    enum cli_exit status = CLI_FINE;
    for (int i = 0; i < 3 && status == CLI_FINE; i++) {
        int32_t partitions = cli_partitions(cli, TOPICS_READ[i].topic);
        int64_t *from = xcalloc((size_t)partitions + 1, sizeof *from);
        status = partitions > 0 ? topic_read(cli, TOPICS_READ[i].topic, from, partitions, TOPICS_READ[i].take, evidence)
                                : CLI_AWAY;
        free(from);
    }
    return status;
}

/* An acceptance older than results keeps it can't be missed there. */
static void forgive_old(struct evidence *evidence)
{
    const int64_t kept_ms = TOPICS[TOPIC_RESULTS].retention_ms - INT64_C(86400000);
    for (size_t i = 0; i < evidence->count; i++)
        if (clock_wall_ms() - evidence->rows[i].hold.at_ms > kept_ms)
            evidence->rows[i].accepted = true;
}

enum cli_exit evidence_gather(struct evidence *evidence)
{
    name_suspects(evidence);
    if (evidence->count == 0)
        return CLI_FINE;
    enum cli_exit status = read_redis(evidence);
    if (status == CLI_FINE)
        status = read_topics(evidence);
    forgive_old(evidence);
    return status;
}

/* ---- in short */

void evidence_facts(const struct evidence *evidence, const struct suspect *suspect, struct remedy_facts *facts)
{
    const struct book *journal = &evidence->review->books[suspect->bucket].journal;
    int64_t number = names_find(&journal->generations, suspect->id);
    *facts = (struct remedy_facts){
        .redis = { suspect->found, suspect->hold.required_tokens, suspect->end.committed_tokens,
                   suspect->end.released_tokens },
        .settled = suspect->settled, .decided_passed = suspect->origin_passed, .settled_passed = suspect->settle_passed,
        .live = suspect->live, .accepted = suspect->accepted, .ended = suspect->ended, .task = suspect->has_task,
        .job = suspect->has_job, .intent = suspect->intent,
    };
    if (number == NAME_NONE)
        return;
    const struct book_generation *hold = &journal->holds[number];
    facts->journal = (struct remedy_hold){ hold->held_seen, hold->held, hold->committed, hold->released };
}
