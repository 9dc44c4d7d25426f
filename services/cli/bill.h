/* What the provider billed against what we submitted, per day and model, as values. The provider books a task when it is made
 * (its estimate) and once more when it ends (the difference to its cost, usually below zero); so do we, at our own times of
 * both. A task around midnight may stand on the other day there: two rows then differ by the same. Pure. */
#ifndef CLI_BILL_H
#define CLI_BILL_H

#include "cli/names.h"

#include "proto/event.h"

enum { BILL_DATE_BYTES = 11, BILL_MODEL_BYTES = 65 };

struct bill_row {
    char date[BILL_DATE_BYTES], model[BILL_MODEL_BYTES];
    int64_t submitted, completed, failed;        /* tasks: made on this day, ended on this day */
    int64_t unpriced;                    /* made or ended on this day without our knowing what it cost, or will */
    int64_t charged_tokens;              /* to users, on this day */
    double least, most;                  /* credits that we expect; apart where a cost is not known */
    double billed;
};

struct bill_task { char model[BILL_MODEL_BYTES]; int64_t submitted_ms, ended_ms; double estimate, cost;
                   bool known, completed; int64_t charged_tokens; };

struct bill {                            /* zero-initialise it */
    struct names tasks; struct bill_task *details;           /* by number of the task */
    struct bill_row *rows; size_t count;
    int64_t unknown;                     /* submissions without an answer: there may be a task of which we know nothing */
    struct names unknown_generations;
};
void bill_free(struct bill *bill);

/* What tasks and results hold; each may be told twice. at_ms: the record's own time. */
void bill_event(struct bill *bill, const struct event *event, int64_t at_ms);
/* What the provider says, once for each day and model. */
void bill_provider(struct bill *bill, const char *date, const char *model, double credits);
/* Makes the rows from all that was told, of days from (inclusive) to before (exclusive), by day and model. */
void bill_make(struct bill *bill, const char *from, const char *before);
bool bill_differs(const struct bill_row *row);

void bill_date(int64_t at_ms, char out[BILL_DATE_BYTES]);

#endif
