/* How a task ends: decided once, then written, perhaps several times until its transaction commits. */
#ifndef POLLER_VERDICT_H
#define POLLER_VERDICT_H

#include "policy/policy.h"
#include "poller/task.h"
#include "runway/runway.h"

enum verdict_kind {
    VERDICT_COMPLETED,
    VERDICT_FAILED,                  /* the provider's word, with its failure code */
    VERDICT_EMPTY,                   /* succeeded, says the provider, but there is no output */
    VERDICT_CANCELLED_BY_USER,       /* our DELETE was acknowledged */
    VERDICT_CANCELLED_ELSEWHERE,     /* at the provider, not through us */
    VERDICT_DEADLINE,                /* our DELETE was acknowledged */
    VERDICT_MISSING,                 /* the provider does not know it any more */
    VERDICT_DUPLICATE,               /* a second record of the same generation: nothing is written */
    /* a cancel without a task here: it has ended before. Nothing is written */
    VERDICT_CANCEL_DROPPED,
    VERDICT_ORPHAN_DELETED,          /* nothing is written: its generation ended before */
    VERDICT_ORPHAN_FOLLOWED,         /* it is no orphan: its generation is followed here. Nothing is written */
    VERDICT_KINDS
};
extern const char *const VERDICT_NAMES[VERDICT_KINDS];

struct verdict;
/* answer: of the look that decided, or NULL; copied. Given: verdict_free. */
struct verdict *verdict_make(enum verdict_kind kind, const struct task *task,
                             const struct runway_look_answer *answer,
                             const struct policy *policy);
void verdict_free(struct verdict **verdict);
enum verdict_kind verdict_kind(const struct verdict *verdict);
int64_t verdict_at_ms(const struct verdict *verdict);
const char *verdict_failure_code(const struct verdict *verdict);         /* NULL: none */
enum trouble verdict_write(const struct verdict *verdict, const struct task *task, struct outbox *outbox);

#endif
