/* A service for the work set's tests: it keeps what it is handed in an array and does with it what the test
 * says. */
#ifndef TESTS_WORKSET_CREW_H
#define TESTS_WORKSET_CREW_H

#include "component/kafka/broker.h"
#include "worker/workset.h"

struct job { struct work_item item; bool endable; char key[24]; };

struct crew {
    struct workset *set;
    struct metrics *metrics;
    struct health *health;
    struct worker_settings settings;
    struct param_property properties[4];
    struct job **jobs; size_t count, capacity;       /* live, in the order in which they were handed out */
    int live, dropped, ended, intended, closed, written, revokings;
    int refusals, note_refusals;                     /* so many write calls answer ABORT_BATCH first */
    int noted;
    bool end_at_once;                                /* live items are ended as they come */
};

/* One installation: its prefix, and topics of this many partitions. slot as in broker_name. */
const char *crew_topics(int32_t partitions);
const char *crew_topic(const char *prefix, enum topic topic);        /* lent until the next call */
struct crew *crew_open(const char *prefix, const char *instance, int64_t rewrite_after_ms);
struct crew *crew_open_unhurried(const char *prefix, const char *instance, int64_t commit_every_ms);
void crew_close(struct crew **crew);
/* Turns until what(crew) or for at most_ms; whether it came to be. */
bool crew_until(struct crew *crew, bool (*what)(struct crew *crew), int most_ms);
void crew_turn_for(struct crew *crew, int for_ms);
struct job *crew_job(struct crew *crew, const char *key);            /* NULL: not live */
/* restored, nothing live, nothing queued */
bool crew_quiet(struct crew *crew);
/* The group's committed offset, asked by a member of its own: nobody else may be in the group. */
int64_t crew_committed(const char *prefix);

#endif
