/* Publishes a message about a generation and follows the results to its end. */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include "cli/wire.h"

struct outcome_order {
    enum event_type type;
    const struct text *data;             /* the message */
    const char *generation_id, *user_id;
    bool follow;                         /* false: publish only */
};

/* Prints where it lies, or how it ended (with --json every event of it, one a line). The exit status says
 * which end. */
enum cli_exit outcome_publish(const struct cli *cli, const struct outcome_order *order);

/* What an event of this generation means for the one who follows it: true when it is the end, and *status
 * which. */
bool outcome_is_end(const struct event *event, enum cli_exit *status);

#endif
