/* How a job ends, decided once and then written, perhaps several times until its transaction commits. */
#ifndef GENERATOR_ENDING_H
#define GENERATOR_ENDING_H

#include "generator/post.h"
#include "policy/policy.h"
#include "worker/outbox.h"

enum ending_kind {
    ENDING_TASK,             /* submitted: the task goes on to the poller */
    ENDING_REFUSED,          /* the provider found fault with the request */
    ENDING_UNKNOWN,          /* there may be a task, and the policy allows no other */
    ENDING_DEADLINE,         /* no task by then */
    ENDING_ID_TAKEN,         /* another user's generation has this id: this user's hold must not stay */
    ENDING_CANCELLED,        /* by its user, before there was a task */
    ENDING_DUPLICATE,        /* a second job of the same generation: nothing is written */
    ENDING_FORWARDED,        /* a cancel without a job here: on to tasks, where its task lies before it */
    ENDING_DROPPED,          /* a cancel by someone whose generation this is not: nothing is written */
    ENDING_WORD,             /* the operator's word: heeded, or nothing is left to do: nothing is written */
    ENDING_WORD_FORWARDED,   /* it names a task, and no job is here: on to tasks, whose owner deletes it */
    ENDING_WORD_REFUSED,     /* nothing was unknown, or it is another's: nothing is written */
    ENDING_KINDS
};
extern const char *const ENDING_NAMES[ENDING_KINDS];

struct ending {
    enum ending_kind kind;
    int64_t at_ms, charge_tokens;
    const struct job *cancel;        /* ends with it and is handed on with its task; NULL: none */
    char *task_id;                   /* ENDING_TASK */
    double estimated_credits;        /* the same; -1: not said */
    int status;                      /* HTTP, ENDING_REFUSED */
    char *provider_message;          /* the provider's own words, or NULL */
};

/* Given: ending_free. charge: of an end without a video, by policy. */
struct ending *ending_make(enum ending_kind kind, const struct job *job, const struct policy *policy);
void ending_free(struct ending **ending);
enum trouble ending_write(const struct ending *ending, const struct job *job, struct outbox *outbox);

#endif
