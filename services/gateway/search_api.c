/* GET /v1/admin/search: the operator's one box for whatever id they were given. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/routes.h"
#include "gateway/search.h"

#include "base/xalloc.h"
#include "proto/prose.h"

enum { WORDS_BYTES_MAX = 255 };          /* as long as an Idempotency-Key may be */

static void write_letter_hit(struct text *out, const struct letter *letter)
{
    char id[48];
    snprintf(id, sizeof id, "%" PRId32 "-%" PRId64, letter->partition, letter->offset);
    out_text(out, "letterId", id);
    out_raw(out, "words", "");
    prose_add_json(out, letter->code, sizeof letter->code);
    out_time(out, "at", letter->at_ms);
}

static void write_hit(struct text *out, const struct hit *hit)
{
    out_open(out, NULL, '{');
    out_text(out, "kind", HIT_NAMES[hit->kind]);
    out_bool(out, "exact", hit->exact);
    out_text(out, "userId", hit->user ? hit->user->id : NULL);
    if (hit->letter) {
        write_letter_hit(out, hit->letter);
    } else if (hit->generation) {
        out_text(out, "generationId", hit->generation->id);
        out_text(out, "status", STATUS_NAMES[hit->generation->status]);
        out_text(out, "words", hit->generation->prompt);
        out_time(out, "at", hit->generation->created_at_ms);
    } else {
        out_time(out, "at", hit->user->active_at_ms);
    }
    out_close(out, '}');
}

/* Redis remembers users of whom the topics hold nothing any more. */
static void write_old_user(struct request *request, struct text *out, const char *words)
{
    struct balance balance;
    bool verified;
    if (!id_valid(words, strlen(words))
        || accounts_balance(request->gateway->accounts, words, &balance, &verified) != TROUBLE_NONE
        || balance.granted == 0)
        return;
    out_open(out, NULL, '{');
    out_text(out, "kind", HIT_NAMES[HIT_USER]);
    out_bool(out, "exact", true);
    out_text(out, "userId", words);
    out_close(out, '}');
}

void get_search(struct request *request)
{
    int limit;
    const char *words = http_call_query(request->call, "q");
    if (!request_limit(request, &limit))
        return;
    if (!words || words[0] == '\0' || strlen(words) > WORDS_BYTES_MAX) {
        request_invalid(request, "parameter", "q", "q must be text of 1 to 255 bytes");
        return;
    }
    struct hit *hits = xcalloc((size_t)limit, sizeof *hits);
    struct text *out = request_json(request, 200);
    out_open(out, NULL, '{');
    out_open(out, "items", '[');
    view_lock(request->gateway->view);
    size_t count = search_view(request->gateway->view, words, hits, (size_t)limit);
    for (size_t i = 0; i < count; i++)
        write_hit(out, &hits[i]);
    view_unlock(request->gateway->view);
    if (count == 0)
        write_old_user(request, out, words);
    out_close(out, ']');
    out_close(out, '}');
    free(hits);
}
