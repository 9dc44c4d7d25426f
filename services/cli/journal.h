/* Reads a topic, committed records only, up to the real high watermark at the time of the call; the
 * journal's as entries. */
#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

#include "cli/cli.h"

#include "kafka/admin.h"

typedef void journal_entry(void *self, int32_t bucket, int64_t offset, const struct event *entry);
struct journal_visitor {
    void *self;
    journal_entry *entry;                                                       /* lent during the call */
    void (*unreadable)(void *self, int32_t bucket, int64_t offset);             /* may be NULL */
};

/* from: one offset for each partition, moved to where reading ended; -1: don't read that one. CLI_AWAY: said
 * why. */
enum cli_exit topic_read(const struct cli *cli, enum topic topic, int64_t *from, int32_t partitions,
                         void (*take)(void *self, const struct kafka_record *record), void *self);

/* The same for the journal. from: one offset for each bucket. */
enum cli_exit journal_read(const struct cli *cli, int64_t *from, int32_t buckets,
                           const struct journal_visitor *visitor);

#endif
