#include "gateway/letters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

enum { FETCH_TIMEOUT_MS = 3000, HEADERS_MAX = 64 };

static const char *const MARKS[] = { [LETTER_REDRIVEN] = "redriven", [LETTER_DISCARDED] = "discarded" };

static bool header_text(const struct kafka_record *record, const char *name, char *out, size_t size)
{
    const char *value;
    size_t length;
    bool found = kafka_record_header(record, name, &value, &length) && length < size;
    snprintf(out, size, "%.*s", found ? (int)length : 0, found ? value : "");
    return found;
}

static int64_t header_number(const struct kafka_record *record, const char *name)
{
    char digits[24];
    char *end;
    if (!header_text(record, name, digits, sizeof digits) || digits[0] == '\0')
        return -1;
    int64_t number = strtoll(digits, &end, 10);
    return *end ? -1 : number;
}

static void take_mark(struct view *view, const struct kafka_record *record, const char *mark)
{
    struct letter *letter = view_letter(view, record->partition, header_number(record, "item"));
    for (enum letter_state state = LETTER_REDRIVEN; letter && state <= LETTER_DISCARDED; state++)
        if (strcmp(mark, MARKS[state]) == 0) {
            letter->state = state;
            letter->marked_at_ms = record->timestamp_ms;
            header_text(record, "by", letter->by, sizeof letter->by);
            header_text(record, "reason", letter->reason, sizeof letter->reason);
        }
}

void letter_take(struct view *view, const struct kafka_record *record)
{
    char mark[16];
    struct letter letter = { .partition = record->partition, .offset = record->offset,
                             .at_ms = record->timestamp_ms, .bytes = (int64_t)record->value_length };
    view_lock(view);
    if (header_text(record, "mark", mark, sizeof mark) && header_number(record, "item") >= 0) {
        take_mark(view, record, mark);
    } else {
        header_text(record, "dlq-original-topic", letter.original_topic, sizeof letter.original_topic);
        letter.original_partition = (int32_t)header_number(record, "dlq-original-partition");
        letter.original_offset = header_number(record, "dlq-original-offset");
        header_text(record, "dlq-error-code", letter.code, sizeof letter.code);
        header_text(record, "dlq-service", letter.service, sizeof letter.service);
        const char *message;
        size_t length;
        if (kafka_record_header(record, "dlq-error-message", &message, &length))
            snprintf(letter.message, sizeof letter.message, "%.*s", (int)length, message);
        if (record->key && id_valid(record->key, record->key_length))
            snprintf(letter.key, sizeof letter.key, "%.*s", (int)record->key_length, record->key);
        view_take_letter(view, &letter);
    }
    view_unlock(view);
}

bool letter_redrivable(const struct publish *publish, const struct letter *letter)
{
    return letter->state == LETTER_OPEN
        && (strcmp(letter->original_topic, publish_topic(publish, TOPIC_REQUESTS)) == 0
            || strcmp(letter->original_topic, publish_topic(publish, TOPIC_GRANTS)) == 0);
}

enum trouble letter_fetch(const struct kafka_config *kafka, const struct publish *publish,
                          const struct letter *letter,
                          void (*take)(void *self, const struct kafka_record *record), void *self)
{
    int64_t until_ms = clock_mono_ms() + FETCH_TIMEOUT_MS;
    struct kafka_reader *reader = kafka_reader_open(kafka);
    enum trouble trouble = kafka_reader_add(reader, publish_topic(publish, TOPIC_DEAD_LETTERS),
                                            letter->partition,
                                            letter->offset, FETCH_TIMEOUT_MS);
    enum trouble found = TROUBLE_RETRY;
    while (trouble == TROUBLE_NONE && found == TROUBLE_RETRY && clock_mono_ms() < until_ms) {
        struct kafka_record record;
        if (kafka_reader_poll(reader, 200, &record, &trouble) != KAFKA_RECORD)
            continue;
        if (record.offset == letter->offset) {
            take(self, &record);
            found = TROUBLE_NONE;
        } else {
            trouble = TROUBLE_RETRY;     /* a later one: ours has expired */
        }
        kafka_record_release(&record);
    }
    kafka_reader_close(&reader);
    return found;
}

/* ---- redrive and discard */

struct again { struct publish *publish; const char *topic; enum trouble trouble; };

static bool is_letters_own(const char *header)
{
    return strncmp(header, "dlq-", 4) == 0;
}

static void publish_again(void *self, const struct kafka_record *record)
{
    struct again *again = self;
    struct kafka_header headers[HEADERS_MAX], header;
    struct published published;
    size_t count = 0;
    for (size_t i = 0; count < HEADERS_MAX && kafka_record_header_at(record, i, &header); i++)
        if (!is_letters_own(header.name))
            headers[count++] = header;
    again->trouble = publish_message(again->publish, &(struct kafka_message){
        .topic = again->topic, .partition = -1, .key = record->key, .key_length = record->key_length,
        .value = record->value, .value_length = record->value_length,
        .headers = headers, .header_count = count }, &published);
}

enum trouble letter_redrive(const struct kafka_config *kafka, struct publish *publish,
                            const struct letter *letter)
{
    struct again again = { .publish = publish, .topic = letter->original_topic, .trouble = TROUBLE_RETRY };
    enum trouble trouble = letter_fetch(kafka, publish, letter, publish_again, &again);
    return trouble == TROUBLE_NONE ? again.trouble : trouble;
}

enum trouble letter_mark(struct publish *publish, const struct letter *letter)
{
    char item[24];
    struct published published;
    snprintf(item, sizeof item, "%" PRId64, letter->offset);
#define HEADER(header_name, text) { .name = (header_name), .value = (text), .length = strlen(text) }
    const struct kafka_header headers[] = { HEADER("mark", MARKS[letter->state]), HEADER("item", item),
                                            HEADER("by", letter->by), HEADER("reason", letter->reason) };
#undef HEADER
    return publish_message(publish, &(struct kafka_message){
        .topic = publish_topic(publish, TOPIC_DEAD_LETTERS), .partition = letter->partition,
        .headers = headers, .header_count = sizeof headers / sizeof headers[0] }, &published);
}
