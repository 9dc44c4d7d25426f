/* What it costs and what is there: /v1/me, models, quotes, balance, transactions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/asked.h"
#include "gateway/lists.h"
#include "gateway/routes.h"
#include "gateway/write.h"

void get_me(struct request *request)
{
    struct text *out = request_json(request, 200);
    out_open(out, NULL, '{');
    out_text(out, "userId", request->claims.subject);
    out_text(out, "role", ROLE_NAMES[request->role]);
    out_time(out, "expiresAt", request->claims.expires_at_s * 1000);
    out_close(out, '}');
}

void get_models(struct request *request)
{
    struct text *out = request_json(request, 200);
    pthread_rwlock_rdlock(&request->gateway->reload_lock);
    text_add(out, request->gateway->models.bytes, request->gateway->models.length);
    pthread_rwlock_unlock(&request->gateway->reload_lock);
}

void get_balance(struct request *request)
{
    struct balance balance;
    bool verified;
    if (accounts_balance(request->gateway->accounts, request->claims.subject, &balance, &verified)
        != TROUBLE_NONE) {
        request_redis_away(request);
        return;
    }
    struct text *out = request_json(request, 200);
    out_open(out, NULL, '{');
    out_text(out, "userId", request->claims.subject);
    out_number(out, "granted", balance.granted);
    out_number(out, "available", balance.available);
    out_number(out, "reserved", balance.reserved);
    out_number(out, "spent", balance.spent);
    out_bool(out, "verified", verified);
    out_close(out, '}');
}

static void answer_quote(struct request *request, const struct asked_price *price,
                         const struct balance *balance)
{
    const struct policy_answer *answer = &price->answer;
    int64_t missing = answer->quote.tokens - balance->available;
    struct text *out = request_json(request, 200);
    out_open(out, NULL, '{');
    out_text(out, "model", answer->quote.model);
    out_number(out, "units", answer->quote.units);
    out_number(out, "requiredTokens", answer->quote.tokens);
    out_text(out, "policyVersion", answer->quote.policy_version);
    out_text(out, "ratio", price->ratio[0] ? price->ratio : NULL);
    out_number(out, "durationSeconds", answer->duration_seconds > 0 ? answer->duration_seconds : OUT_ABSENT);
    out_balance(out, "balance", balance);
    out_bool(out, "sufficient", missing <= 0);
    out_number(out, "missingTokens", missing > 0 ? missing : 0);
    out_close(out, '}');
}

void post_quote(struct request *request)
{
    struct event event;
    struct asked_price price;
    struct balance balance;
    bool verified;
    if (!asked_read(request, "quote", &event))
        return;
    if (asked_quote(request, &event, &price)) {
        if (accounts_balance(request->gateway->accounts, request->claims.subject, &balance, &verified)
            == TROUBLE_NONE)
            answer_quote(request, &price, &balance);
        else
            request_redis_away(request);
    }
    event_clear(&event);
}

void get_transactions(struct request *request)
{
    list_transactions(request, request->claims.subject);
}
