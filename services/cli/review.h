/* One audit under way: what the journal, Redis, jobs and tasks say, by bucket, and what of it differs. */
#ifndef CLI_REVIEW_H
#define CLI_REVIEW_H

#include "cli/cli.h"
#include "cli/compare.h"
#include "cli/items.h"

#include "tokens/tokens.h"

enum { WORK_TOPICS = 2 };            /* jobs, tasks */

struct review {
    const struct cli *cli;
    struct tokens *tokens;
    int32_t buckets;
    struct books { struct book journal, redis; } *books;         /* by bucket */
    struct names *live;              /* by bucket: generations with a live item */
    struct items items;
    /* by bucket: the journal offset to read on from; -1: nothing differs there */
    int64_t *next;
    int64_t *next_work[WORK_TOPICS]; int32_t work_partitions[WORK_TOPICS];
    int work_topic;                  /* that is being read */
    struct findings findings;
    int64_t entries, strays;         /* strays: rows of Redis outside of their user's bucket */
    int32_t unverified;
};

/* Asks for partition counts and connects. CLI_AWAY: said why. End with review_close in any case. */
enum cli_exit review_open(struct review *review, const struct cli *cli);
void review_close(struct review *review);
/* Reads everything, compares, and looks again at what differs until nothing does or settle_ms are over. */
enum cli_exit review_look(struct review *review);

/* review_read.c: each reads on from where it ended. */
enum cli_exit review_read_journal(struct review *review);
enum cli_exit review_read_redis(struct review *review);
enum cli_exit review_read_items(struct review *review);
/* What one finding is about, as Redis has it now. */
enum trouble review_refresh(struct review *review, const struct finding *finding);

#endif
