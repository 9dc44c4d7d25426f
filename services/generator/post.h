/* The paid calls of this process, each from its start until its outcome is committed. A call outlives its
 * job: when the partition is taken away it is put aside under the intent that it belongs to, and found
 * again when the same item comes back with that intent still open (a rebalance takes every partition, also
 * those that return a moment later). What is not called for again is an orphan: a task that somebody pays
 * for and nobody follows. */
#ifndef GENERATOR_POST_H
#define GENERATOR_POST_H

#include "generator/job.h"
#include "runway/runway.h"

struct post {
    struct post *next;
    void *owner;                     /* for the answer's callback */
    struct job *job;                 /* NULL: aside */
    int32_t partition; int64_t offset; int attempt;
    char key[ID_LENGTH_MAX + 1], traceparent[TRACEPARENT_BYTES], task_id[ID_LENGTH_MAX + 1];
    int64_t aside_at_ms;             /* monotonic */
    /* doubtful: its outcome was being committed when the job was taken away */
    bool answered, doubtful;
    bool deleting;                   /* an orphan whose DELETE is open or was tried */
    int64_t delete_at_ms; struct backoff delete_backoff;
    enum runway_created created;
    int status;
    double estimated_credits;        /* -1: not said */
    bool daily_limit;
    int64_t retry_after_ms;
    char *message;
};
struct posts { struct post *first; size_t unanswered, aside; };      /* zero-initialise it */

enum post_fate {
    POST_HOLD,           /* its item may come back, or its answer may */
    POST_FORGET,         /* no task came of it */
    POST_DELETE,         /* a task that is ours for certain and nobody's to follow: DELETE it */
    /* its task may have been handed on (the commit's end is not known): not ours to delete. Say so */
    POST_LEAVE,
};

struct post *post_start(struct posts *posts, struct job *job, void *owner);
void post_answered(struct posts *posts, struct post *post, const struct runway_create_answer *answer);
struct runway_create_answer post_answer(const struct post *post);        /* as it was kept; lent */
void post_put_aside(struct posts *posts, struct post *post, int64_t now_ms, bool doubtful);
/* The call that this restored item's open intent belongs to, attached to it again; NULL: none of ours. */
struct post *post_find_again(struct posts *posts, struct job *job);
enum post_fate post_fate(const struct post *post, int64_t now_ms, int64_t hold_ms);
void post_end(struct posts *posts, struct post **post);
void posts_free(struct posts *posts);

#endif
