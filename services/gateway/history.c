#include "gateway/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "worker/outbox.h"

/* A partition holds many users' entries in the order of time: read from the end in pieces, each larger than
 * the one before, for whoever asks wants the newest. */
enum { PIECE_RECORDS = 20000, PIECE_GROWS = 4, POLL_MS = 200 };

struct piece { int64_t from, to; size_t first; };

static void take(const struct history_ask *ask, const struct kafka_record *record, struct history *history)
{
    struct event_source source;
    struct event event;
    struct decode_error error;
    bool ours = record->key && record->key_length == strlen(ask->user_id)
        && memcmp(record->key, ask->user_id, record->key_length) == 0;
    if (!ours || record->value_length == 0)
        return;
    record_source(record, TOPIC_JOURNAL, &source);
    enum decode answer = event_decode(&source, &event, &error);
    if (answer == DECODE_OK && event.type == EVENT_TOKENS_ENTRY && event.amount != EVENT_ABSENT) {
        if ((history->count & (history->count - 1)) == 0)
            history->facts = xrealloc(history->facts, (history->count ? history->count * 2 : 1)
                                      * sizeof *history->facts);
        history->facts[history->count++] = fact_make(&(struct place){ .topic = TOPIC_JOURNAL,
            .partition = record->partition, .offset = record->offset, .at_ms = record->timestamp_ms },
                &event);
    }
    if (answer != DECODE_MALFORMED)
        event_clear(&event);
}

static void drop_piece(struct history *history, size_t first)
{
    while (history->count > first)
        fact_free(history->facts[--history->count]);
}

static void turn_round(struct fact **facts, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct fact *other = facts[count - 1 - i];
        facts[count - 1 - i] = facts[i];
        facts[i] = other;
    }
}

/* All of [from, to), or nothing of it. */
static enum trouble read_piece(const struct history_ask *ask, const struct piece *piece, int64_t until_ms,
                               struct history *history)
{
    struct kafka_reader *reader = kafka_reader_open(ask->kafka);
    enum trouble trouble = kafka_reader_add(reader, ask->topic, ask->partition, piece->from, ask->timeout_ms);
    while (trouble == TROUBLE_NONE && kafka_reader_position(reader, 0, ask->partition) < piece->to) {
        struct kafka_record record;
        enum kafka_event heard = kafka_reader_poll(reader, POLL_MS, &record, &trouble);
        if (heard == KAFKA_RECORD) {
            if (record.offset < piece->to)
                take(ask, &record, history);
            kafka_record_release(&record);
        }
        if (trouble == TROUBLE_NONE && clock_mono_ms() > until_ms)
            trouble = TROUBLE_RETRY;
    }
    kafka_reader_close(&reader);
    if (trouble == TROUBLE_NONE)
        turn_round(history->facts + piece->first, history->count - piece->first);
    else
        drop_piece(history, piece->first);
    return trouble;
}

static enum trouble read_low(const struct history_ask *ask, int64_t *low)
{
    int64_t high;
    struct kafka_client *client = kafka_client_open(ask->kafka);
    enum trouble trouble = kafka_client_watermarks(client, ask->topic, ask->partition, low, &high,
                                                   ask->timeout_ms);
    kafka_client_close(&client);
    return trouble;
}

enum trouble history_read(const struct history_ask *ask, struct history *history)
{
    int64_t low, until_ms = clock_mono_ms() + ask->timeout_ms, size = PIECE_RECORDS;
    *history = (struct history){ .from = ask->before };
    enum trouble trouble = read_low(ask, &low);
    while (trouble == TROUBLE_NONE && history->count < ask->wanted && history->from > low
           && ask->before - history->from < ask->records_max) {
        struct piece piece = { .from = history->from - size, .to = history->from, .first = history->count };
        if (piece.from < low)
            piece.from = low;
        trouble = read_piece(ask, &piece, until_ms, history);
        if (trouble == TROUBLE_NONE)
            history->from = piece.from;
        size *= PIECE_GROWS;
    }
    history->whole = history->from <= low;
    if (trouble == TROUBLE_NONE || history->from < ask->before)
        return TROUBLE_NONE;
    history_free(history);
    return TROUBLE_RETRY;
}

void history_free(struct history *history)
{
    drop_piece(history, 0);
    free(history->facts);
    *history = (struct history){ 0 };
}
