/* A user's journal entries that lie before the view: read from the topic, which keeps them for ever. */
#ifndef GATEWAY_HISTORY_H
#define GATEWAY_HISTORY_H

#include "gateway/view.h"

#include "base/trouble.h"
#include "kafka/admin.h"

struct history_ask {
    const struct kafka_config *kafka;
    const char *topic, *user_id;
    int32_t partition;
    int64_t before;                      /* offset: entries below it */
    size_t wanted;                       /* it ends when it has so many; it may have more */
    int64_t records_max; int timeout_ms; /* how much is read for it, and how long */
};
struct history {
    struct fact **facts; size_t count;   /* newest first */
    int64_t from;                        /* all of the user's in [from, before) are there */
    bool whole;                          /* there are none below from */
};

/* Blocks. RETRY: Kafka is away, or too slow for even the newest part; then there is nothing to free. */
enum trouble history_read(const struct history_ask *ask, struct history *history);
void history_free(struct history *history);

#endif
