#include "gateway/lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct text *request_csv(struct request *request, const char *name)
{
    char disposition[96];
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s.csv\"", name);
    http_reply_header(request->reply, "Content-Disposition", disposition);
    request->reply->content_type = "text/csv; charset=utf-8";
    return request_json(request, 200);
}

/* ---- transactions */

/* Facts point to the next newer one; lists go the other way. Given: free. */
static const struct fact **journal_of(const struct user *user, size_t *count)
{
    const struct fact **facts = xcalloc((size_t)(user ? user->facts : 0) + 1, sizeof *facts);
    *count = 0;
    for (const struct fact *fact = user ? user->oldest : NULL; fact; fact = fact->next)
        if (fact->topic == TOPIC_JOURNAL)
            facts[(*count)++] = fact;
    return facts;
}

static bool read_cursor(struct request *request, int64_t *before)
{
    const char *cursor = http_call_query(request->call, "cursor");
    int32_t partition;
    *before = INT64_MAX;
    if (!cursor || sscanf(cursor, "%" SCNd32 "@%" SCNd64, &partition, before) == 2)
        return true;
    request_invalid(request, "parameter", "cursor", "cursor must be the nextCursor of the page before");
    return false;
}

static void csv_transaction(struct text *out, const struct fact *fact)
{
    struct event entry;
    fact_decode(fact, &entry);
    if (entry.amount != EVENT_ABSENT) {
        csv_time(out, entry.at);
        csv_text(out, entry.kind);
        csv_number(out, entry.amount);
        csv_number(out, entry_change(&entry));
        csv_text(out, entry.generation_id);
        csv_text(out, entry.grant_id);
        csv_text(out, entry.description);
        csv_number(out, entry.has_balance ? entry.balance.granted : EVENT_ABSENT);
        csv_number(out, entry.has_balance ? entry.balance.available : EVENT_ABSENT);
        csv_number(out, entry.has_balance ? entry.balance.reserved : EVENT_ABSENT);
        csv_number(out, entry.has_balance ? entry.balance.spent : EVENT_ABSENT);
        csv_end(out);
    }
    event_clear(&entry);
}

static void export_transactions(struct request *request, const struct fact **facts, size_t count)
{
    struct text *out = request_csv(request, "transactions");
    text_add_string(out, "at,kind,amount,change,generationId,grantId,description,granted,available,reserved,"
                         "spent\r\n");
    for (size_t i = count; i > 0; i--)
        csv_transaction(out, facts[i - 1]);
}

static void page_transactions(struct request *request, const struct fact **facts, size_t count, int limit,
                              int64_t before)
{
    struct text *out = request_json(request, 200);
    const struct fact *last = NULL;
    bool more = false;
    out_open(out, NULL, '{');
    out_open(out, "items", '[');
    for (size_t i = count; i > 0 && !more; i--) {
        const struct fact *fact = facts[i - 1];
        if (fact->offset >= before)
            continue;
        more = limit == 0;
        if (more || !write_transaction(out, NULL, fact))
            continue;
        out_close(out, '}');
        limit--;
        last = fact;
    }
    out_close(out, ']');
    if (more && last) {
        char cursor[48];
        snprintf(cursor, sizeof cursor, "%" PRId32 "@%" PRId64, last->partition, last->offset);
        out_text(out, "nextCursor", cursor);
    }
    out_close(out, '}');
}

void list_transactions(struct request *request, const char *user_id)
{
    int limit, format = 0;
    int64_t before;
    size_t count;
    if (!request_limit(request, &limit) || !read_cursor(request, &before)
        || !request_choice(request, "format", "json|csv", &format))
        return;
    view_lock(request->gateway->view);
    const struct fact **facts = journal_of(view_user(request->gateway->view, user_id), &count);
    if (format == 1)
        export_transactions(request, facts, count);
    else
        page_transactions(request, facts, count, limit, before);
    view_unlock(request->gateway->view);
    free(facts);
}

/* ---- generations */

static void page_generations(struct request *request, const struct generation *from, int limit, int status,
                             enum write_for reader)
{
    struct text *out = request_json(request, 200);
    const struct generation *last = NULL;
    out_open(out, NULL, '{');
    out_open(out, "items", '[');
    for (; from; from = from->older) {
        if (status >= 0 && from->status != (enum status)status)
            continue;
        if (limit-- == 0)
            break;
        write_generation(out, NULL, from, reader);
        out_close(out, '}');
        last = from;
    }
    out_close(out, ']');
    out_text(out, "nextCursor", from && last ? last->id : NULL);
    out_close(out, '}');
}

void list_generations(struct request *request, const char *user_id, enum write_for reader)
{
    int limit, status = -1;
    const char *cursor = http_call_query(request->call, "cursor");
    if (!request_limit(request, &limit)
        || !request_choice(request, "status", "pending|accepted|submitted|completed|failed|cancelled|rejected",
                           &status))
        return;
    view_lock(request->gateway->view);
    const struct user *user = view_user(request->gateway->view, user_id);
    const struct generation *after = user && cursor ? user_generation(user, cursor) : NULL;
    if (cursor && !after)
        request_invalid(request, "parameter", "cursor", "cursor must be the nextCursor of the page before");
    else
        page_generations(request, after ? after->older : user ? user->last : NULL, limit, status, reader);
    view_unlock(request->gateway->view);
}
