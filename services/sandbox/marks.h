/* What a test asks of the sandbox through the prompt itself: "[fail:SAFETY.INPUT.TEXT] a cat". Words in
 * brackets that are not listed here are just prompt. */
#ifndef SANDBOX_MARKS_H
#define SANDBOX_MARKS_H

#include <stdbool.h>
#include <stdint.h>

enum { MARK_BYTES = 65 };

enum mark_answer {
    MARK_ANSWER_NORMAL,
    MARK_ANSWER_STATUS,       /* [http:503]: this status, and no task */
    MARK_ANSWER_AFTER,        /* [after:502]: the task is made, yet the answer is this status */
    MARK_ANSWER_HANG,         /* [after:hang]: the task is made, no answer ever comes */
    MARK_ANSWER_RESET,        /* [after:reset]: the task is made, the connection is reset */
    MARK_ANSWER_GARBAGE,      /* [after:garbage]: the task is made, the answer is 200 with a page */
    MARK_ANSWER_NO_ID,        /* [after:noid]: the task is made, the answer is 200 without its id */
};

struct marks {
    bool fails; char failure_code[MARK_BYTES];      /* [fail:CODE]; [fail:null]: without a code */
    /* [cancelled]: ends CANCELLED, as if cancelled in the portal */
    bool cancelled;
    /* [run:1500ms] [pending:2s] [expiry:1s]; -1: as configured */
    int64_t run_ms, pending_ms, url_expiry_ms;
    int64_t cost;                                   /* [cost:12]: the final credits; -1: by the rules */
    /* [outputs:2]; 0: [outputs:0] succeeds with an empty list */
    int outputs;
    char odd_status[MARK_BYTES];                    /* [status:WEIRD]: shown in the first half of the run */
    char name[MARK_BYTES];                          /* [id:gen-17]: counted by this name in /admin/state */
    enum mark_answer answer; int http_status;
};

struct marks marks_read(const char *prompt);        /* NULL: none */

#endif
