/* A generation that the view does not hold (any more): Redis knows how it ended, for as long as ids are
 * remembered (dedupe_window). */
#ifndef GATEWAY_REMEMBERED_H
#define GATEWAY_REMEMBERED_H

#include "gateway/request.h"

/* The caller's own. false: Redis knows nothing of it, or can't be asked; nothing was answered. */
bool remembered_answer(struct request *request, const char *generation_id, int status);
/* Of the path's id: answers in any case, 404 or 503 if need be. */
void remembered_or_not(struct request *request);

#endif
