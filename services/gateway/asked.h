/* What a caller asks for: the body of POST /v1/generations and /v1/quotes as a request message, checked by
 * the decoder that admission will use and by the policy. */
#ifndef GATEWAY_ASKED_H
#define GATEWAY_ASKED_H

#include "gateway/request.h"

/* Fills event (end with event_clear) from the body, with the caller as the user. false: answered already. */
bool asked_read(struct request *request, const char *generation_id, struct event *event);
/* The policy's answer now. false: answered already (422). */
/* ratio: a copy, the policy may go */
struct asked_price { struct policy_answer answer; char ratio[33]; };
bool asked_quote(struct request *request, const struct event *event, struct asked_price *price);

#endif
