#include "cli/journal.h"

#include "base/clock.h"
#include "cli/wire.h"

enum { STALL_MS = 60000, POLL_MS = 200 };

static void tell(const struct kafka_record *record, const struct journal_visitor *visitor)
{
    struct event entry;
    if (wire_read(record, TOPIC_JOURNAL, &entry)) {
        visitor->entry(visitor->self, record->partition, record->offset, &entry);
        event_clear(&entry);
    } else if (visitor->unreadable) {
        visitor->unreadable(visitor->self, record->partition, record->offset);
    }
}

/* A transaction that is still open holds us up until it ends: at most its time-out, 10 s, and the broker's own minute. */
static enum cli_exit read_all(const struct cli *cli, struct kafka_reader *reader, const struct journal_visitor *visitor)
{
    int64_t moved_ms = clock_mono_ms();
    while (!kafka_reader_done(reader)) {
        struct kafka_record record;
        enum trouble trouble = TROUBLE_NONE;
        enum kafka_event event = kafka_reader_poll(reader, POLL_MS, &record, &trouble);
        if (event == KAFKA_RECORD) {
            tell(&record, visitor);
            kafka_record_release(&record);
        }
        if (event == KAFKA_TROUBLE) {
            cli_complain(cli, "the journal can't be read on: an offset is gone; see --log-level=warn");
            return CLI_AWAY;
        }
        if (event != KAFKA_NOTHING)
            moved_ms = clock_mono_ms();
        if (clock_mono_ms() - moved_ms > STALL_MS + cli->settings.timeout_ms) {
            cli_kafka_away(cli, "reading the journal");
            return CLI_AWAY;
        }
    }
    return CLI_FINE;
}

enum cli_exit journal_read(const struct cli *cli, int64_t *from, int32_t buckets, const struct journal_visitor *visitor)
{
    char topic[CLI_TOPIC_BYTES];
    cli_topic(cli, TOPIC_JOURNAL, topic);
    struct kafka_reader *reader = kafka_reader_open(&cli->kafka);
    enum cli_exit status = CLI_FINE;
    for (int32_t b = 0; b < buckets && status == CLI_FINE; b++) {
        if (from[b] < 0)
            continue;
        if (kafka_reader_add(reader, topic, b, from[b], (int)cli->settings.timeout_ms) != TROUBLE_NONE) {
            cli_kafka_away(cli, "looking at the journal");
            status = CLI_AWAY;
        }
    }
    if (status == CLI_FINE)
        status = read_all(cli, reader, visitor);
    for (int32_t b = 0; b < buckets && status == CLI_FINE; b++)
        if (from[b] >= 0)
            from[b] = kafka_reader_position(reader, 0, b);
    kafka_reader_close(&reader);
    return status;
}
