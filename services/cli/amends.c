#include "cli/amends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/wire.h"
#include "kafka/producer.h"
#include "policy/policy.h"
#include "worker/entry.h"
#include "worker/outbox.h"

void amends_open(struct amends *amends, const struct cli *cli)
{
    *amends = (struct amends){ .cli = cli };
}

void amends_close(struct amends *amends)
{
    free(amends->rows);
}

static void add(struct amends *amends, const struct suspect *suspect, const struct remedy *remedy)
{
    amends->rows = xrealloc(amends->rows, (amends->count + 1) * sizeof *amends->rows);
    amends->rows[amends->count++] = (struct amend){ suspect, *remedy };
}

void amends_grant(struct amends *amends, const struct suspect *suspect)
{
    add(amends, suspect, &(struct remedy){ 0 });
}

void amends_generation(struct amends *amends, const struct suspect *suspect, const struct remedy *remedy)
{
    if (remedy->reserve || remedy->commit || remedy->release || remedy->accepted || remedy->job_anew || remedy->job_again
        || remedy->task_again)
        add(amends, suspect, remedy);
}

/* ---- the request, from the place that Redis recorded */

static bool read_request(const struct cli *cli, const struct suspect *suspect, struct event *request)
{
    char topic[250];
    int32_t partition;
    int64_t offset;
    bool found = false;
    if (!origin_parse(suspect->origin, topic, &partition, &offset))
        return false;
    struct kafka_reader *reader = kafka_reader_open(&cli->kafka);
    if (kafka_reader_add(reader, topic, partition, offset, (int)cli->settings.timeout_ms) == TROUBLE_NONE) {
        const int64_t end_ms = clock_mono_ms() + cli->settings.timeout_ms;
        enum kafka_event event = KAFKA_NOTHING;
        while (event == KAFKA_NOTHING && clock_mono_ms() < end_ms) {
            struct kafka_record record;
            enum trouble trouble;
            event = kafka_reader_poll(reader, 200, &record, &trouble);
            if (event != KAFKA_RECORD)
                continue;
            found = record.offset == offset && wire_read(&record, TOPIC_REQUESTS, request);
            kafka_record_release(&record);
        }
    }
    kafka_reader_close(&reader);
    char fingerprint[65] = "";
    if (found)
        event_fingerprint(request, fingerprint);
    bool same = found && request->type == EVENT_GENERATION_REQUESTED
        && strcmp(request->generation_id, suspect->id) == 0 && strcmp(fingerprint, suspect->fingerprint) == 0;
    if (found && !same)
        event_clear(request);
    return same;
}

/* ---- writing */

struct writing {
    struct amends *amends;
    struct outbox *outbox;
    struct text scratch;
};

static enum trouble put(struct writing *writing, const struct event *event, enum topic topic)
{
    return outbox_event(writing->outbox, event, topic, NULL, NULL);
}

static enum trouble write_grant(struct writing *writing, const struct suspect *suspect)
{
    const struct grant grant = { .user_id = suspect->user, .grant_id = suspect->id };
    struct event event;
    entry_of_grant(&grant, &suspect->granted, suspect->origin, NULL, &event);
    return put(writing, &event, TOPIC_JOURNAL);
}

static enum trouble write_entries(struct writing *writing, const struct suspect *suspect, const struct remedy *remedy)
{
    const struct reservation reservation = { .user_id = suspect->user, .generation_id = suspect->id,
                                             .fingerprint = *suspect->fingerprint ? suspect->fingerprint : NULL };
    const struct settlement settlement = { .user_id = suspect->user, .generation_id = suspect->id, .status = "repaired" };
    enum trouble trouble = TROUBLE_NONE;
    struct event event;
    if (remedy->reserve) {
        entry_of_reserve(&reservation, &suspect->hold, suspect->origin, &writing->scratch, &event);
        trouble = put(writing, &event, TOPIC_JOURNAL);
    }
    if (remedy->commit && trouble == TROUBLE_NONE) {
        entry_of_commit(&settlement, &suspect->end, suspect->settle_origin, &writing->scratch, &event);
        trouble = put(writing, &event, TOPIC_JOURNAL);
    }
    if (remedy->release && trouble == TROUBLE_NONE) {
        entry_of_release(&settlement, &suspect->end, suspect->settle_origin, &writing->scratch, &event);
        trouble = put(writing, &event, TOPIC_JOURNAL);
    }
    return trouble;
}

static enum trouble write_acceptance(struct writing *writing, const struct suspect *suspect, const struct remedy *remedy,
                                     const struct policy *policy)
{
    struct event request, event;
    struct policy_answer answer = { 0 };
    enum trouble trouble = TROUBLE_NONE;
    bool whole = read_request(writing->amends->cli, suspect, &request);
    if (!whole) {                        /* it has expired: its project, if any, is not known any more */
        event_init(&request, EVENT_GENERATION_REQUESTED);
        request.generation_id = suspect->id;
        request.user_id = suspect->user;
    }
    if (policy && whole)
        policy_quote(policy, &(struct policy_request){
            .model = suspect->hold.quote.model, .prompt = request.prompt, .ratio = request.ratio, .image = request.image,
            .duration_seconds = request.duration_seconds == EVENT_ABSENT ? 0 : request.duration_seconds }, &answer);
    const struct acceptance from = { .asked = &request, .answer = &suspect->hold, .ratio = answer.ratio,
                                     .duration_seconds = answer.duration_seconds,
                                     .default_deadline_ms = writing->amends->cli->settings.deadline_ms };
    if (remedy->accepted) {
        acceptance_accepted(&from, &event);
        trouble = put(writing, &event, TOPIC_RESULTS);
    }
    if (remedy->job_anew && trouble == TROUBLE_NONE) {
        if (whole) {
            acceptance_job(&from, &event);
            trouble = put(writing, &event, TOPIC_JOBS);
        } else {
            cli_complain(writing->amends->cli, "%s: its request at %s is gone or another one: no job can be made of it",
                         suspect->id, suspect->origin);
            trouble = TROUBLE_ABORT_BATCH;
        }
    }
    event_clear(&request);
    return trouble;
}

static enum trouble write_one(struct writing *writing, const struct amend *amend, const struct policy *policy)
{
    const struct suspect *suspect = amend->suspect;
    const struct remedy *remedy = &amend->remedy;
    if (suspect->grant)
        return write_grant(writing, suspect);
    enum trouble trouble = write_entries(writing, suspect, remedy);
    if (trouble == TROUBLE_NONE && (remedy->accepted || remedy->job_anew))
        trouble = write_acceptance(writing, suspect, remedy, policy);
    if (trouble == TROUBLE_NONE && remedy->job_again)
        trouble = put(writing, &suspect->job, TOPIC_JOBS);
    if (trouble == TROUBLE_NONE && remedy->task_again)
        trouble = put(writing, &suspect->task, TOPIC_TASKS);
    return trouble;
}

static enum trouble write_all(struct writing *writing, struct kafka_producer *producer, const struct policy *policy,
                              const struct amends_guard *guard)
{
    const struct amends *amends = writing->amends;
    enum trouble trouble = kafka_producer_begin(producer);
    for (size_t i = 0; i < amends->count && trouble == TROUBLE_NONE; i++)
        trouble = write_one(writing, &amends->rows[i], policy);
    if (trouble == TROUBLE_NONE)
        trouble = kafka_producer_flush(producer);
    for (size_t i = 0; i < amends->count && trouble == TROUBLE_NONE; i++)
        if (!guard->unchanged(guard->self, amends->rows[i].suspect->bucket)) {
            cli_complain(amends->cli, "bucket %d is being recovered, or was meanwhile: run the repair again",
                         (int)amends->rows[i].suspect->bucket);
            trouble = TROUBLE_ABORT_BATCH;
        }
    if (trouble == TROUBLE_NONE)
        trouble = kafka_producer_commit(producer);
    if (trouble == TROUBLE_ABORT_BATCH)
        (void)kafka_producer_abort(producer);
    return trouble;
}

static bool needs_policy(const struct amends *amends)
{
    for (size_t i = 0; i < amends->count; i++)
        if (amends->rows[i].remedy.job_anew)
            return true;
    return false;
}

static struct policy *read_policy(const struct amends *amends)
{
    char error[POLICY_ERROR_BYTES];
    if (!needs_policy(amends))
        return NULL;
    if (!amends->cli->settings.policy_path)
        cli_usage(amends->cli, "--policy is missing: a job has to be made from its request once more");
    struct policy *policy = policy_read(amends->cli->settings.policy_path, error);
    if (!policy)
        cli_usage(amends->cli, "%s", error);
    return policy;
}

enum cli_exit amends_write(struct amends *amends, const struct amends_guard *guard)
{
    const struct cli *cli = amends->cli;
    const int32_t buckets = cli_partitions(cli, TOPIC_JOURNAL);
    char id[CLI_TOPIC_BYTES];
    if (buckets == 0)
        return CLI_AWAY;
    struct policy *policy = read_policy(amends);
    snprintf(id, sizeof id, "%srepair", cli->settings.topic_prefix);     /* one repair at a time: a second fences the first */
    struct kafka_producer *producer = kafka_producer_open(&cli->kafka, id);
    struct writing writing = { .amends = amends, .outbox = outbox_open(&(struct outbox_config){
        .program = "reelgate", .topic_prefix = cli->settings.topic_prefix, .group = "", .producer = producer }) };
    outbox_journal_partitions(writing.outbox, buckets);
    enum trouble trouble = kafka_producer_renew(producer, "start", (int)cli->settings.timeout_ms);
    if (trouble != TROUBLE_NONE)
        cli_kafka_away(cli, "starting a transaction; nothing was written");
    else
        trouble = write_all(&writing, producer, policy, guard);
    outbox_close(&writing.outbox);
    kafka_producer_close(&producer);
    policy_free(&policy);
    text_free(&writing.scratch);
    if (trouble == TROUBLE_NONE)
        return CLI_FINE;
    if (trouble == TROUBLE_ABORT_BATCH) {
        cli_complain(cli, "nothing was written");
        return CLI_NO;
    }
    cli_complain(cli, "not known whether the transaction was committed: run the audit again before anything else");
    return CLI_AWAY;
}
