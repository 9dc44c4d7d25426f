/* What this instance has read from the topics, in memory: per user what happened (facts) and what came of
 * it (generations), and numbers over all of them. It is a window, not a record: bounded in bytes, and any
 * instance builds it anew from Kafka when it starts. Users who were not heard of for the longest time lose
 * first what happened to them, and only then their place and balance; what is under way stays. view_since and
 * user_since say from when on nothing is missing. Money is never decided from it.
 *
 * One mutex over all: whoever follows a pointer out of here holds it (view_lock). */
#ifndef GATEWAY_VIEW_H
#define GATEWAY_VIEW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/usage.h"

#include "base/ids.h"
#include "base/money.h"
#include "proto/event.h"

enum status { STATUS_PENDING, STATUS_ACCEPTED, STATUS_SUBMITTED, STATUS_COMPLETED, STATUS_FAILED,
              STATUS_CANCELLED, STATUS_REJECTED, STATUS_COUNT };
extern const char *const STATUS_NAMES[STATUS_COUNT];
bool status_parse(const char *name, enum status *status);
bool status_is_end(enum status status);

/* One record of requests, results or journal, as it was read. */
struct fact {
    struct fact *next;                   /* the user's next newer one */
    int64_t number;                      /* 1, 2, ... in the order in which this instance read them */
    enum event_type type;
    enum topic topic;
    int32_t partition;
    int64_t offset, at_ms;
    char *id;                            /* of its generation or grant */
    size_t length;
    char value[];                        /* JSON, NUL-ended: fact_decode makes an event of it */
};
/* Ends with event_clear. Must succeed: it was decoded before. */
void fact_decode(const struct fact *fact, struct event *event);
struct place { enum topic topic; int32_t partition; int64_t offset, at_ms; };
struct fact *fact_make(const struct place *place, const struct event *event);        /* given: fact_free */
void fact_free(struct fact *fact);

struct generation {
    char id[ID_LENGTH_MAX + 1];
    struct user *user;
    struct generation *older, *newer;    /* of the same user */
    enum status status;
    int64_t created_at_ms, updated_at_ms, output_expires_at_ms;
    int64_t last_number;                 /* of the newest fact about it */
    /* as it was asked for; NULL, EVENT_ABSENT and empty when the request is not known here */
    char *prompt, *project_id, *model, *ratio, *image, *outputs;       /* outputs: a JSON array */
    int64_t duration_seconds, seed;
    char fingerprint[65];
    int32_t request_partition; int64_t request_offset;      /* -1: not read yet */
    bool published;                      /* it is in requests, as far as we know */
    bool cancel_requested;
    /* what came of it; EVENT_ABSENT when not known */
    int64_t required_tokens, charged_tokens;
    char *error_code, *error_message, *failure_code;
    int64_t current_balance, reserved_tokens;               /* of a refusal for lack of tokens */
    /* by the journal: what is reserved and neither committed nor released */
    int64_t held_tokens, held_at_ms;
    double progress;                     /* of a render under way, 0 to 1; below 0: not said */
    enum status settled;                 /* by the journal: completed, failed or cancelled; 0: not yet */
    bool rejection_waits;                /* to be counted when its request is read: that has the model */
};

struct user {
    char id[ID_LENGTH_MAX + 1];
    struct user *chain, *idler, *fresher;
    struct fact *oldest, *newest;
    struct generation *first, *last;     /* oldest and newest */
    int64_t facts, generations;          /* how many are kept */
    /* how many stand at each status; what has ended also when not kept */
    int64_t ends[STATUS_COUNT];
    int64_t bytes, active_at_ms;
    int64_t since_ms;                    /* older facts and generations were let go; 0: none */
    struct balance balance; bool has_balance;       /* after the last journal entry */
    int64_t dropped[TOPIC_COUNT];        /* the highest offset of this topic that was dropped, or -1 */
    int32_t dropped_partition[TOPIC_COUNT];      /* of its partition: a user has one in each topic */
    pthread_cond_t changed;
    int streams;
    int watchers;                        /* streams and calls that wait: then it is not evicted */
};

enum letter_state { LETTER_OPEN, LETTER_REDRIVEN, LETTER_DISCARDED };
struct letter {
    int32_t partition; int64_t offset, at_ms;
    char original_topic[250]; int32_t original_partition; int64_t original_offset;
    char code[64], message[256], service[64], key[ID_LENGTH_MAX + 1];
    int64_t bytes;
    enum letter_state state;
    char by[ID_LENGTH_MAX + 1], reason[512];
    int64_t marked_at_ms;
};
enum { LETTERS_MAX = 5000, FACTS_PER_USER_MAX = 2000, GENERATIONS_PER_USER_MAX = 1000 };

struct view {
    pthread_mutex_t mutex;
    struct user **slots; size_t slot_count;
    struct user *idlest, *freshest;
    int64_t users, bytes, bytes_max;
    int64_t numbers;                     /* the newest fact's */
    struct usage usage;
    struct letter *letters; size_t letter_count;    /* ring, by arrival: letter i is [i % LETTERS_MAX] */
    char *default_model;
    /* offsets below this are not in the view: never read, or dropped with their user. since_ms: of the first
     * record that was read, where older ones were not; the latest of all partitions */
    struct floors { int64_t *offsets; bool *begun; int32_t count; int64_t since_ms; } floors[TOPIC_COUNT];
    /* users who were heard of before this last may be unknown; 0: none */
    int64_t dropped_ms;
    bool caught_up;
};

struct view *view_open(int64_t bytes_max, const char *default_model);
void view_close(struct view **view);
void view_lock(struct view *view);
void view_unlock(struct view *view);

/* ---- all below: with the lock held */

struct user *view_user(struct view *view, const char *user_id);                  /* NULL: nothing known */
/* The same, made when it is not there. */
struct user *view_user_make(struct view *view, const char *user_id);
/* How many generations it has had, as far as is known here. */
int64_t user_asked_for(const struct user *user);
/* Somebody of whom only a call is known, not a record, is no user yet. */
bool user_is_known(const struct user *user);
struct generation *user_generation(const struct user *user, const char *generation_id);      /* or NULL */
/* Of whatever user; when several users claim it, the one whose it is. For support. */
struct generation *view_generation(const struct view *view, const char *generation_id);

/* Waits for something new about this user. false: until_ms (clock_mono_ms) has passed. Between watch and
 * unwatch the user stays where it is. */
void user_watch(struct user *user);
void user_unwatch(struct view *view, struct user *user);
bool user_wait(struct view *view, struct user *user, int64_t until_ms);

/* Our own request, before it is published, so that a second call with the same key finds it. */
struct generation *view_announce(struct view *view, const struct event *request, int64_t at_ms);

/* The offset from which a partition is read. */
void view_floor(struct view *view, enum topic topic, int32_t partition, int32_t partitions, int64_t offset);
int64_t view_floor_of(const struct view *view, enum topic topic, int32_t partition);
/* From when on requests, results and journal are complete here (user: NULL for all of them, and for one who
 * is not known); EVENT_ABSENT: from the beginning of time. */
int64_t view_since(const struct view *view);
int64_t user_since(const struct view *view, const struct user *user);
/* Everything that was there has been read. What was never read will never come: generations whose results lie
 * before the window are settled by their journal entries, or let go. */
void view_is_caught_up(struct view *view, int64_t now_ms);

/* A record that was read; event is its decoded value. */
void view_take(struct view *view, const struct place *place, const struct event *event);
struct letter *view_letter(struct view *view, int32_t partition, int64_t offset);           /* or NULL */
void view_take_letter(struct view *view, const struct letter *letter);
/* The dead letter that the record at this place of the topic became, or NULL. */
const struct letter *view_letter_of(const struct view *view, const char *topic, int32_t partition,
                                    int64_t offset);

#endif
