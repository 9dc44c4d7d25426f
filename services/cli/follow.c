#include "cli/follow.h"

#include <stdlib.h>

#include "base/xalloc.h"

enum { FOLLOWED_TOPIC = 0, DEAD_LETTERS = 1 };       /* in the order of kafka_reader_add */

struct follow { struct kafka_reader *reader; enum topic topic; };

struct follow *follow_open(const struct cli *cli, enum topic topic, int32_t partition, int64_t from)
{
    char name[CLI_TOPIC_BYTES], letters[CLI_TOPIC_BYTES];
    int timeout_ms = (int)cli->settings.timeout_ms;
    cli_topic(cli, topic, name);
    cli_topic(cli, TOPIC_DEAD_LETTERS, letters);
    struct follow *follow = xcalloc(1, sizeof *follow);
    follow->topic = topic;
    follow->reader = kafka_reader_open(&cli->kafka);
    if (kafka_reader_add(follow->reader, name, partition, from, timeout_ms) != TROUBLE_NONE
        || kafka_reader_add(follow->reader, letters, KAFKA_ALL_PARTITIONS, KAFKA_FROM_END,
                            timeout_ms) != TROUBLE_NONE) {
        cli_kafka_away(cli, "looking for the end of its topics (do they exist? reelgate topics check)");
        follow_close(&follow);
    }
    return follow;
}

void follow_close(struct follow **follow)
{
    if (!*follow)
        return;
    kafka_reader_close(&(*follow)->reader);
    free(*follow);
    *follow = NULL;
}

enum followed follow_next(struct follow *follow, int timeout_ms, const struct wire_place *place,
                          struct event *event, struct followed_letter *letter)
{
    struct kafka_record record;
    enum trouble trouble = TROUBLE_NONE;
    enum followed followed = FOLLOWED_NOTHING;
    enum kafka_event heard = kafka_reader_poll(follow->reader, timeout_ms, &record, &trouble);
    if (heard == KAFKA_TROUBLE)
        return FOLLOWED_TROUBLE;
    if (heard != KAFKA_RECORD)
        return FOLLOWED_NOTHING;
    if (record.topic == FOLLOWED_TOPIC && wire_read(&record, follow->topic, event))
        followed = FOLLOWED_EVENT;
    else if (record.topic == DEAD_LETTERS && wire_is_dead_letter_of(&record, place, letter->code,
                                                                    letter->message))
        followed = FOLLOWED_DEAD_LETTER;
    kafka_record_release(&record);
    return followed;
}
