/* What the generator holds of a record of jobs: a job, or a user's wish to cancel one. One allocation
 * each, which the work set frees. */
#ifndef GENERATOR_JOB_H
#define GENERATOR_JOB_H

#include "base/backoff.h"
#include "base/ids.h"
#include "generator/deadline.h"
#include "generator/lane.h"
#include "worker/due.h"
#include "worker/workset.h"

enum job_kind { JOB_GENERATION, JOB_CANCEL, JOB_WORD /* of the operator */, JOB_KINDS };

enum job_state {
    JOB_FRESH,           /* handed out, not judged yet */
    JOB_READY,           /* waits for its user's turn */
    JOB_WAITING,         /* waits for its own time to try again */
    JOB_INTENDING,       /* its intent is on the way into the log */
    JOB_POSTING,         /* its POST is open */
    JOB_DOUBTFUL,        /* an open intent without a POST of ours: a former owner may still be waiting */
    JOB_UNKNOWN,         /* there may be a task; the operator is to say which */
    JOB_CLOSING,         /* its intent is being closed: no task was made */
    JOB_ENDING,          /* its end is on the way into the log */
    JOB_STATES
};
extern const char *const JOB_STATE_NAMES[JOB_STATES];

struct post;
struct ending;

struct job {
    struct work_item item;           /* first: the work set's */
    enum job_kind kind;
    enum job_state state;
    struct job *fresh_before, *fresh_after; bool listed;     /* in the list of those to be judged */
    struct lane *lane;
    struct turn turn;
    struct due_node due;
    struct post *post;               /* its open or answered call */
    const char *adopted;             /* the task that the operator says is its own; lent by the word */
    struct ending *ending;
    struct backoff backoff;
    bool in_call;                    /* counted in its lane's calls_open */
    struct deadline deadline;
    int64_t standstill_at_live_ms;   /* the breaker's open time when it became live */
    int64_t held_ms;                 /* how long it waited for the operator */
    int64_t retry_at_ms, intent_queued_ms;       /* monotonic */
    int64_t required_tokens, duration_seconds, seed;
    char traceparent[TRACEPARENT_BYTES];
    /* into text; project, ratio, image may be NULL; settled_task: of a word, NULL: none was made */
    const char *user, *project, *prompt, *model, *ratio, *image, *settled_task;
    char text[];
};

/* NULL: not ours to understand; error says why. Given: free. */
struct job *job_read(const struct kafka_record *record, struct decode_error *error);
/* Of two jobs of one generation, neither of them in a call, the one that stays: what was begun outranks what was
 * not; else the one accepted first. */
bool job_precedes(const struct job *job, const struct job *other);
void job_move(struct job *job, enum job_state to);       /* must be a move that the table knows */
struct kafka_header job_traceparent(const struct job *job);
/* for the log; NULL when there is none */
const char *job_trace_id(const struct job *job, char out[33]);

#endif
