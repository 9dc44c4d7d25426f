/* Where a review gets what it compares. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "cli/accounts.h"
#include "cli/journal.h"
#include "cli/review.h"
#include "cli/wire.h"
#include "tokens/audit.h"

/* ---- the journal */

static void note(struct review *review, enum finding_kind kind, int32_t bucket, int64_t offset,
                 const struct event *entry)
{
    const char *id = entry && entry->generation_id ? entry->generation_id
        : entry && entry->grant_id ? entry->grant_id : entry && entry->user_id ? entry->user_id : "";
    struct finding *finding = findings_add(&review->findings, kind, bucket, id);
    snprintf(finding->journal, sizeof finding->journal, "%.16s at offset %" PRId64, entry ? entry->kind
             : "record", offset);
}

static void take_entry(void *self, int32_t bucket, int64_t offset, const struct event *entry)
{
    struct review *review = self;
    review->entries++;
    if (entry->user_id && bucket_of(entry->user_id, strlen(entry->user_id), review->buckets) != bucket)
        note(review, FINDING_ENTRY_ELSEWHERE, bucket, offset, entry);
    switch (book_fold(&review->books[bucket].journal, entry)) {
    case FOLD_APPLIED:
    case FOLD_OPEN_RECORD: return;
    case FOLD_REPEATED:    note(review, FINDING_ENTRY_REPEATED, bucket, offset, entry); return;
    case FOLD_CONTRADICTS: note(review, FINDING_ENTRY_CONTRADICTS, bucket, offset, entry); return;
    case FOLD_INCOMPLETE:  note(review, FINDING_ENTRY_INCOMPLETE, bucket, offset, entry); return;
    }
}

static void take_unreadable(void *self, int32_t bucket, int64_t offset)
{
    note(self, FINDING_ENTRY_UNREADABLE, bucket, offset, NULL);
}

enum cli_exit review_read_journal(struct review *review)
{
    return journal_read(review->cli, review->next, review->buckets,
                        &(struct journal_visitor){ .self = review, .entry = take_entry,
                                                   .unreadable = take_unreadable });
}

/* ---- Redis */

/* A row that lies where its user's bucket is not was left behind under another partition count. */
static bool belongs(struct review *review, int32_t bucket, const char *user_id)
{
    if (bucket >= 0 && bucket < review->buckets && bucket_of(user_id, strlen(user_id),
                                                             review->buckets) == bucket)
        return true;
    review->strays++;
    return false;
}

static void take_user(void *self, const struct audit_user *user)
{
    struct review *review = self;
    if (belongs(review, user->bucket, user->user_id))
        *book_balance(&review->books[user->bucket].redis, user->user_id) = user->balance;
}

static void set_hold(struct book *book, const char *id, const char *user, const struct book_generation *now)
{
    struct book_generation *row = book_generation(book, id, user);
    *row = (struct book_generation){ .user = row->user, .held_seen = true, .held = now->held,
                                     .committed = now->committed,
                                     .released = now->released };
}

static bool holds_tokens(const char *state)
{
    /* the others were refused */
    return strcmp(state, "reserved") == 0 || strcmp(state, "settled") == 0;
}

static void take_generation(void *self, const struct audit_generation *row)
{
    struct review *review = self;
    if (!holds_tokens(row->state) || !belongs(review, row->bucket, row->user_id))
        return;
    set_hold(&review->books[row->bucket].redis, row->generation_id, row->user_id, &(struct book_generation){
        .held = row->held_tokens, .committed = row->committed_tokens, .released = row->released_tokens });
}

static void take_grant(void *self, const struct audit_grant *grant)
{
    struct review *review = self;
    if (strcmp(grant->state, "done") == 0 && belongs(review, grant->bucket, grant->user_id))
        *book_grant(&review->books[grant->bucket].redis, grant->grant_id) = grant->amount_tokens;
}

static struct audit_visitor visitor_of(struct review *review)
{
    return (struct audit_visitor){ .self = review, .user = take_user, .generation = take_generation,
                                   .grant = take_grant };
}

enum cli_exit review_read_redis(struct review *review)
{
    struct tokens *tokens = review->tokens;
    const struct audit_visitor visitor = visitor_of(review);
    if (tokens_audit(tokens, &visitor) != TROUBLE_NONE)
        return accounts_away(review->cli, tokens);
    for (int32_t b = 0; b < review->buckets; b++) {
        const struct names *users = &review->books[b].journal.users;
        struct balance balance;
        bool verified = true;
        if (users->count > 0 && tokens_balance(tokens, users->rows[0], &balance, &verified) != TROUBLE_NONE)
            return accounts_away(review->cli, tokens);
        review->unverified += !verified;
    }
    return CLI_FINE;
}

/* ---- jobs and tasks */

/* A job, a task, or a done mark; cancels and the other marks hold nothing. */
static void take_work(void *self, const struct kafka_record *record)
{
    struct review *review = self;
    struct item_place place = { review->work_topic, record->partition, record->offset };
    const char *mark, *item;
    size_t mark_length, item_length;
    struct event event;
    if (record->value_length == 0) {
        if (kafka_record_header(record, "mark", &mark, &mark_length) && mark_length == 4
            && memcmp(mark, "done", 4) == 0 && kafka_record_header(record, "item", &item, &item_length)) {
            char digits[24];
            snprintf(digits, sizeof digits, "%.*s", (int)(item_length < 20 ? item_length : 20), item);
            place.offset = strtoll(digits, NULL, 10);
            if (items_place_valid(&place))
                items_end(&review->items, &place);
        }
        return;
    }
    if (!items_place_valid(&place) || !wire_read(record, review->work_topic == 0 ? TOPIC_JOBS : TOPIC_TASKS,
                                                 &event))
        return;
    if (event.type == EVENT_GENERATION_JOB || event.type == EVENT_GENERATION_TASK)
        items_add(&review->items, &place, event.generation_id,
                  bucket_of(event.user_id, strlen(event.user_id), review->buckets));
    event_clear(&event);
}

enum cli_exit review_read_items(struct review *review)
{
    static const enum topic topics[WORK_TOPICS] = { TOPIC_JOBS, TOPIC_TASKS };
    enum cli_exit status = CLI_FINE;
    for (int i = 0; i < WORK_TOPICS && status == CLI_FINE; i++) {
        review->work_topic = i;
        status = topic_read(review->cli, topics[i], review->next_work[i], review->work_partitions[i],
                            take_work, review);
    }
    items_generations(&review->items, review->live, review->buckets);
    return status;
}

/* ---- one row of Redis */

enum trouble review_refresh(struct review *review, const struct finding *finding)
{
    struct books *books = &review->books[finding->bucket];
    const struct audit_visitor visitor = visitor_of(review);
    bool flag = false;
    switch (finding_about(finding->kind)) {
    case ABOUT_USER:
        return tokens_balance(review->tokens, finding->id, book_balance(&books->redis, finding->id), &flag);
    case ABOUT_GRANT:
        return tokens_audit_grant(review->tokens, finding->bucket, finding->id, &visitor);
    case ABOUT_GENERATION:
        return tokens_audit_generation(review->tokens, finding->bucket, finding->id, &visitor);
    case ABOUT_ENTRY:
    case ABOUT_ITEM:
        return TROUBLE_NONE;
    }
    unreachable();
}
