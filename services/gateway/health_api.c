/* GET /v1/admin/health: what the gateway sees of the others. It judges by what has come back, and shows what
 * the workers say of themselves where the setting names them. */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/routes.h"

#include "base/clock.h"
#include "proto/prose.h"

enum { DECISION_LATE_MS = 10000, SETTLEMENT_LATE_MS = 30000, PEER_WORDS_SHOWN = 400 };

struct waiting { int64_t requests, oldest_request_ms, ends, oldest_end_ms; };

static void note(int64_t *count, int64_t *oldest_ms, int64_t at_ms)
{
    if ((*count)++ == 0 || at_ms < *oldest_ms)
        *oldest_ms = at_ms;
}

/* Requests without a decision, and ends whose hold is still open. */
static void look(const struct view *view, struct waiting *waiting)
{
    for (const struct user *user = view->freshest; user; user = user->idler)
        for (const struct generation *at = user->last; at; at = at->older) {
            if (at->status == STATUS_PENDING && at->published)
                note(&waiting->requests, &waiting->oldest_request_ms, at->created_at_ms);
            if (status_is_end(at->status) && at->held_tokens > 0)
                note(&waiting->ends, &waiting->oldest_end_ms, at->updated_at_ms);
        }
}

static bool write_part(struct text *out, const char *name, bool ok, const char *detail)
{
    out_open(out, NULL, '{');
    out_text(out, "name", name);
    out_bool(out, "ok", ok);
    out_text(out, "detail", detail);
    out_close(out, '}');
    return ok;
}

static bool write_late(struct text *out, const char *name, const char *what, const struct waiting *waiting)
{
    char detail[160];
    bool requests = name[0] == 'a';
    int64_t count = requests ? waiting->requests : waiting->ends;
    int64_t age_ms = clock_wall_ms() - (requests ? waiting->oldest_request_ms : waiting->oldest_end_ms);
    if (count == 0)
        return write_part(out, name, true, requests ? "no request waits for a decision"
                          : "every ended generation is settled");
    snprintf(detail, sizeof detail, "%" PRId64 " %s, the oldest for %" PRId64 " s", count, what,
             age_ms > 0 ? age_ms / 1000 : 0);
    return write_part(out, name, age_ms < (requests ? DECISION_LATE_MS : SETTLEMENT_LATE_MS), detail);
}

struct told { struct text *out; bool ok; };

static void write_peer(void *self, const char *name, bool ready, const char *words)
{
    struct told *told = self;
    out_open(told->out, NULL, '{');
    out_text(told->out, "name", name);
    out_bool(told->out, "ok", ready);
    out_raw(told->out, "detail", "");
    prose_add_json(told->out, words, PEER_WORDS_SHOWN);
    out_close(told->out, '}');
    told->ok &= ready;
}

void get_health(struct request *request)
{
    struct gateway *gateway = request->gateway;
    struct waiting waiting = { 0 };
    bool kafka = atomic_load(&gateway->kafka_well), redis = atomic_load(&gateway->redis_well);
    view_lock(gateway->view);
    bool caught_up = gateway->view->caught_up;
    look(gateway->view, &waiting);
    view_unlock(gateway->view);
    struct text *out = request_json(request, 200);
    out_open(out, NULL, '{');
    out_open(out, "parts", '[');
    bool ok = write_part(out, "kafka", kafka, kafka ? "" : "no broker answers");
    ok &= write_part(out, "redis", redis, redis ? "" : "does not answer");
    ok &= write_part(out, "view", caught_up, caught_up ? "all topics are read up to now"
                     : "the topics are still being read");
    ok &= write_late(out, "admission", "requests wait for a decision", &waiting);
    ok &= write_late(out, "ledger", "ended generations are not settled", &waiting);
    struct told told = { out, ok };
    peers_each(gateway->peers, write_peer, &told);
    out_close(out, ']');
    out_bool(out, "ok", told.ok);
    out_text(out, "version", REELGATE_VERSION);
    out_time(out, "startedAt", gateway->started_at_ms);
    out_number(out, "streams", atomic_load(&gateway->streams));
    out_close(out, '}');
}
