/* What the poller holds of a record of tasks: a task to follow, or a user's wish to cancel one. There may
 * be 100,000 in one process: one allocation each, nothing in it that can be had elsewhere. The work set
 * frees it. */
#ifndef POLLER_TASK_H
#define POLLER_TASK_H

#include "base/ids.h"
#include "poller/pace.h"
#include "worker/due.h"
#include "worker/workset.h"

enum task_kind {
    TASK_FOLLOWED, TASK_CANCEL,
    TASK_ORPHAN,         /* the operator found it; its generation has ended without it: it is deleted */
    TASK_KINDS
};

enum task_state {
    TASK_FRESH,          /* handed out, not judged yet */
    TASK_WAITING,        /* for its next look */
    TASK_LOOKING,        /* a GET is open */
    TASK_DELETING,       /* a DELETE is open */
    TASK_ENDING,         /* its end is on the way into the log */
    TASK_STATES
};
extern const char *const TASK_STATE_NAMES[TASK_STATES];

struct verdict;

struct task {
    struct work_item item;               /* first: the work set's; its key is the generation */
    struct due_node due;                 /* its next look, monotonic; while fresh: its offset */
    struct verdict *verdict;
    int64_t accepted_at_ms, submitted_at_ms, deadline_at_ms;     /* wall */
    int64_t looked_at_ms, missing_since_ms;                      /* monotonic; 0: never, not missing */
    int64_t required_tokens;
    uint16_t call;                       /* its open call's slot + 1; 0: none */
    uint8_t kind, state, model, failures;
    uint8_t progress, told;              /* percent + 1, as the provider last said, as we told; 0: never */
    uint32_t told_at_s;                  /* monotonic seconds */
    bool cancel_wanted, delete_sent;
    /* in text; project_at 0: none, trace_at 0: none */
    uint8_t user_at, project_at, task_at, trace_at;
    char text[];                         /* generation, traceparent, user, project, task, each with its NUL */
};

/* NULL: not ours to understand; error says why. Given: free. */
struct task *task_read(const struct kafka_record *record, struct history *history,
                       struct decode_error *error);
const char *task_user(const struct task *task);
const char *task_project(const struct task *task);       /* NULL: none */
const char *task_id(const struct task *task);
struct kafka_header task_traceparent(const struct task *task);
/* for the log; NULL when there is none */
const char *task_trace_id(const struct task *task, char out[33]);
void task_move(struct task *task, enum task_state to);   /* must be a move that the table knows */
/* of two of one generation, the one that stays */
bool task_precedes(const struct task *task, const struct task *other);

#endif
