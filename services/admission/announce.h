/* The messages of a decision: accepted, job and journal entry; a rejection; a cancel handed on. Pure: they
 * are filled from the request and the recorded answer, and lend their strings. */
#ifndef ADMISSION_ANNOUNCE_H
#define ADMISSION_ANNOUNCE_H

#include "admission/admit.h"

struct announcement {                    /* what the messages of one request are made from; all lent */
    const struct admit_request *request;
    const struct reserve_answer *answer;
    const char *origin;
    int64_t default_deadline_ms;
    struct text *words;                  /* scratch for what the event at hand lends: one event at a time */
};

void announce_accepted(const struct announcement *from, struct event *out);      /* results */
void announce_job(const struct announcement *from, struct event *out);           /* jobs */
void announce_entry(const struct announcement *from, struct event *out);         /* journal: kind reserve */
void announce_insufficient(const struct announcement *from, struct event *out);  /* results */
void announce_refused(const struct announcement *from, struct event *out);       /* results: as recorded */
void announce_cancel(const struct admit_request *request, struct event *out);    /* jobs */

#endif
