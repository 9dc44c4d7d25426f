/* The tasks and the account, in memory. Pure of clock and lock: every call is given the time, and the caller
 * holds the lock. Time moves in store_advance, which every other call expects to have been called with the
 * same now. */
#ifndef SANDBOX_STORE_H
#define SANDBOX_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "sandbox/marks.h"
#include "sandbox/models.h"
#include "sandbox/usage.h"

#include "base/ids.h"

enum task_status { TASK_THROTTLED, TASK_PENDING, TASK_RUNNING, TASK_SUCCEEDED, TASK_FAILED, TASK_CANCELLED };
enum { TASK_STATUSES = TASK_CANCELLED + 1 };

struct task {
    char id[UUID_BYTES];
    const struct model *model;
    char *prompt;                        /* "" when there was none */
    struct marks marks;
    enum task_status status;
    bool deleted;                        /* kept for /admin, gone for the API */
    bool unlucky;                        /* fail_ratio has chosen it */
    int64_t created_ms, running_ms, ended_ms, due_ms, pending_ms, run_ms;
    int64_t estimated, cost;             /* credits */
    int64_t looked_ms;                   /* last GET, 0: never */
    size_t place;                        /* in the schedule */
    struct task *same_hash;
    TAILQ_ENTRY(task) throttled;         /* in its lane, while THROTTLED */
    TAILQ_ENTRY(task) all;               /* by creation */
};
TAILQ_HEAD(task_list, task);

struct store_limits {
    int64_t run_ms, run_jitter, pending_ms;          /* run_jitter: percent of run_ms, up or down */
    int64_t concurrency, daily, credits, fail_ratio; /* per model; per model in 24 h; at the start; percent */
    int64_t retention_ms;                            /* ended tasks are forgotten after this */
};

struct store;
struct store *store_open(const struct store_limits *limits);
void store_close(struct store **store);
struct store_limits *store_limits(struct store *store);         /* may be changed; holds for what comes */
void store_advance(struct store *store, int64_t now_ms);

enum create_outcome { CREATE_MADE, CREATE_NO_CREDITS, CREATE_DAILY_LIMIT };
/* prompt may be NULL */
struct wish { const struct model *model; const char *prompt; int64_t estimated; };
/* Never the same task twice, however alike two wishes are. *made is set with CREATE_MADE, and lent. */
enum create_outcome store_create(struct store *store, const struct wish *wish, struct task **made,
                                 int64_t now_ms);
struct task *store_find(struct store *store, const char *id);            /* NULL: never was, or deleted */
void store_delete(struct store *store, struct task *task, int64_t now_ms);

const struct task_list *store_tasks(const struct store *store);          /* also deleted ones, oldest first */
const struct usage *store_usage(const struct store *store);
int64_t store_balance(const struct store *store);
void store_add_credits(struct store *store, int64_t credits);            /* a purchase, not a usage */
int64_t store_daily(const struct store *store, const struct model *model);
const char *task_status_name(enum task_status status);
bool task_ended(const struct task *task);

#endif
