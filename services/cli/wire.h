/* Messages of the command line: made as JSON, judged by the same decoder that will read them, published, and
 * read back. */
#ifndef CLI_WIRE_H
#define CLI_WIRE_H

#include "cli/cli.h"

#include "kafka/admin.h"

struct wire_place { char topic[CLI_TOPIC_BYTES]; int32_t partition; int64_t offset; };

/* Ends the process with a usage error when data (a JSON object) is not a good message of this type. Before
 * anything else. */
void wire_check(const struct cli *cli, enum event_type type, const struct text *data);

/* Publishes the message that data is, under its topic's key; checked as above. Tries again until the time-out.
 * CLI_AWAY: said why, not known whether it was published. */
enum cli_exit wire_publish(const struct cli *cli, enum event_type type, const struct text *data,
                           struct wire_place *place);

/* A record of one of our topics as an event; on true end with event_clear. False: not one of our messages. */
bool wire_read(const struct kafka_record *record, enum topic topic, struct event *event);
/* A mark of a work set: whose item (its offset in the same partition), which, and the item's attempts since. */
struct wire_mark { char kind[16]; int64_t item, attempt; };
bool wire_read_mark(const struct kafka_record *record, struct wire_mark *mark);
int64_t wire_attempts(const struct kafka_record *record);        /* of an item that was rewritten; 0: none */
/* Is this dead letter the record at place? Then *code and *message say why it is one. */
bool wire_is_dead_letter_of(const struct kafka_record *record, const struct wire_place *place, char code[64],
                            char message[256]);

#endif
