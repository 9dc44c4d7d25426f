/* A user's transactions, newest first: what the view holds, and before that what the journal does. A page may
 * be shorter than was asked for, when little of the user's was found in much that was read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cursor.h"
#include "gateway/history.h"
#include "gateway/lists.h"

#include "base/xalloc.h"

enum { PAGE_RECORDS_MAX = 400 * 1000, PAGE_TIMEOUT_MS = 4000,        /* read for one page, */
       /* and one export */
       SHEET_RECORDS_MAX = 4 * 1000 * 1000, SHEET_TIMEOUT_MS = 20000, SHEET_ROWS = 100 * 1000,
       READERS_MAX = 2 };                /* at once, of all users: each is a connection and much memory */

struct listing {
    struct request *request;
    const char *user_id;
    struct text *out;
    size_t left;                         /* rows */
    bool sheet;                          /* CSV */
    int32_t partition;
    int64_t before, next;                /* offsets: the list goes on below next; 0: it has ended */
};

/* ---- rows */

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

/* false: there was no room left for it. */
static bool add_row(struct listing *list, const struct fact *fact)
{
    if (list->left == 0)
        return false;
    if (list->sheet)
        csv_transaction(list->out, fact);
    else if (write_transaction(list->out, NULL, fact))
        out_close(list->out, '}');
    else
        return true;
    list->left--;
    list->next = fact->offset;
    return true;
}

/* ---- from the view */

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

/* Entries below this offset are not in the view. */
static int64_t lowest_in_view(const struct listing *list, const struct user *user, const struct fact *oldest)
{
    if (user && user->dropped[TOPIC_JOURNAL] >= 0)
        return user->dropped[TOPIC_JOURNAL] + 1;
    int64_t floor = view_floor_of(list->request->gateway->view, TOPIC_JOURNAL, list->partition);
    return oldest && oldest->offset < floor ? oldest->offset : floor;
}

static void list_view(struct listing *list)
{
    size_t count;
    bool room = true;
    const struct user *user = view_user(list->request->gateway->view, list->user_id);
    const struct fact **facts = journal_of(user, &count);
    for (size_t i = count; i > 0 && room; i--)
        if (facts[i - 1]->offset < list->before)
            room = add_row(list, facts[i - 1]);
    int64_t lowest = lowest_in_view(list, user, count > 0 ? facts[0] : NULL);
    if (room)
        list->next = lowest < list->before ? lowest : list->before;
    free(facts);
}

/* ---- from the journal */

static void add_history(struct listing *list, const struct history *history)
{
    bool room = true;
    for (size_t i = 0; i < history->count && room; i++)
        room = add_row(list, history->facts[i]);
    if (room)
        list->next = history->whole ? 0 : history->from;
}

/* false: answered, or nothing more than what is there already. */
static bool list_journal(struct listing *list)
{
    struct gateway *gateway = list->request->gateway;
    struct history history;
    const struct history_ask ask = { .kafka = &gateway->kafka, .user_id = list->user_id,
        .topic = publish_topic(gateway->publish, TOPIC_JOURNAL), .partition = list->partition,
        .before = list->next, .wanted = list->left,
        .records_max = list->sheet ? SHEET_RECORDS_MAX : PAGE_RECORDS_MAX,
        .timeout_ms = list->sheet ? SHEET_TIMEOUT_MS : PAGE_TIMEOUT_MS };
    bool free_reader = atomic_fetch_add(&gateway->history_readers, 1) < READERS_MAX;
    bool read = free_reader && atomic_load(&gateway->kafka_well) && history_read(&ask,
                                                                                 &history) == TROUBLE_NONE;
    atomic_fetch_sub(&gateway->history_readers, 1);
    if (read) {
        add_history(list, &history);
        history_free(&history);
    }
    return read;
}

/* ---- the answer */

static void begin(struct listing *list)
{
    list->out = &list->request->reply->text;
    if (list->sheet) {
        text_add_string(list->out, "at,kind,amount,change,generationId,grantId,description,granted,available,"
                                   "reserved,spent\r\n");
        return;
    }
    out_open(list->out, NULL, '{');
    out_open(list->out, "items", '[');
}

static void finish(struct listing *list)
{
    char cursor[48] = "", link[160];
    if (list->next > 0)
        snprintf(cursor, sizeof cursor, "%" PRId32 "@%" PRId64, list->partition, list->next);
    if (list->sheet) {
        request_csv(list->request, "transactions", EVENT_ABSENT);
        snprintf(link, sizeof link, "<?format=csv&cursor=%s>; rel=\"next\"", cursor);
        if (cursor[0])
            http_reply_header(list->request->reply, "Link", link);
        return;
    }
    request_json(list->request, 200);
    out_close(list->out, ']');
    out_text(list->out, "nextCursor", cursor[0] ? cursor : NULL);
    out_close(list->out, '}');
}

static bool read_cursor(struct request *request, struct listing *list)
{
    struct cursor_part part = { .offset = INT64_MAX };
    const char *cursor = http_call_query(request->call, "cursor");
    if (cursor && (!cursor_part_parse(cursor, &part) || part.partition != list->partition)) {
        request_invalid(request, "parameter", "cursor", "cursor must be the nextCursor of the page before");
        return false;
    }
    list->before = list->next = part.offset;
    return true;
}

void list_transactions(struct request *request, const char *user_id)
{
    int limit, format = 0;
    struct view *view = request->gateway->view;
    struct listing list = { .request = request, .user_id = user_id };
    view_lock(view);
    list.partition = bucket_of(user_id, strlen(user_id), view->floors[TOPIC_JOURNAL].count);
    view_unlock(view);
    if (!request_limit(request, &limit) || !read_cursor(request, &list)
        || !request_choice(request, "format", "json|csv", &format))
        return;
    list.sheet = format == 1;
    list.left = list.sheet ? SHEET_ROWS : (size_t)limit;
    size_t room = list.left;
    begin(&list);
    view_lock(view);
    list_view(&list);
    view_unlock(view);
    if (list.left > 0 && list.next > 0 && !list_journal(&list) && list.left == room) {
        request_kafka_away(request);
        return;
    }
    finish(&list);
}
