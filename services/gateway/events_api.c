/* GET /v1/events: a user's results and journal entries as server-sent events (WHATWG HTML, 9.2).
 *
 * An event's id is a place in both topics, "3@120,17@55": the last record of the user's in results and in
 * the journal, each as partition@offset ("-": none yet). That says exactly what was sent, on any instance
 * and after any restart: whatever of the user's lies behind it is still to come. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cursor.h"
#include "gateway/routes.h"
#include "gateway/write.h"

#include "base/clock.h"
#include "base/xalloc.h"

enum { BEAT_MS = 15000, RETRY_MS = 1000, FACTS_A_PIECE = 100 };

struct feed {
    struct gateway *gateway;
    struct user *user;                   /* watched */
    struct cursor cursor;
    int64_t number;                      /* of the newest fact that was looked at */
    int64_t beat_at_ms, expires_at_s;
    bool begun;
};

/* ---- pieces of the stream */

static void add_event(struct text *out, const struct cursor *cursor, const char *name,
                      const struct text *data)
{
    char id[CURSOR_BYTES];
    cursor_format(cursor, id);
    text_printf(out, "id: %s\nevent: %s\ndata: ", id, name);
    text_add(out, data->bytes, data->length);            /* JSON has no line ends outside its strings */
    text_add_string(out, "\n\n");
}

static void add_reset(struct feed *feed, struct text *out)
{
    struct text data = { 0 };
    text_add_string(&data, "{\"reason\":\"what came after your last event is no longer known here\"}");
    cursor_now(&feed->cursor, feed->user);
    feed->number = feed->user->newest ? feed->user->newest->number : 0;
    add_event(out, &feed->cursor, "reset", &data);
    text_free(&data);
}

/* What came after the cursor, oldest first; not all at once. */
static bool add_facts(struct feed *feed, struct text *out)
{
    struct text data = { 0 };
    int added = 0;
    const struct fact *fact = feed->user->oldest;
    /* by more than is kept, while the client was slow */
    if (cursor_is_overtaken(&feed->cursor, feed->user)) {
        add_reset(feed, out);
        return true;
    }
    while (fact && fact->number <= feed->number)
        fact = fact->next;
    for (; fact && added < FACTS_A_PIECE; fact = fact->next) {
        const char *name;
        feed->number = fact->number;
        text_clear(&data);
        if (!cursor_is_behind(&feed->cursor, fact) || !write_stream_data(&data, feed->user, fact, &name))
            continue;
        cursor_pass(&feed->cursor, fact);
        add_event(out, &feed->cursor, name, &data);
        added++;
    }
    text_free(&data);
    return added > 0;
}

/* Without a place to go on from: what is there now, as the one first event. */
static void add_present(struct feed *feed, struct text *out)
{
    struct text data = { 0 };
    cursor_now(&feed->cursor, feed->user);
    feed->number = feed->user->newest ? feed->user->newest->number : 0;
    if (!feed->user->has_balance)
        return;
    out_open(&data, NULL, '{');
    out_text(&data, "userId", feed->user->id);
    out_number(&data, "granted", feed->user->balance.granted);
    out_number(&data, "available", feed->user->balance.available);
    out_number(&data, "reserved", feed->user->balance.reserved);
    out_number(&data, "spent", feed->user->balance.spent);
    out_close(&data, '}');
    add_event(out, &feed->cursor, "balance", &data);
    text_free(&data);
}

/* ---- the stream */

static void begin(struct feed *feed, struct text *out)
{
    feed->begun = true;
    if (!feed->cursor.given)
        add_present(feed, out);
    else if (cursor_is_lost(&feed->cursor, feed->gateway->view, feed->user))
        add_reset(feed, out);
}

/* A restarted instance holds its streams until it has read everything: what it sent before would be out of
 * order. */
static bool feed_next(void *self, int wait_ms, struct text *out)
{
    struct feed *feed = self;
    struct view *view = feed->gateway->view;
    int64_t now_ms = clock_mono_ms(), until_ms = now_ms + wait_ms;
    if (feed->beat_at_ms == 0)
        text_printf(out, "retry: %d\n\n", RETRY_MS);
    view_lock(view);
    if (view->caught_up) {
        if (!feed->begun)
            begin(feed, out);
        if (!add_facts(feed, out) && out->length == 0 && user_wait(view, feed->user, until_ms))
            add_facts(feed, out);
    } else if (out->length == 0) {
        user_wait(view, feed->user, until_ms);
    }
    view_unlock(view);
    if (out->length == 0 && clock_mono_ms() >= feed->beat_at_ms)
        text_add_string(out, ":\n\n");
    if (out->length > 0)
        feed->beat_at_ms = clock_mono_ms() + BEAT_MS;
    return clock_wall_ms() / 1000 < feed->expires_at_s;
}

static void feed_end(void *self)
{
    struct feed *feed = self;
    view_lock(feed->gateway->view);
    feed->user->streams--;
    user_unwatch(feed->gateway->view, feed->user);
    view_unlock(feed->gateway->view);
    metric_set(metrics_gauge(feed->gateway->metrics, "reelgate_sse_connections", NULL, "Open event streams."),
               atomic_fetch_sub(&feed->gateway->streams, 1) - 1);
    free(feed);
}

/* false: as many as may be are open. */
static bool take_place(struct request *request, struct feed *feed)
{
    struct gateway *gateway = request->gateway;
    bool room = atomic_fetch_add(&gateway->streams, 1) < gateway->settings->streams;
    view_lock(gateway->view);
    struct user *user = view_user_make(gateway->view, request->claims.subject);
    room = room && user->streams < gateway->settings->streams_per_user;
    if (room) {
        user->streams++;
        user_watch(user);
        feed->user = user;
    }
    view_unlock(gateway->view);
    if (!room)
        atomic_fetch_sub(&gateway->streams, 1);
    return room;
}

void get_events(struct request *request)
{
    struct cursor cursor = { 0 };
    const char *last = http_call_header(request->call, "Last-Event-ID");
    if (last && last[0] && !cursor_parse(last, &cursor)) {
        request_invalid(request, "header", "Last-Event-ID", "Last-Event-ID is not one of ours.");
        return;
    }
    struct feed *feed = xcalloc(1, sizeof *feed);
    *feed = (struct feed){ .gateway = request->gateway, .cursor = cursor,
                           .expires_at_s = request->claims.expires_at_s };
    if (!take_place(request, feed)) {
        free(feed);
        http_reply_header(request->reply, "Retry-After", "10");
        request_refuse(request, PROBLEM_BAD_REQUEST, 429, "Too many event streams are open.");
        return;
    }
    metric_set(metrics_gauge(request->gateway->metrics, "reelgate_sse_connections", NULL,
                             "Open event streams."),
               atomic_load(&request->gateway->streams));
    http_reply_header(request->reply, "X-Accel-Buffering", "no");
    request->reply->status = 200;
    request->reply->content_type = "text/event-stream";
    request->reply->stream = (struct http_stream){ .next = feed_next, .end = feed_end, .self = feed };
}
