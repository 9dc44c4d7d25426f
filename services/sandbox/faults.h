/* Faults that are switched on for a kind of call: what a network, a proxy or Runway itself may do to us. */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "http/server.h"
#include "json/json.h"

#include "base/text.h"

enum fault_mode {
    FAULT_NONE,
    /* Nothing happens to the task, none is made: */
    FAULT_STATUS,            /* answers status (with body and retryAfter when given) */
    FAULT_RESET_BEFORE,      /* resets the connection */
    FAULT_HANG_BEFORE,       /* says nothing for ms, then resets */
    /* The call takes effect, and then: */
    FAULT_HANG,              /* says nothing for ms, then resets */
    FAULT_RESET,             /* resets the connection */
    FAULT_STATUS_AFTER,      /* answers status all the same */
    FAULT_GARBAGE,           /* answers 200 with a page of a proxy */
    FAULT_TRUNCATE,          /* breaks off in the middle of the body */
    FAULT_SLOW_HEADERS,      /* answers after ms */
    FAULT_DRIP,              /* answers a few bytes every ms */
    FAULT_UNKNOWN_STATUS,    /* a look shows a status that nobody knows */
};

enum fault_target { TARGET_CREATE, TARGET_LOOK, TARGET_DELETE, TARGET_ORGANIZATION, TARGET_OUTPUT,
                    TARGET_UPLOAD };
enum { FAULT_TARGETS = TARGET_UPLOAD + 1, FAULT_BODY_BYTES = 400 };

struct fault {
    enum fault_mode mode;
    int status;
    int64_t ms, retry_after_s;           /* retry_after_s -1: no header */
    /* how many calls it meets (-1: no end), after how many it does not */
    int64_t count, skip;
    double probability;
    char body[FAULT_BODY_BYTES];
    int64_t met;                         /* calls so far; survives a change of the switch */
};
struct faults { struct fault of[FAULT_TARGETS]; };

/* {"create": {"mode": "hang", "ms": 5000, "count": 1}, "look": null}: sets what is named, leaves the rest.
 * false and a reason when any part is wrong: then nothing was changed. */
bool faults_set(struct faults *faults, const struct json *switches, char error[200]);
void faults_clear(struct faults *faults);
/* The fault that meets this call, FAULT_NONE when none does. Counts it. */
struct fault faults_draw(struct faults *faults, enum fault_target target);
/* the switches as JSON, with "met" */
void faults_tell(const struct faults *faults, struct text *out);

/* Before the call's effect: true when the fault has answered, and there must be none. */
bool fault_before(const struct fault *fault, struct http_reply *reply);
/* After it: spoils the reply. */
void fault_after(const struct fault *fault, struct http_reply *reply);

#endif
