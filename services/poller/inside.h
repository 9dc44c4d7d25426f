/* What the poller's own files share. Nobody else includes this. */
#ifndef POLLER_INSIDE_H
#define POLLER_INSIDE_H

#include "poller/look.h"
#include "poller/poller.h"
#include "poller/verdict.h"
#include "worker/breaker.h"

struct poller_meters {
    struct metric *in_flight[TASK_STATES], *ended[VERDICT_KINDS], *durations[VERDICT_KINDS];
    struct metric *orphans_deleted, *breaker_open, *missing, *missing_held, *overdue_seconds;
    struct provider_calls *calls;
};

/* An open call. It outlives its task: when the partition is taken away the answer is nobody's. */
struct call { struct task *task; struct poller *poller; int64_t started_ms; bool open; };

enum { STATUS_WORDS_MAX = 16, STATUS_WORD_BYTES = 48 };

struct poller {
    const struct poller_settings *settings;
    struct health *health;
    struct policy *policy;
    struct http_client *http;
    struct runway *runway;
    struct workset *set;
    struct due due;                      /* tasks by their next look */
    struct due fresh[TASK_KINDS];        /* to be judged, by kind */
    struct pace pace;
    struct history history;
    struct breaker breaker;
    struct call *calls;                  /* max_in_flight of them */
    size_t calls_open;
    size_t in_state[TASK_STATES], missing;       /* missing: tasks that answered 404 when last looked at */
    bool key_proven;                     /* a task answered to this key */
    bool stopping;
    /* unknown statuses that were warned about */
    char words[STATUS_WORDS_MAX][STATUS_WORD_BYTES]; int word_count;
    struct poller_meters meters;
};

/* intake.c: what is handed out, judged, and taken away */
void intake_live(void *self, struct work_item *item);
void intake_drop(void *self, struct work_item *item);
void intake_again(struct poller *poller, struct task *task);     /* to be judged anew */
void intake_judge(struct poller *poller);                        /* all that is fresh */
/* a live cancel, or NULL */
struct task *intake_cancel_of(const struct poller *poller, const struct task *task);

/* looks.c: from a task's time to the answer */
void looks_start(struct poller *poller);
/* a waiting task's next look, by its model's history */
void looks_schedule(struct poller *poller, struct task *task);
void looks_wanted_now(struct poller *poller, struct task *task); /* as soon as its last look allows */
void looks_revoking(void *self);
void looks_probe(struct poller *poller);

/* poller.c */
void poller_move(struct poller *poller, struct task *task, enum task_state to);
void poller_end(struct poller *poller, struct task *task, enum verdict_kind kind,
                const struct runway_look_answer *answer);
void poller_seen(struct poller *poller, struct task *task, bool missing);        /* as of this look */

#endif
