/* What each script answers, read into its call. */
#include "tokens/batch.h"

#include <string.h>

#include "base/must.h"
#include "tokens/words.h"

/* "<tokens> <granted> <available> <reserved> <spent> <at> <units> <model> <policy version>" */
static void read_recorded(struct words *words, struct reserve_answer *answer)
{
    answer->required_tokens = words_number(words);
    words_balance(words, &answer->balance);
    answer->at_ms = words_number(words);
    words_quote(words, &answer->quote);
    answer->quote.tokens = answer->required_tokens;
}

static enum read_result read_reserve(struct tokens_batch *batch, struct call *call, struct words *words)
{
    struct reserve_answer *answer = &call->answer.reserve;
    *answer = (struct reserve_answer){ .outcome = RESERVE_DUPLICATE };
    if (words_take(words, "duplicate"))
        return READ_OK;
    if (words_take(words, "waiting"))
        return READ_WAITING;
    if (words_take(words, "conflict")) {
        answer->outcome = RESERVE_CONFLICT;
        return READ_OK;
    }
    if (words_take(words, "held"))
        answer->outcome = RESERVE_HELD;
    else if (words_take(words, "insufficient"))
        answer->outcome = RESERVE_INSUFFICIENT;
    else if (words_take(words, "refused"))
        answer->outcome = RESERVE_REFUSED;
    else
        return READ_BAD;
    read_recorded(words, answer);
    if (answer->outcome != RESERVE_REFUSED || words->bad)
        return words_end(words) ? READ_OK : READ_BAD;
    call->error = batch->errors.length;              /* the rest, blanks and all, is the error object */
    text_add(&batch->errors, words->at, strlen(words->at) + 1);
    return *words->at ? READ_OK : READ_BAD;
}

/* "done <committed> <released> <balance> <balance> <at> <reserve answer>" */
static enum read_result read_settle(struct call *call, struct words *words)
{
    struct settle_answer *answer = &call->answer.settle;
    struct reserve_answer hold;
    *answer = (struct settle_answer){ .outcome = SETTLE_DUPLICATE };
    if (words_take(words, "duplicate"))
        return READ_OK;
    if (words_take(words, "no_hold")) {
        answer->outcome = SETTLE_NO_HOLD;
        return READ_OK;
    }
    if (!words_take(words, "done"))
        return READ_BAD;
    answer->outcome = SETTLE_DONE;
    answer->committed_tokens = words_number(words);
    answer->released_tokens = words_number(words);
    words_balance(words, &answer->after_commit);
    words_balance(words, &answer->after_release);
    answer->at_ms = words_number(words);
    read_recorded(words, &hold);
    answer->quote = hold.quote;
    return words_end(words) ? READ_OK : READ_BAD;
}

/* "done <amount> <balance> <at>", refused the same */
static enum read_result read_grant(struct call *call, struct words *words)
{
    struct grant_answer *answer = &call->answer.grant;
    *answer = (struct grant_answer){ .outcome = GRANT_DUPLICATE };
    if (words_take(words, "duplicate"))
        return READ_OK;
    if (words_take(words, "conflict")) {
        answer->outcome = GRANT_CONFLICT;
        return READ_OK;
    }
    if (words_take(words, "done"))
        answer->outcome = GRANT_DONE;
    else if (words_take(words, "refused"))
        answer->outcome = GRANT_REFUSED;
    else
        return READ_BAD;
    answer->amount_tokens = words_number(words);
    words_balance(words, &answer->balance);
    answer->at_ms = words_number(words);
    return words_end(words) ? READ_OK : READ_BAD;
}

static enum read_result read_lookup(struct call *call, struct words *words)
{
    if (words_take(words, "unknown"))
        call->answer.lookup = LOOKUP_UNKNOWN;
    else if (words_take(words, "held"))
        call->answer.lookup = LOOKUP_HELD;
    else if (words_take(words, "ended"))
        call->answer.lookup = LOOKUP_ENDED;
    else
        return READ_BAD;
    return READ_OK;
}

enum read_result call_read(struct tokens_batch *batch, struct call *call, const char *answer)
{
    struct words words = { .at = answer };
    if (words_take(&words, "unverified"))
        return READ_UNVERIFIED;
    switch (call->kind) {
    case CALL_RESERVE: return read_reserve(batch, call, &words);
    case CALL_SETTLE: return read_settle(call, &words);
    case CALL_GRANT: return read_grant(call, &words);
    case CALL_LOOKUP: return read_lookup(call, &words);
    case CALL_PROGRESS: return words_take(&words, "ok") ? READ_OK : READ_BAD;
    }
    unreachable();
}

/* Answers exist only once receive has returned NONE. */
static const struct call *answered(const struct tokens_batch *batch, size_t call, enum call_kind kind)
{
    must(batch->received && !batch->failed && call < batch->call_count && batch->calls[call].kind == kind);
    return &batch->calls[call];
}

void tokens_reserve_answer(const struct tokens_batch *batch, size_t call, struct reserve_answer *answer)
{
    const struct call *row = answered(batch, call, CALL_RESERVE);
    *answer = row->answer.reserve;
    if (answer->outcome == RESERVE_REFUSED)
        answer->error = batch->errors.bytes + row->error;
}

void tokens_settle_answer(const struct tokens_batch *batch, size_t call, struct settle_answer *answer)
{
    *answer = answered(batch, call, CALL_SETTLE)->answer.settle;
}

void tokens_grant_answer(const struct tokens_batch *batch, size_t call, struct grant_answer *answer)
{
    *answer = answered(batch, call, CALL_GRANT)->answer.grant;
}

enum lookup_outcome tokens_lookup_answer(const struct tokens_batch *batch, size_t call)
{
    return answered(batch, call, CALL_LOOKUP)->answer.lookup;
}
