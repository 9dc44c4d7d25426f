#include "cli/journal.h"

#include "base/clock.h"
#include "cli/wire.h"

enum { STALL_MS = 60000, POLL_MS = 200 };

struct taker { void (*take)(void *self, const struct kafka_record *record); void *self; };

/* A transaction that is still open holds us up until it ends: at most its time-out, 10 s, and the broker's
 * own minute. */
static enum cli_exit read_all(const struct cli *cli, struct kafka_reader *reader, const struct taker *taker)
{
    int64_t moved_ms = clock_mono_ms();
    while (!kafka_reader_done(reader)) {
        struct kafka_record record;
        enum trouble trouble = TROUBLE_NONE;
        enum kafka_event event = kafka_reader_poll(reader, POLL_MS, &record, &trouble);
        if (event == KAFKA_RECORD) {
            taker->take(taker->self, &record);
            kafka_record_release(&record);
        }
        if (event == KAFKA_TROUBLE) {
            cli_complain(cli, "a topic can't be read on: an offset is gone; see --log-level=warn");
            return CLI_AWAY;
        }
        if (event != KAFKA_NOTHING)
            moved_ms = clock_mono_ms();
        if (clock_mono_ms() - moved_ms > STALL_MS + cli->settings.timeout_ms) {
            cli_kafka_away(cli, "reading a topic");
            return CLI_AWAY;
        }
    }
    return CLI_FINE;
}

enum cli_exit topic_read(const struct cli *cli, enum topic topic, int64_t *from, int32_t partitions,
                         void (*take)(void *self, const struct kafka_record *record), void *self)
{
    char name[CLI_TOPIC_BYTES];
    cli_topic(cli, topic, name);
    struct kafka_reader *reader = kafka_reader_open(&cli->kafka);
    enum cli_exit status = CLI_FINE;
    for (int32_t p = 0; p < partitions && status == CLI_FINE; p++) {
        int64_t begin = from[p] == 0 ? KAFKA_FROM_BEGINNING : from[p];
        if (from[p] >= 0 && kafka_reader_add(reader, name, p, begin,
                                             (int)cli->settings.timeout_ms) != TROUBLE_NONE) {
            cli_kafka_away(cli, "looking at its topics");
            status = CLI_AWAY;
        }
    }
    if (status == CLI_FINE)
        status = read_all(cli, reader, &(struct taker){ take, self });
    for (int32_t p = 0; p < partitions && status == CLI_FINE; p++)
        if (from[p] >= 0)
            from[p] = kafka_reader_position(reader, 0, p);
    kafka_reader_close(&reader);
    return status;
}

static void tell_entry(void *self, const struct kafka_record *record)
{
    const struct journal_visitor *visitor = self;
    struct event entry;
    if (wire_read(record, TOPIC_JOURNAL, &entry)) {
        visitor->entry(visitor->self, record->partition, record->offset, &entry);
        event_clear(&entry);
    } else if (visitor->unreadable) {
        visitor->unreadable(visitor->self, record->partition, record->offset);
    }
}

enum cli_exit journal_read(const struct cli *cli, int64_t *from, int32_t buckets,
                           const struct journal_visitor *visitor)
{
    return topic_read(cli, TOPIC_JOURNAL, from, buckets, tell_entry, (void *)visitor);
}
