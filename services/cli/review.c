/* Workers go on meanwhile: an effect is in Redis a moment before its entry is in the journal. So what
 * differs is looked at again, with what has come since, and only what differs in every look of settle_ms is
 * told. */
#include "cli/review.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "cli/accounts.h"
#include "kafka/admin.h"

enum { LOOK_EVERY_MS = 500 };

/* What is live lies at or behind the offset that the workers of the topic have committed: their watermark. Before it they
 * would never look again, so an open hold whose item is there has none. -1 or away: from the beginning. */
static void begin_at_watermark(struct review *review, int work)
{
    static const struct { enum topic topic; const char *group; } GROUPS[WORK_TOPICS] = {
        { TOPIC_JOBS, "generator" }, { TOPIC_TASKS, "poller" },
    };
    const struct cli *cli = review->cli;
    char group[CLI_TOPIC_BYTES], topic[CLI_TOPIC_BYTES];
    snprintf(group, sizeof group, "%s%s", cli->settings.topic_prefix, GROUPS[work].group);
    cli_topic(cli, GROUPS[work].topic, topic);
    struct kafka_client *client = kafka_client_open_group(&cli->kafka, group);
    for (int32_t p = 0; p < review->work_partitions[work]; p++) {
        int64_t committed = -1;
        if (kafka_group_committed(client, topic, p, &committed, (int)cli->settings.timeout_ms) == TROUBLE_NONE
            && committed > 0)
            review->next_work[work][p] = committed;
    }
    kafka_client_close(&client);
}

enum cli_exit review_open(struct review *review, const struct cli *cli)
{
    static const enum topic topics[WORK_TOPICS] = { TOPIC_JOBS, TOPIC_TASKS };
    enum cli_exit status;
    *review = (struct review){ .cli = cli, .tokens = accounts_open(cli, &status) };
    if (!review->tokens)
        return status;
    for (int i = 0; i < WORK_TOPICS; i++) {
        review->work_partitions[i] = cli_partitions(cli, topics[i]);
        review->next_work[i] = xcalloc((size_t)review->work_partitions[i], sizeof *review->next_work[i]);
        if (review->work_partitions[i] == 0)
            return CLI_AWAY;
        begin_at_watermark(review, i);
    }
    review->buckets = cli_partitions(cli, TOPIC_JOURNAL);
    review->books = xcalloc((size_t)review->buckets, sizeof *review->books);
    review->live = xcalloc((size_t)review->buckets, sizeof *review->live);
    review->next = xcalloc((size_t)review->buckets, sizeof *review->next);
    return review->buckets > 0 ? CLI_FINE : CLI_AWAY;
}

void review_close(struct review *review)
{
    for (int32_t b = 0; b < review->buckets; b++) {
        book_free(&review->books[b].journal);
        book_free(&review->books[b].redis);
        names_free(&review->live[b]);
    }
    free(review->books);
    free(review->live);
    free(review->next);
    for (int i = 0; i < WORK_TOPICS; i++)
        free(review->next_work[i]);
    items_free(&review->items);
    findings_free(&review->findings);
    tokens_close(&review->tokens);
}

static void compare_all(struct review *review)
{
    for (int32_t b = 0; b < review->buckets; b++) {
        size_t before = review->findings.count;
        compare_books(&review->books[b].journal, &review->books[b].redis, &review->findings);
        compare_items(&review->books[b].journal, &review->live[b], &review->findings);
        for (size_t i = before; i < review->findings.count; i++)
            review->findings.rows[i].bucket = b;
    }
}

/* Buckets in which nothing differs are not read again. True: there is something to look at again. */
static bool keep_reading_what_differs(struct review *review)
{
    bool any = false;
    for (int32_t b = 0; b < review->buckets; b++) {
        bool differs = false;
        for (size_t i = 0; i < review->findings.count; i++)
            differs = differs || (review->findings.rows[i].bucket == b
                                  && finding_may_pass(review->findings.rows[i].kind));
        if (!differs)
            review->next[b] = -1;
        any = any || differs;
    }
    return any;
}

/* Does it still differ? Then its words are brought up to date. */
static bool still_differs(struct review *review, struct finding *finding)
{
    const struct books *books = &review->books[finding->bucket];
    struct findings now = { 0 };
    int32_t bucket = finding->bucket;
    switch (finding_about(finding->kind)) {
    case ABOUT_USER:       compare_user(&books->journal, &books->redis, finding->id, &now); break;
    case ABOUT_GENERATION: compare_generation(&books->journal, &books->redis, finding->id, &now); break;
    case ABOUT_ITEM:       compare_item(&books->journal, &review->live[finding->bucket], finding->id,
                                        &now); break;
    case ABOUT_GRANT:      compare_grant(&books->journal, &books->redis, finding->id, &now); break;
    case ABOUT_ENTRY:      return true;
    }
    bool still = false;
    for (size_t i = 0; i < now.count && !still; i++) {
        still = finding_about(now.rows[i].kind) == finding_about(finding->kind);
        *finding = now.rows[i];
        finding->bucket = bucket;
    }
    findings_free(&now);
    return still;
}

static enum cli_exit look_again(struct review *review)
{
    enum cli_exit status = CLI_FINE;
    size_t first = review->findings.count;           /* those that reading on finds are new, and for ever */
    for (size_t i = 0; i < first && status == CLI_FINE; i++)
        if (finding_may_pass(review->findings.rows[i].kind)
            && review_refresh(review, &review->findings.rows[i]) != TROUBLE_NONE)
            status = accounts_away(review->cli, review->tokens);
    if (status == CLI_FINE)
        status = review_read_items(review);
    if (status == CLI_FINE)
        status = review_read_journal(review);
    size_t kept = 0;
    for (size_t i = 0; i < review->findings.count; i++) {
        struct finding finding = review->findings.rows[i];
        if (!finding_may_pass(finding.kind) || still_differs(review, &finding))
            review->findings.rows[kept++] = finding;
    }
    review->findings.count = kept;
    return status;
}

enum cli_exit review_look(struct review *review)
{
    cli_say(review->cli, "reading jobs, tasks, the journal's %" PRId32 " partitions, and Redis",
            review->buckets);
    enum cli_exit status = review_read_items(review);
    if (status == CLI_FINE)
        status = review_read_journal(review);
    if (status == CLI_FINE)
        status = review_read_redis(review);
    if (status != CLI_FINE)
        return status;
    compare_all(review);
    bool said = false;
    int64_t end_ms = clock_mono_ms() + review->cli->settings.settle_ms;
    while (status == CLI_FINE && keep_reading_what_differs(review) && clock_mono_ms() < end_ms) {
        if (!said)
            cli_say(review->cli, "%zu differences, looking again for %" PRId64 " s", review->findings.count,
                    review->cli->settings.settle_ms / 1000);
        said = true;
        clock_sleep_ms(LOOK_EVERY_MS);
        status = look_again(review);
    }
    return status;
}
