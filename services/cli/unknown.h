/* Submissions of which nobody knows whether the provider took them, as jobs and results say: jobs with an
 * intent that was not closed, and generations that ended for it. */
#ifndef CLI_UNKNOWN_H
#define CLI_UNKNOWN_H

#include "cli/cli.h"

enum unknown_state {
    UNKNOWN_OPEN,            /* its job is live: tokens held */
    UNKNOWN_ENDED,           /* failed as submission_unknown: tokens released */
};
struct unknown {
    enum unknown_state state;
    char generation_id[ID_LENGTH_MAX + 1], user_id[ID_LENGTH_MAX + 1];
    int64_t since_ms;                    /* wall: of the last intent, of the end */
    int64_t attempts;                    /* 0: not known any more */
    int32_t partition; int64_t offset;   /* of the live job; -1 */
    bool settled;                        /* ended, and the operator has said what there is to say */
    char task_id[ID_LENGTH_MAX + 1];     /* settled with this task; empty: with none */
};
struct unknowns {
    struct unknown *rows; size_t count, capacity;
    const char *wanted_task;             /* in: whose task is this? NULL: nobody asks */
    char owner[ID_LENGTH_MAX + 1];       /* out: the generation that was submitted as wanted_task; empty: none */
};

/* Reads both topics to their ends: all that is kept of them. Rows by time. CLI_AWAY: said why. End with
 * unknowns_free. */
enum cli_exit unknowns_read(const struct cli *cli, struct unknowns *unknowns);
void unknowns_free(struct unknowns *unknowns);
struct unknown *unknowns_find(const struct unknowns *unknowns, const char *generation_id, const char *user_id);

#endif
