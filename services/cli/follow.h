/* Waits for what the workers say about one message that we are about to publish: opened before, so that
 * nothing is missed. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/wire.h"

struct follow;

/* Follows topic (one partition, or KAFKA_ALL_PARTITIONS) from an offset, and dead-letters from their end.
 * NULL: said why. */
struct follow *follow_open(const struct cli *cli, enum topic topic, int32_t partition, int64_t from);
void follow_close(struct follow **follow);

enum followed { FOLLOWED_NOTHING, FOLLOWED_EVENT, FOLLOWED_DEAD_LETTER, FOLLOWED_TROUBLE };
struct followed_letter { char code[64], message[256]; };
/* The next event of the topic (on FOLLOWED_EVENT end with event_clear), or the dead letter that our record
 * at place became. NOTHING: timeout, or something of no interest. */
enum followed follow_next(struct follow *follow, int timeout_ms, const struct wire_place *place,
                          struct event *event, struct followed_letter *letter);

#endif
