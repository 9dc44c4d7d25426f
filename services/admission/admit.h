/* The rule of admission, as values: what a request asks for, and what the account's answer makes of it. No
 * clock, no socket, no log. A recorded answer outranks whatever would be computed now: a price reloaded, a
 * model removed or a window passed between two runs of the same record must not change the story. */
#ifndef ADMISSION_ADMIT_H
#define ADMISSION_ADMIT_H

#include "policy/policy.h"
#include "proto/event.h"
#include "tokens/tokens.h"

enum { RATIO_BYTES = 33 };

enum admit_ask { ADMIT_RESERVE, ADMIT_LOOKUP, ADMIT_NOTHING };

/* What is asked of the account for one record, and what the outputs will need. */
struct admit_request {
    enum admit_ask ask;
    struct event event;                      /* as decoded; whoever made it ends it with event_clear */
    bool complete;                           /* every field is there: a job can be made from it */
    bool refused;                            /* would be refused now; the caller's refusal text says why */
    struct quote quote;                      /* tokens 0 when refused */
    char ratio[RATIO_BYTES];                 /* what to submit: its own or the model's; empty: none */
    int64_t duration_seconds;                /* the same; 0: none */
    char fingerprint[65];
    struct decode_error error;               /* ADMIT_NOTHING: why it is a dead letter */
};
struct admit_input {
    const struct policy *policy;
    enum decode decoded;                     /* of request->event, with its error in request->error */
    bool too_old;                            /* taken in longer ago than duplicates are remembered */
};
/* Decides what to ask. refusal is cleared and holds the error object when request->refused. */
void admit_judge(const struct admit_input *input, struct admit_request *request, struct text *refusal);

/* One row a decision: enum, label in reelgate_admission_decisions_total. */
#define ADMIT_DECISIONS(ROW) \
    ROW(ACCEPTED, "accepted") \
    ROW(INSUFFICIENT_TOKENS, "insufficient_tokens") \
    ROW(VALIDATION_ERROR, "validation_error") \
    ROW(DUPLICATE, "duplicate")              /* absorbed: nothing is written */ \
    ROW(CONFLICT, "conflict")                /* dead letter: the id belongs to another request or user */ \
    ROW(MALFORMED, "malformed")              /* dead letter */ \
    ROW(CANCEL, "cancel")                    /* handed to jobs */ \
    ROW(CANCEL_LATE, "cancel_late")          /* its generation has ended: nothing is written */ \
    ROW(CANCEL_UNKNOWN, "cancel_unknown")    /* dead letter */ \
    ROW(TOO_OLD, "too_old")                  /* dead letter */ \
    ROW(UNREADABLE_HOLD, "unreadable_hold")  /* dead letter and alarm: held, but not readable any more */
enum admit_decision {
#define ADMIT_ENUM(name, label) ADMIT_##name,
    ADMIT_DECISIONS(ADMIT_ENUM)
#undef ADMIT_ENUM
    ADMIT_DECISION_COUNT
};
extern const char *const ADMIT_LABELS[ADMIT_DECISION_COUNT];

enum admit_decision admit_reserved(const struct admit_request *request, const struct reserve_answer *answer);
enum admit_decision admit_looked_up(enum lookup_outcome outcome);

/* The code and words of a decision that is a dead letter; NULL code: it is none. */
struct admit_letter { const char *code, *message; };
struct admit_letter admit_letter(const struct admit_request *request, enum admit_decision decision);

#endif
