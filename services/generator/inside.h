/* What the generator's own files share. Nobody else includes this. */
#ifndef GENERATOR_INSIDE_H
#define GENERATOR_INSIDE_H

#include "generator/ending.h"
#include "generator/generator.h"
#include "generator/submit.h"
#include "worker/breaker.h"

struct generator_meters {
    struct metric *in_flight[JOB_STATES], *ended[ENDING_KINDS];
    struct metric *unknown, *orphans_deleted, *orphans_left, *reattached, *stale_intents, *breaker_open,
        *aside;
    struct provider_calls *calls;
};

struct generator {
    const struct generator_settings *settings;
    struct health *health;
    struct policy *policy;
    struct submit_rules rules;
    struct http_client *http;
    struct runway *runway;
    struct workset *set;
    struct lanes lanes;
    /* jobs by what they wait for: their turn's deadline, another try, an unknown intent */
    struct due due;
    struct posts posts;
    struct breaker breaker;
    bool for_credit;                     /* why it opened: no credit, else the key */
    struct fresh { struct job *first, *last; } fresh[2];     /* to be judged, by enum job_kind */
    size_t intending;                    /* jobs with an intent on the way: each will be a POST */
    size_t in_state[JOB_STATES];
    bool stopping, revoking;
    struct generator_meters meters;
};

/* intake.c: what is handed out, judged, and taken away */
void intake_live(void *self, struct work_item *item);
void intake_drop(void *self, struct work_item *item);
void intake_judge(struct generator *generator);                  /* all that is fresh */
void intake_again(struct generator *generator, struct job *job); /* to be judged anew */
void intake_unlist(struct generator *generator, struct job *job);
/* a live cancel of this job, or NULL */
struct job *intake_cancel_of(const struct generator *generator, const struct job *job);

/* calls.c: from the intent to the answer */
void calls_start(struct generator *generator);                   /* intents, as many as may be */
void calls_intended(void *self, struct work_item *item);
void calls_closed(void *self, struct work_item *item);
void calls_resume(struct generator *generator, struct job *job, struct post *post);      /* found again */
void calls_timers(struct generator *generator);
void calls_revoking(void *self);

/* orphans.c: calls whose jobs are gone; and the breaker's probe */
void orphans_turn(struct generator *generator);
int64_t orphans_wait_ms(const struct generator *generator, int64_t most_ms);
void probe_turn(struct generator *generator);
void probe_trip(struct generator *generator, const struct runway_create_answer *answer);
void probe_passed(struct generator *generator);

/* generator.c */
void generator_move(struct generator *generator, struct job *job, enum job_state to);
/* waits for its turn, till its deadline */
void generator_ready(struct generator *generator, struct job *job, bool first);
void generator_end(struct generator *generator, struct job *job, enum ending_kind kind);
void generator_leave_call(struct job *job);                      /* no longer counted in its lane */
/* 0 and less: past */
int64_t generator_deadline_in_ms(struct generator *generator, struct job *job);

#endif
