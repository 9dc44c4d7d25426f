/* One function per script: its keys and arguments, in the order that the .lua file names. */
#include "tokens/batch.h"

#include "base/must.h"

size_t tokens_reserve(struct tokens_batch *batch, const struct reservation *reservation)
{
    bool ready;
    struct arguments arguments;
    int64_t tokens = reservation->quote.tokens;
    must((tokens >= 1 || (reservation->refusal && tokens == 0)) && tokens < AMOUNT_MAX
         && reservation->at_ms > 0);
    must(!reservation->refusal || reservation->refusal[0]);
    struct call *call = batch_call(batch, CALL_RESERVE, reservation->user_id, &ready);
    if (!ready)
        return batch->call_count - 1;
    batch_arguments(batch, call, &arguments);
    arguments_key(&arguments, call->bucket, "user", reservation->user_id);
    arguments_key(&arguments, call->bucket, "gen", reservation->generation_id);
    arguments_key(&arguments, call->bucket, "open", NULL);
    batch_arguments_verified(batch, call, &arguments);
    arguments_text(&arguments, reservation->user_id);
    arguments_text(&arguments, reservation->generation_id);
    arguments_origin(&arguments, &reservation->origin);
    arguments_text(&arguments, reservation->fingerprint);
    arguments_number(&arguments, tokens);
    arguments_quote(&arguments, &reservation->quote);
    arguments_number(&arguments, reservation->at_ms);
    arguments_text(&arguments, reservation->refusal);
    arguments_number(&arguments, batch->tokens->config.refusal_window_ms);
    batch_append(batch, SCRIPT_RESERVE, &arguments);
    return batch->call_count - 1;
}

size_t tokens_settle(struct tokens_batch *batch, const struct settlement *settlement)
{
    bool ready;
    struct arguments arguments;
    must(settlement->charge_tokens >= SETTLE_ALL && settlement->charge_tokens <= TOKENS_MAX
         && settlement->at_ms > 0);
    struct call *call = batch_call(batch, CALL_SETTLE, settlement->user_id, &ready);
    if (!ready)
        return batch->call_count - 1;
    batch_arguments(batch, call, &arguments);
    arguments_key(&arguments, call->bucket, "user", settlement->user_id);
    arguments_key(&arguments, call->bucket, "gen", settlement->generation_id);
    arguments_key(&arguments, call->bucket, "open", NULL);
    arguments_key(&arguments, call->bucket, "view", settlement->generation_id);
    arguments_day_key(&arguments, call->bucket, settlement->at_ms);
    arguments_key(&arguments, call->bucket, "top", NULL);
    arguments_key(&arguments, call->bucket, "recent", settlement->user_id);
    batch_arguments_verified(batch, call, &arguments);
    arguments_text(&arguments, settlement->user_id);
    arguments_text(&arguments, settlement->generation_id);
    arguments_origin(&arguments, &settlement->origin);
    if (settlement->charge_tokens == SETTLE_ALL)
        arguments_text(&arguments, "all");
    else
        arguments_number(&arguments, settlement->charge_tokens);
    arguments_number(&arguments, settlement->at_ms);
    arguments_text(&arguments, settlement->status);
    arguments_text(&arguments, settlement->view);
    arguments_number(&arguments, batch->tokens->config.dedupe_window_ms);
    batch_append(batch, SCRIPT_SETTLE, &arguments);
    return batch->call_count - 1;
}

size_t tokens_grant(struct tokens_batch *batch, const struct grant *grant)
{
    bool ready;
    struct arguments arguments;
    must(grant->amount_tokens != 0 && grant->amount_tokens <= AMOUNT_MAX
         && grant->amount_tokens >= -AMOUNT_MAX);
    must(grant->at_ms > 0);
    struct call *call = batch_call(batch, CALL_GRANT, grant->user_id, &ready);
    if (!ready)
        return batch->call_count - 1;
    batch_arguments(batch, call, &arguments);
    arguments_key(&arguments, call->bucket, "user", grant->user_id);
    arguments_key(&arguments, call->bucket, "grant", grant->grant_id);
    arguments_day_key(&arguments, call->bucket, grant->at_ms);
    batch_arguments_verified(batch, call, &arguments);
    arguments_text(&arguments, grant->user_id);
    arguments_text(&arguments, grant->grant_id);
    arguments_origin(&arguments, &grant->origin);
    arguments_number(&arguments, grant->amount_tokens);
    arguments_number(&arguments, grant->at_ms);
    arguments_number(&arguments, batch->tokens->config.refusal_window_ms);
    batch_append(batch, SCRIPT_GRANT, &arguments);
    return batch->call_count - 1;
}

size_t tokens_lookup(struct tokens_batch *batch, const char *user_id, const char *generation_id)
{
    bool ready;
    struct arguments arguments;
    struct call *call = batch_call(batch, CALL_LOOKUP, user_id, &ready);
    if (!ready)
        return batch->call_count - 1;
    batch_arguments(batch, call, &arguments);
    arguments_key(&arguments, call->bucket, "gen", generation_id);
    batch_arguments_verified(batch, call, &arguments);
    arguments_text(&arguments, user_id);
    batch_append(batch, SCRIPT_LOOKUP, &arguments);
    return batch->call_count - 1;
}

size_t tokens_progress(struct tokens_batch *batch, const char *user_id, const char *generation_id,
                       const char *status, const char *view, int64_t at_ms)
{
    bool ready;
    struct arguments arguments;
    must(at_ms > 0);
    struct call *call = batch_call(batch, CALL_PROGRESS, user_id, &ready);
    if (!ready)
        return batch->call_count - 1;
    batch_arguments(batch, call, &arguments);
    arguments_key(&arguments, call->bucket, "gen", generation_id);
    arguments_key(&arguments, call->bucket, "view", generation_id);
    arguments_key(&arguments, call->bucket, "recent", user_id);
    arguments_day_key(&arguments, call->bucket, at_ms);
    batch_arguments_verified(batch, call, &arguments);
    arguments_text(&arguments, user_id);
    arguments_text(&arguments, generation_id);
    arguments_text(&arguments, status);
    arguments_text(&arguments, view);
    arguments_number(&arguments, at_ms);
    arguments_number(&arguments, batch->tokens->config.dedupe_window_ms);
    batch_append(batch, SCRIPT_PROGRESS, &arguments);
    return batch->call_count - 1;
}
