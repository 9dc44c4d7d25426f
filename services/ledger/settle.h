/* The ledger's rule: what each result and each grant does to the account and to the journal. */
#ifndef LEDGER_SETTLE_H
#define LEDGER_SETTLE_H

#include "worker/batch.h"

struct settle;       /* the stage's self */

struct settle *settle_open(const char *topic_prefix, struct metrics *metrics);
void settle_close(struct settle **settle);
/* Stage for the batch worker: reads results and grants, writes journal and dead-letters. Lent, valid as long as settle. */
const struct batch_stage *settle_stage(struct settle *settle);

#endif
