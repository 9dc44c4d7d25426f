/* Lists of one user's things, newest first: for the user and for the operator. */
#ifndef GATEWAY_LISTS_H
#define GATEWAY_LISTS_H

#include "gateway/write.h"
#include "gateway/request.h"

void list_transactions(struct request *request, const char *user_id);    /* limit, cursor, format */
void list_generations(struct request *request, const char *user_id, enum write_for reader);
/* For an export: "attachment; filename=NAME.csv" and the type; since_ms as X-Complete-From, when there is
 * one. */
struct text *request_csv(struct request *request, const char *name, int64_t since_ms);

#endif
