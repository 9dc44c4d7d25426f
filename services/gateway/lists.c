#include "gateway/lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct text *request_csv(struct request *request, const char *name, int64_t since_ms)
{
    char disposition[96], since[RFC3339_BYTES];
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s.csv\"", name);
    http_reply_header(request->reply, "Content-Disposition", disposition);
    if (since_ms != EVENT_ABSENT) {
        clock_format(since_ms, since);
        http_reply_header(request->reply, "X-Complete-From", since);
    }
    request->reply->content_type = "text/csv; charset=utf-8";
    return request_json(request, 200);
}

struct generation_page { int limit, status; int64_t since_ms; enum write_for reader; };

static void page_generations(struct request *request, const struct generation *from,
                             struct generation_page page)
{
    struct text *out = request_json(request, 200);
    const struct generation *last = NULL;
    out_open(out, NULL, '{');
    out_open(out, "items", '[');
    for (; from; from = from->older) {
        if (page.status >= 0 && from->status != (enum status)page.status)
            continue;
        if (page.limit-- == 0)
            break;
        write_generation(out, NULL, from, page.reader);
        out_close(out, '}');
        last = from;
    }
    out_close(out, ']');
    out_text(out, "nextCursor", from && last ? last->id : NULL);
    out_time(out, "completeFrom", page.since_ms);
    out_close(out, '}');
}

void list_generations(struct request *request, const char *user_id, enum write_for reader)
{
    struct generation_page page = { .status = -1, .reader = reader };
    const char *cursor = http_call_query(request->call, "cursor");
    if (!request_limit(request, &page.limit)
        || !request_choice(request, "status",
                           "pending|accepted|submitted|completed|failed|cancelled|rejected",
                           &page.status))
        return;
    view_lock(request->gateway->view);
    const struct user *user = view_user(request->gateway->view, user_id);
    page.since_ms = user_since(request->gateway->view, user);
    const struct generation *after = user && cursor ? user_generation(user, cursor) : NULL;
    if (cursor && !after)
        request_invalid(request, "parameter", "cursor", "cursor must be the nextCursor of the page before");
    else
        page_generations(request, after ? after->older : user ? user->last : NULL, page);
    view_unlock(request->gateway->view);
}
