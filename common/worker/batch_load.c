/* Reading: records into a load, each asked at once, the calls handed to Redis in pieces so that it works
 * while we decode. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "worker/batch_parts.h"

enum { SEND_EVERY = 64 };        /* records: so few that Redis starts early, so many that writes are few */

void load_open(struct load *load, const struct batch *batch)
{
    size_t most = (size_t)batch->config.records_max;
    load->records = xcalloc(most, sizeof *load->records);
    load->items = xcalloc(most, batch->stage.item_bytes);
    load->calls = tokens_batch_open(batch->config.tokens);
}

void load_close(struct load *load)
{
    must(load->count == 0);
    tokens_batch_close(&load->calls);
    free(load->records);
    free(load->items);
    free(load->offsets);
}

void *load_item(const struct batch *batch, const struct load *load, size_t index)
{
    return load->items + index * batch->stage.item_bytes;
}

void load_drop(struct batch *batch, struct load *load)
{
    /* Replies that are on their way must be read: left alone, they would be taken for the next batch's. */
    if (!load->received && tokens_batch_count(load->calls) > 0)
        (void)tokens_batch_receive(load->calls);
    for (size_t i = 0; i < load->count; i++) {
        batch->stage.dispose(batch->stage.self, load_item(batch, load, i));
        kafka_record_release(&load->records[i]);
    }
    tokens_batch_clear(load->calls);
    load->count = load->unsent = load->offset_count = 0;
    load->received = false;
}

/* Records of one partition come in runs, so the last row is nearly always the right one. */
static void note_offset(struct load *load, int topic, int32_t partition, int64_t next_offset)
{
    for (size_t i = load->offset_count; i-- > 0;) {
        struct kafka_offset *row = &load->offsets[i];
        if (row->topic == topic && row->partition == partition) {
            row->next_offset = next_offset;
            return;
        }
    }
    if (load->offset_count == load->offset_capacity) {
        load->offset_capacity = load->offset_capacity ? 2 * load->offset_capacity : 16;
        load->offsets = xrealloc(load->offsets, load->offset_capacity * sizeof *load->offsets);
    }
    load->offsets[load->offset_count++] = (struct kafka_offset){ topic, partition, next_offset };
}

/* The end of a partition counts commit markers, a record's offset + 1 does not. Committed when it is
 * quiet: otherwise a quiet topic whose segments expire would leave the group behind its log start. */
static void note_end(struct batch *batch, struct load *load, const struct kafka_record *end)
{
    for (size_t i = 0; i < batch->assigned_count; i++) {
        const struct assigned *row = &batch->assigned[i];
        if (row->topic == end->topic && row->partition == end->partition && row->committed < end->offset)
            note_offset(load, end->topic, end->partition, end->offset);
    }
}

static enum trouble take(struct batch *batch, struct load *load, const struct kafka_record *record)
{
    const struct batch_stage *stage = &batch->stage;
    size_t index = load->count++;
    load->records[index] = *record;
    note_offset(load, record->topic, record->partition, record->offset + 1);
    void *item = load_item(batch, load, index);
    memset(item, 0, stage->item_bytes);
    stage->ask(stage->self, item, &load->records[index], stage->reads[record->topic], load->calls);
    if (++load->unsent < SEND_EVERY)
        return TROUBLE_NONE;
    load->unsent = 0;
    return tokens_batch_send(load->calls);
}

enum trouble load_fill(struct batch *batch, struct load *load, int wait_ms, int64_t linger_ms)
{
    int64_t until_ms = INT64_MAX;
    enum trouble sent = TROUBLE_NONE;
    while (load->count < (size_t)batch->config.records_max && !batch->revoked && !batch->closing) {
        struct kafka_record record;
        enum trouble trouble = TROUBLE_NONE;
        enum kafka_event event = kafka_consumer_poll(batch->consumer, load->count ? 0 : wait_ms, &record,
                                                     &trouble);
        if (event == KAFKA_NOTHING)
            break;
        if (event == KAFKA_TROUBLE)
            return trouble;
        if (event == KAFKA_END) {
            note_end(batch, load, &record);
            continue;
        }
        if (load->count == 0)
            until_ms = clock_mono_ms() + linger_ms;
        enum trouble one = take(batch, load, &record);
        sent = sent == TROUBLE_NONE ? one : sent;      /* told again by receive, where it is dealt with */
        if (clock_mono_ms() >= until_ms)
            break;
    }
    if (load->unsent > 0 && sent == TROUBLE_NONE)
        (void)tokens_batch_send(load->calls);
    load->unsent = 0;
    return TROUBLE_NONE;
}
