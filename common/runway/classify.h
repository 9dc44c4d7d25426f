/* What an answer of Runway's means for money: the table of design section 7, and its sisters for look and
 * cancel. Private to common/runway; pure, every row is tested. */
#ifndef RUNWAY_CLASSIFY_H
#define RUNWAY_CLASSIFY_H

#include <stdbool.h>

#include "runway/runway.h"

struct create_facts {
    enum http_end end;
    int status;                /* HTTP_ANSWERED only */
    bool has_task_id;          /* a usable id was in the body */
    bool no_credits;           /* Runway's words say that the account has not enough credits */
};
enum runway_created classify_create(const struct create_facts *facts);

/* readable: the body is a task with a status, and the task that was asked for. */
enum runway_look classify_look(enum http_end end, int status, bool readable);

bool status_is_success(int status);              /* 2xx */
bool status_is_operators_trouble(int status);    /* 401, 403: the key, not the request */
enum runway_status status_of_text(const char *text);

#endif
