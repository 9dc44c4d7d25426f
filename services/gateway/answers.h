/* How a generation is told to its owner over HTTP. */
#ifndef GATEWAY_ANSWERS_H
#define GATEWAY_ANSWERS_H

#include "gateway/request.h"

/* With the view's lock held. 402 for a lack of tokens, 422 for another rejection, else 202 with the
 * generation, its Location and, while it is pending, Retry-After. */
void answer_decision(struct request *request, const struct generation *generation);

#endif
