/* What is known about the generations and grants that an audit found wrong: their rows in Redis with the recorded answers, what
 * results, jobs and tasks hold of them, and how far the groups are that would still write about them. */
#ifndef CLI_EVIDENCE_H
#define CLI_EVIDENCE_H

#include "cli/remedy.h"
#include "cli/review.h"

#include "tokens/audit.h"

struct suspect {
    bool grant;                          /* else a generation */
    char id[ID_LENGTH_MAX + 1];
    int32_t bucket;
    /* from Redis; found: it is there */
    bool found, settled;
    char user[ID_LENGTH_MAX + 1], origin[ORIGIN_BYTES], settle_origin[ORIGIN_BYTES], fingerprint[65];
    struct reserve_answer hold;
    struct settle_answer end;
    struct grant_answer granted;
    bool origin_passed, settle_passed;
    /* from the topics */
    bool live, accepted, ended, intent;
    struct event job, task; bool has_job, has_task;      /* the last of each; event_clear */
};

struct evidence {
    struct review *review;
    int64_t *passed[TOPIC_COUNT]; int32_t partitions[TOPIC_COUNT];       /* of requests, grants, results: what is committed */
    struct suspect *rows; size_t count;
};

/* First of all, before the audit reads anything: what a group had committed by then, its outputs are in the topics. CLI_AWAY:
 * said why. */
enum cli_exit evidence_open(struct evidence *evidence, struct review *review);
/* After the audit: gathers the rest about everything that it found wrong. */
enum cli_exit evidence_gather(struct evidence *evidence);
void evidence_close(struct evidence *evidence);

/* The facts that a remedy is decided from. */
void evidence_facts(const struct evidence *evidence, const struct suspect *suspect, struct remedy_facts *facts);

#endif
