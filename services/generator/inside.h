/* What the generator's own files share. Nobody else includes this. */
#ifndef GENERATOR_INSIDE_H
#define GENERATOR_INSIDE_H

#include "generator/crowd.h"
#include "generator/ending.h"
#include "generator/generator.h"
#include "generator/submit.h"
#include "kafka/admin.h"
#include "worker/breaker.h"

/* What the provider takes of each model at once, as it last said. */
struct limits {
    struct runway_model_limits models[RUNWAY_MODELS_MAX]; int count;
    int64_t ask_at_ms;
    bool asking, answered;               /* answered: with limits or without, we need not wait for them */
    bool known, bounded;                 /* bounded: some model has a limit */
};

/* Where our partitions of tasks are read to count what is alive. */
enum { FOLLOWING_NOT, FOLLOWING_HELD /* ours, not read yet */, FOLLOWING_READ };
struct following {
    struct kafka_config kafka;
    struct kafka_client *client;
    struct kafka_reader *reader;
    char *tasks;                         /* the topic's full name */
    uint8_t *held; int32_t room, held_count;
    int32_t partitions;                  /* of jobs and of tasks; 0: not known yet; -1: they differ */
    int64_t retry_at_ms;
    bool lost;                           /* what the group stands at has expired */
};

struct generator_meters {
    struct metric *in_flight[JOB_STATES], *ended[ENDING_KINDS];
    struct metric *unknown, *orphans_deleted, *orphans_left, *reattached, *stale_intents, *breaker_open,
        *aside, *live, *held_models, *daily_limits, *credits;
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
    struct limits limits;
    struct following following;
    struct crowd crowd;
    /* jobs by what they wait for: their turn's deadline, another try, an unknown intent */
    struct due due;
    struct posts posts;
    struct breaker breaker;
    bool for_credit;                     /* why it opened: no credit, else the key */
    struct fresh { struct job *first, *last; } fresh[JOB_KINDS];     /* to be judged, by enum job_kind */
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
/* An unknown submission that the operator says made no task: its intent is closed, and it goes on. */
void calls_release(struct generator *generator, struct job *job);
void calls_timers(struct generator *generator);
void calls_revoking(void *self);

/* words.c: what the operator says about a job; NULL: it is not live */
void words_settle(struct generator *generator, struct job *word, struct job *job);

/* limits.c: how much the provider takes at once, and our share of it */
void limits_turn(struct generator *generator);
void limits_learn(struct generator *generator, const struct runway_organization_answer *answer);
bool limits_allow(const struct generator *generator);            /* enough is known to submit */

/* following.c: what is alive in our partitions */
void following_assigned(void *self, int32_t partition);
void following_revoked(void *self, int32_t partition);
void following_turn(struct generator *generator);
bool following_counted(const struct generator *generator);
void following_hand_on(struct generator *generator, const struct job *job);      /* its task goes out */
int following_wake_fd(const struct generator *generator);        /* -1: none */
void following_close(struct generator *generator);

/* orphans.c: calls whose jobs are gone; and the breaker's probe */
void orphans_turn(struct generator *generator);
int64_t orphans_wait_ms(const struct generator *generator, int64_t most_ms);
void probe_turn(struct generator *generator);
void probe_trip(struct generator *generator, int http_status, const char *message);
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
