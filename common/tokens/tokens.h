/* The token account: users' balances in Redis, one Lua script per step (design section 5). Redis is a
 * materialised view, the journal is the record. Only admission, the ledger and the operator's command line
 * use this.
 *
 * Calls are gathered in a batch and go out in one pipeline; each pipeline begins with `guard` for each of its
 * buckets, on the connection that carries its scripts. Every script answers "unverified", and does nothing,
 * unless the bucket's meta.verified is the value that this process holds. Every script records its answer
 * with the origin that caused it, so the same origin again gets the same answer. A batch may be repeated at
 * any time. Not thread-safe. */
#ifndef TOKENS_TOKENS_H
#define TOKENS_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/money.h"
#include "base/trouble.h"

struct tokens;
struct tokens_batch;

struct tokens_config {
    const char *redis_url;
    int timeout_ms;                  /* of one pipeline's reply, 2000 */
    int64_t dedupe_window_ms;        /* how long an ended generation's hash is kept: 7 d */
    int64_t refusal_window_ms;       /* how long a refusal is remembered: 1 h */
};

/* NULL and one line in error when the URL is wrong. Does not connect. */
struct tokens *tokens_open(const struct tokens_config *config, char error[200]);
void tokens_close(struct tokens **tokens);
/* before any batch; from Kafka's metadata */
void tokens_partitions(struct tokens *tokens, int32_t journal_partitions);
int32_t tokens_count(const struct tokens *tokens);           /* of buckets: what was given there */
/* Is Redis there and fit: master, noeviction, scripts run (a read-only script, not PING)? Blocks. RESTART:
 * refused for good (evicting policy, replica), reason says why; RETRY: away or loading. */
enum trouble tokens_check(struct tokens *tokens, char reason[200]);
/* After a RETRY: the bucket that was not verified, or -1 when Redis itself was the trouble. Words for the log
 * in reason. */
int32_t tokens_unverified(const struct tokens *tokens, const char **reason);
/* Is the bucket verified by now? One round trip, so that who waits for a recovery can ask often. RETRY: Redis away. */
enum trouble tokens_ask_verified(struct tokens *tokens, int32_t bucket, bool *verified);

/* ---- a batch */
struct tokens_batch *tokens_batch_open(struct tokens *tokens);
void tokens_batch_close(struct tokens_batch **batch);
void tokens_batch_clear(struct tokens_batch *batch);         /* forget calls and answers; memory is kept */
size_t tokens_batch_count(const struct tokens_batch *batch);
/* Hands what was appended to the kernel, so that Redis begins while the caller goes on reading. */
enum trouble tokens_batch_send(struct tokens_batch *batch);
/* Sends the rest and reads every answer. NONE: every call has its answer. RETRY: Redis away, a bucket
 * unverified, NOSCRIPT, OOM, time-out: nothing of this batch may be used; run all of it again, in order.
 * Batches of one struct tokens are received in the order in which they were first appended to; a failed one
 * fails those after it. */
enum trouble tokens_batch_receive(struct tokens_batch *batch);
/* The second guard, after the flush and before the commit: every bucket of this batch still carries the
 * verified value that the batch ran under. Over a connection of its own, so that it may overlap a later
 * batch's scripts. ABORT_BATCH: it does not. RETRY: can't be asked (treat as ABORT_BATCH). */
enum trouble tokens_batch_guard(struct tokens_batch *batch);

/* ---- reserve: hold amount_tokens for one generation */
struct reservation {
    const char *user_id, *generation_id;
    struct origin origin;                /* the request's record */
    const char *fingerprint;             /* of the request's own fields, hex */
    struct quote quote;                  /* amount: quote.tokens, 1..2^31-1 */
    const char *refusal;                 /* NULL, or the error object (JSON) if this request would be refused
                                          * now; a recorded answer still outranks it */
    int64_t at_ms;
};
enum reserve_outcome {
    /* held now, or by this same origin before: emit accepted, job, entry from the recorded answer */
    RESERVE_HELD,
    RESERVE_INSUFFICIENT,    /* refused for lack of tokens, now or by this same origin before */
    /* refused by the given refusal, now or by this same origin before: its recorded error */
    RESERVE_REFUSED,
    /* another origin under a known id, a superseded refusal, or one that has moved on: emit nothing */
    RESERVE_DUPLICATE,
    RESERVE_CONFLICT,        /* this id belongs to another user or another request: dead letter */
    RESERVE_WAITING,         /* the user's fold is below zero (a grant will come again): the whole batch
                              * waits; receive answers RETRY, so callers never see this */
};
struct reserve_answer {
    enum reserve_outcome outcome;
    int64_t required_tokens;             /* as recorded */
    struct quote quote;                  /* as recorded */
    struct balance balance;              /* after, as recorded */
    int64_t at_ms;                       /* of the first decision */
    const char *error;                   /* RESERVE_REFUSED: the recorded error object; lent by the batch */
};
/* returns the call's index */
size_t tokens_reserve(struct tokens_batch *batch, const struct reservation *reservation);
void tokens_reserve_answer(const struct tokens_batch *batch, size_t call, struct reserve_answer *answer);

/* ---- settle: commit charge_tokens of the hold, release the rest */
struct settlement {
    const char *user_id, *generation_id;
    struct origin origin;                /* the result's record */
    int64_t charge_tokens;               /* 0..hold; more is cut to the hold. SETTLE_ALL: the whole hold */
    int64_t at_ms;
    const char *status;                  /* "completed", "failed", "cancelled": for the view */
    const char *view;                    /* small JSON object kept for status and console; may be NULL */
};
#define SETTLE_ALL INT64_C(-1)
enum settle_outcome {
    SETTLE_DONE,             /* now, or by this same origin before: emit entries from the recorded answer */
    SETTLE_DUPLICATE,        /* ended before by another record */
    SETTLE_NO_HOLD,          /* never reserved: dead letter and alarm */
};
struct settle_answer {
    enum settle_outcome outcome;
    int64_t committed_tokens, released_tokens;
    struct quote quote;
    struct balance after_commit, after_release;      /* commit goes first */
    int64_t at_ms;
};
size_t tokens_settle(struct tokens_batch *batch, const struct settlement *settlement);
void tokens_settle_answer(const struct tokens_batch *batch, size_t call, struct settle_answer *answer);

/* ---- grant: add tokens, or correct (negative; may not push available below zero) */
struct grant { const char *user_id, *grant_id; struct origin origin; int64_t amount_tokens; int64_t at_ms; };
enum grant_outcome {
    GRANT_DONE,              /* now, or by this same origin before */
    GRANT_DUPLICATE,
    GRANT_CONFLICT,          /* this grantId with another amount: dead letter */
    GRANT_REFUSED,           /* a correction below zero, or a balance past 2^53-1: dead letter */
};
struct grant_answer {
    enum grant_outcome outcome;
    int64_t amount_tokens;
    struct balance balance;              /* after, as recorded */
    int64_t at_ms;
};
size_t tokens_grant(struct tokens_batch *batch, const struct grant *grant);
void tokens_grant_answer(const struct tokens_batch *batch, size_t call, struct grant_answer *answer);

/* ---- lookup: does this generation of this user exist (for a cancel)? */
enum lookup_outcome { LOOKUP_UNKNOWN, LOOKUP_HELD, LOOKUP_ENDED };      /* another user's is UNKNOWN */
size_t tokens_lookup(struct tokens_batch *batch, const char *user_id, const char *generation_id);
enum lookup_outcome tokens_lookup_answer(const struct tokens_batch *batch, size_t call);

/* ---- progress: the ledger has seen a later event of this generation; marks it as moved on and keeps the
 * view */
size_t tokens_progress(struct tokens_batch *batch, const char *user_id, const char *generation_id,
                       const char *status, const char *view, int64_t at_ms);

/* ---- reading, one call each, blocking; for the command line and the console. RETRY: away. */
enum trouble tokens_balance(struct tokens *tokens, const char *user_id, struct balance *balance,
                            bool *verified);
struct tokens_generation {               /* given: tokens_generation_free */
    char *state;                         /* reserved, settled, refused */
    /* accepted, submitted, completed, failed, cancelled, rejected; may be NULL */
    char *status;
    char *origin, *view;
    int64_t held_tokens, committed_tokens, released_tokens, at_ms;
};
enum trouble tokens_generation(struct tokens *tokens, const char *user_id, const char *generation_id,
                               struct tokens_generation *generation, bool *found);
void tokens_generation_free(struct tokens_generation *generation);

#endif
