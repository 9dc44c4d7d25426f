/* What can be done about one generation or grant that the audit found wrong, from what is known of it. Nothing is guessed: what
 * is written again comes from the recorded answer, and only when it is certain that nobody else will still write it, because
 * the group that has to has committed past its cause. Pure. */
#ifndef CLI_REMEDY_H
#define CLI_REMEDY_H

#include <stdbool.h>
#include <stdint.h>

struct remedy_hold { bool there; int64_t held, committed, released; };       /* there: its reserve */

struct remedy_facts {
    struct remedy_hold journal, redis;
    bool settled;                        /* Redis says it has ended */
    bool decided_passed, settled_passed; /* admission has committed past the request, the ledger past the end */
    bool live;                           /* a job or a task of it is live */
    bool accepted, ended;                /* results has these events of it (or can't have them any more) */
    bool task, job, intent;              /* what jobs and tasks hold of it, also ended; an intent was marked */
};

struct remedy {
    bool reserve, commit, release;       /* journal entries */
    bool accepted;                       /* the event */
    bool job_anew;                       /* the job, made from the request once more */
    bool job_again, task_again;          /* the same once more: it ended without leaving anything */
    bool rebuild;                        /* Redis is what is wrong: the journal wins */
    const char *left;                    /* why nothing, or not all of it, can be done; may be NULL */
};

void remedy_of_generation(const struct remedy_facts *facts, struct remedy *remedy);

struct remedy_grant { bool in_journal, in_redis, passed; };
enum grant_remedy { GRANT_REMEDY_ENTRY, GRANT_REMEDY_REBUILD, GRANT_REMEDY_WAIT };
enum grant_remedy remedy_of_grant(const struct remedy_grant *grant);

extern const char REMEDY_WAIT_ADMISSION[], REMEDY_WAIT_LEDGER[];

#endif
