/* The operator's look at users: all of them, sorted; one of them; one generation's whole story. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/lists.h"
#include "gateway/routes.h"

#include "base/xalloc.h"

/* ---- the list */

enum sort { SORT_AVAILABLE, SORT_RESERVED, SORT_SPENT, SORT_GRANTED, SORT_RECENT, SORT_NAME };
struct ranked { const struct user *user; int64_t rank; };

static int64_t rank_of(const struct user *user, enum sort sort)
{
    switch (sort) {
    case SORT_AVAILABLE: return user->balance.available;
    case SORT_RESERVED:  return user->balance.reserved;
    case SORT_SPENT:     return user->balance.spent;
    case SORT_GRANTED:   return user->balance.granted;
    case SORT_RECENT:    return user->active_at_ms;
    case SORT_NAME:      return 0;
    }
    return 0;
}

static int by_rank(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return strcmp(left->user->id, right->user->id);
}

/* Given: free. */
static struct ranked *rank_users(const struct view *view, enum sort sort, const char *part, size_t *count)
{
    struct ranked *ranked = xcalloc((size_t)view->users + 1, sizeof *ranked);
    *count = 0;
    for (const struct user *user = view->freshest; user; user = user->idler)
        if (user_is_known(user) && (!part || strstr(user->id, part)))
            ranked[(*count)++] = (struct ranked){ user, rank_of(user, sort) };
    qsort(ranked, *count, sizeof *ranked, by_rank);
    return ranked;
}

static void write_numbers(struct text *out, const struct user *user)
{
    out_number(out, "generations", user_asked_for(user));
    out_number(out, "completed", user->ends[STATUS_COMPLETED]);
    out_number(out, "failed", user->ends[STATUS_FAILED]);
    out_number(out, "cancelled", user->ends[STATUS_CANCELLED]);
    out_number(out, "rejected", user->ends[STATUS_REJECTED]);
    out_time(out, "lastActiveAt", user->active_at_ms);
}

static void csv_user(struct text *out, const struct user *user)
{
    csv_text(out, user->id);
    csv_number(out, user->balance.granted);
    csv_number(out, user->balance.available);
    csv_number(out, user->balance.reserved);
    csv_number(out, user->balance.spent);
    csv_number(out, user_asked_for(user));
    csv_number(out, user->ends[STATUS_COMPLETED]);
    csv_number(out, user->ends[STATUS_FAILED]);
    csv_number(out, user->ends[STATUS_CANCELLED]);
    csv_number(out, user->ends[STATUS_REJECTED]);
    csv_time(out, user->active_at_ms);
    csv_end(out);
}

struct user_page { int limit, format; int64_t from, since_ms; bool descending; };

static void answer_users(struct request *request, const struct ranked *ranked, size_t count,
                         const struct user_page *page)
{
    char next[24];
    bool csv = page->format == 1;
    size_t from = csv ? 0 : (size_t)page->from, until = csv ? count : from + (size_t)page->limit;
    struct text *out = csv ? request_csv(request, "users", page->since_ms) : request_json(request, 200);
    if (csv) {
        text_add_string(out, "userId,granted,available,reserved,spent,generations,completed,failed,cancelled,"
                             "rejected,lastActiveAt\r\n");
    } else {
        out_open(out, NULL, '{');
        out_number(out, "total", (int64_t)count);
        out_open(out, "items", '[');
    }
    for (size_t i = from; i < until && i < count; i++) {
        const struct user *user = ranked[page->descending ? count - 1 - i : i].user;
        if (csv) {
            csv_user(out, user);
            continue;
        }
        out_open(out, NULL, '{');
        out_text(out, "userId", user->id);
        out_balance(out, "balance", &user->balance);
        write_numbers(out, user);
        out_close(out, '}');
    }
    if (csv)
        return;
    out_close(out, ']');
    snprintf(next, sizeof next, "%zu", until);
    out_text(out, "nextCursor", until < count ? next : NULL);
    out_time(out, "completeFrom", page->since_ms);
    out_close(out, '}');
}

void get_users(struct request *request)
{
    struct user_page page = { 0 };
    const char *part;
    int sort = SORT_RECENT, order = -1;
    size_t count;
    if (!request_limit(request, &page.limit) || !request_number(request, "cursor", 0, INT32_MAX, &page.from)
        || !request_text(request, "q", ID_LENGTH_MAX, &part)
        || !request_choice(request, "sort", "available|reserved|spent|granted|recent|userId", &sort)
        || !request_choice(request, "order", "asc|desc", &order)
        || !request_choice(request, "format", "json|csv", &page.format))
        return;
    page.descending = order < 0 ? sort != SORT_NAME : order == 1;
    view_lock(request->gateway->view);
    page.since_ms = view_since(request->gateway->view);
    struct ranked *ranked = rank_users(request->gateway->view, (enum sort)sort, part, &count);
    answer_users(request, ranked, count, &page);
    view_unlock(request->gateway->view);
    free(ranked);
}

/* ---- one user */

void get_user(struct request *request)
{
    struct balance balance;
    bool verified;
    if (accounts_balance(request->gateway->accounts, request->parts[0], &balance,
                         &verified) != TROUBLE_NONE) {
        request_redis_away(request);
        return;
    }
    view_lock(request->gateway->view);
    const struct user *user = view_user(request->gateway->view, request->parts[0]);
    if ((user && user_is_known(user)) || balance.granted > 0) {
        static const struct user unknown = { .active_at_ms = EVENT_ABSENT };
        struct text *out = request_json(request, 200);
        out_open(out, NULL, '{');
        out_text(out, "userId", request->parts[0]);
        out_balance(out, "balance", &balance);
        out_bool(out, "verified", verified);
        write_numbers(out, user ? user : &unknown);
        out_time(out, "completeFrom", user_since(request->gateway->view, user));
        out_close(out, '}');
    } else {
        request_refuse(request, PROBLEM_NOT_FOUND, 0, "Nothing is known of this user.");
    }
    view_unlock(request->gateway->view);
}

void get_user_transactions(struct request *request)
{
    list_transactions(request, request->parts[0]);
}

void get_user_generations(struct request *request)
{
    list_generations(request, request->parts[0], WRITE_FOR_OPERATOR);
}

/* ---- one generation's story */

static int by_time(const void *a, const void *b)
{
    const struct fact *left = *(const struct fact *const *)a, *right = *(const struct fact *const *)b;
    if (left->at_ms != right->at_ms)
        return left->at_ms < right->at_ms ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

static void write_fact(struct request *request, struct text *out, const struct fact *fact)
{
    char type[64];
    struct event event;
    fact_decode(fact, &event);
    snprintf(type, sizeof type, fact->topic == TOPIC_JOURNAL ? "tokens.%s" : "generation.%s",
             fact->topic == TOPIC_JOURNAL ? event.kind : event_word(fact->type));
    event_clear(&event);
    out_open(out, NULL, '{');
    out_text(out, "type", type);
    out_time(out, "at", fact->at_ms);
    out_text(out, "topic", publish_topic(request->gateway->publish, fact->topic));
    out_number(out, "partition", fact->partition);
    out_number(out, "offset", fact->offset);
    out_raw(out, "data", fact->value);
    out_close(out, '}');
}

static void answer_timeline(struct request *request, const struct generation *generation)
{
    const struct fact **facts = xcalloc((size_t)generation->user->facts + 1, sizeof *facts);
    size_t count = 0;
    for (const struct fact *fact = generation->user->oldest; fact; fact = fact->next)
        if (strcmp(fact->id, generation->id) == 0)
            facts[count++] = fact;
    qsort(facts, count, sizeof *facts, by_time);
    struct text *out = request_json(request, 200);
    out_open(out, NULL, '{');
    write_generation(out, "generation", generation, WRITE_FOR_OPERATOR);
    out_close(out, '}');
    out_open(out, "events", '[');
    for (size_t i = 0; i < count; i++)
        write_fact(request, out, facts[i]);
    out_close(out, ']');
    out_close(out, '}');
    free(facts);
}

void get_timeline(struct request *request)
{
    view_lock(request->gateway->view);
    const struct generation *generation = view_generation(request->gateway->view, request->parts[0]);
    if (generation)
        answer_timeline(request, generation);
    else
        request_refuse(request, PROBLEM_NOT_FOUND, 0, "No generation with this id is known here.");
    view_unlock(request->gateway->view);
}
