/* What status and console need of a result, as one small JSON object kept in the generation's hash. Pure. */
#ifndef LEDGER_VIEW_H
#define LEDGER_VIEW_H

#include "proto/event.h"

/* out is cleared first. At most VIEW_BYTES_MAX: outputs that do not fit are left out (the result topic has them). */
enum { VIEW_BYTES_MAX = 16 * 1024 };
void view_of_result(const struct event *event, struct text *out);

#endif
