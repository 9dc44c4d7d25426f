/* Dead letters: list, view, redrive, discard. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/letters.h"
#include "gateway/routes.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "proto/prose.h"
#include "proto/utf8.h"

enum { SHOWN_BYTES_MAX = 16 * 1024, REASON_BYTES_MAX = 500, MARK_WAIT_MS = 2000 };

static const char *const STATES[] = { "open", "redriven", "discarded" };

static void write_prose(struct text *out, const char *name, const char *words)
{
    if (!words[0])
        return;
    out_raw(out, name, "");
    prose_add_json(out, words, REASON_BYTES_MAX);
}

/* Open: end it with out_close(out, '}'). */
static void write_letter(struct request *request, struct text *out, const struct letter *letter)
{
    char id[48];
    snprintf(id, sizeof id, "%" PRId32 "-%" PRId64, letter->partition, letter->offset);
    out_open(out, NULL, '{');
    out_text(out, "id", id);
    out_text(out, "state", STATES[letter->state]);
    out_time(out, "at", letter->at_ms);
    out_raw(out, "code", "");
    prose_add_json(out, letter->code, sizeof letter->code);
    out_raw(out, "message", "");
    prose_add_json(out, letter->message, sizeof letter->message);
    write_prose(out, "service", letter->service);
    out_raw(out, "originalTopic", "");
    prose_add_json(out, letter->original_topic, sizeof letter->original_topic);
    out_number(out, "originalPartition", letter->original_partition);
    out_number(out, "originalOffset", letter->original_offset);
    out_number(out, "bytes", letter->bytes);
    out_bool(out, "redrivable", letter_redrivable(request->gateway->publish, letter));
    write_prose(out, "userId", letter->key);
    write_prose(out, "by", letter->by);
    write_prose(out, "reason", letter->reason);
    if (letter->state != LETTER_OPEN)
        out_time(out, "markedAt", letter->marked_at_ms);
}

/* ---- the list */

static bool is_wanted(const struct letter *letter, int state, const char *code)
{
    return (state > LETTER_DISCARDED || letter->state == (enum letter_state)state)
        && (!code || strcmp(code, letter->code) == 0);
}

static void write_codes(struct text *out, const struct view *view, size_t first, int state)
{
    struct usage_reason *sums = NULL;            /* the same shape: a code and how many */
    size_t count = 0;
    for (size_t i = first; i < view->letter_count; i++) {
        const struct letter *letter = &view->letters[i % LETTERS_MAX];
        size_t at = 0;
        if (!is_wanted(letter, state, NULL))
            continue;
        while (at < count && strcmp(sums[at].code, letter->code) != 0)
            at++;
        if (at == count) {
            sums = xrealloc(sums, ++count * sizeof *sums);
            sums[at] = (struct usage_reason){ 0 };
            snprintf(sums[at].code, sizeof sums[at].code, "%s", letter->code);
        }
        sums[at].count++;
    }
    out_open(out, "reasons", '[');
    for (size_t i = 0; i < count; i++) {
        out_open(out, NULL, '{');
        out_raw(out, "code", "");
        prose_add_json(out, sums[i].code, sizeof sums[i].code);
        out_number(out, "count", sums[i].count);
        out_close(out, '}');
    }
    out_close(out, ']');
    free(sums);
}

struct letter_page { int limit, state; const char *code; int64_t before; };

/* The cursor is a letter's number by arrival. Two instances may have read the partitions in another order:
 * then a page may repeat or skip a few, which a list that grows does anyway. */
static void answer_letters(struct request *request, const struct view *view, struct letter_page *page)
{
    struct text *out = request_json(request, 200);
    size_t first = view->letter_count > LETTERS_MAX ? view->letter_count - LETTERS_MAX : 0;
    size_t at = page->before >= 0 && (size_t)page->before < view->letter_count ? (size_t)page->before
        : view->letter_count;
    char next[24] = "";
    out_open(out, NULL, '{');
    write_codes(out, view, first, page->state);
    out_open(out, "items", '[');
    for (; at > first && !next[0]; at--) {
        const struct letter *letter = &view->letters[(at - 1) % LETTERS_MAX];
        if (!is_wanted(letter, page->state, page->code))
            continue;
        if (page->limit-- == 0) {
            snprintf(next, sizeof next, "%zu", at);
            break;
        }
        write_letter(request, out, letter);
        out_close(out, '}');
    }
    out_close(out, ']');
    out_text(out, "nextCursor", next[0] ? next : NULL);
    out_close(out, '}');
}

void get_letters(struct request *request)
{
    struct letter_page page = { .before = -1 };
    if (!request_text(request, "code", ID_LENGTH_MAX, &page.code) || !request_limit(request, &page.limit)
        || !request_number(request, "cursor", 0, INT64_MAX / 2, &page.before)
        || !request_choice(request, "state", "open|redriven|discarded|all", &page.state))
        return;
    view_lock(request->gateway->view);
    answer_letters(request, request->gateway->view, &page);
    view_unlock(request->gateway->view);
}

/* ---- one letter */

/* A copy of the one that the path names. false: answered already. */
static bool find_letter(struct request *request, struct letter *letter)
{
    int32_t partition;
    int64_t offset;
    int length = 0;
    const struct letter *found = NULL;
    view_lock(request->gateway->view);
    if (sscanf(request->parts[0], "%9" SCNd32 "-%18" SCNd64 "%n", &partition, &offset, &length) == 2
        && request->parts[0][length] == '\0')
        found = view_letter(request->gateway->view, partition, offset);
    if (found)
        *letter = *found;
    view_unlock(request->gateway->view);
    if (!found)
        request_refuse(request, PROBLEM_NOT_FOUND, 0, "No dead letter with this id is known here.");
    return found != NULL;
}

static bool is_text(const char *bytes, size_t length)
{
    char *copy = xstrndup(bytes, length);        /* ends in NUL, as utf8_length needs it */
    size_t at = 0, step = 1;
    while (at < length && step > 0 && copy[at] != '\0') {
        step = utf8_length(copy + at);
        at += step;
    }
    free(copy);
    return at == length;
}

static void add_base64(struct text *out, const char *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = (const uint8_t *)bytes;
    for (size_t i = 0; i < length; i += 3) {
        uint32_t three = (uint32_t)in[i] << 16 | (i + 1 < length ? (uint32_t)in[i + 1] << 8 : 0)
            | (i + 2 < length ? in[i + 2] : 0);
        text_add_char(out, digits[three >> 18]);
        text_add_char(out, digits[three >> 12 & 63]);
        text_add_char(out, i + 1 < length ? digits[three >> 6 & 63] : '=');
        text_add_char(out, i + 2 < length ? digits[three & 63] : '=');
    }
}

struct showing { struct request *request; const struct letter *letter; };

static void write_headers(struct text *out, const struct kafka_record *record)
{
    struct kafka_header header;
    out_open(out, "headers", '[');
    for (size_t i = 0; kafka_record_header_at(record, i, &header); i++) {
        char *value = xstrndup(header.value ? header.value : "", header.length);
        out_open(out, NULL, '{');
        out_raw(out, "name", "");
        prose_add_json(out, header.name, 200);
        out_raw(out, "value", "");
        prose_add_json(out, value, 1000);
        out_close(out, '}');
        free(value);
    }
    out_close(out, ']');
}

static void show(void *self, const struct kafka_record *record)
{
    const struct showing *showing = self;
    struct text *out = request_json(showing->request, 200);
    size_t shown = record->value_length < SHOWN_BYTES_MAX ? record->value_length : SHOWN_BYTES_MAX;
    write_letter(showing->request, out, showing->letter);
    if (record->key) {
        char *key = xstrndup(record->key, record->key_length);
        out_raw(out, "key", "");
        prose_add_json(out, key, 200);
        free(key);
    }
    out_bool(out, "cut", shown < record->value_length);
    if (record->value_length > 0 && is_text(record->value, record->value_length)) {
        char *words = xstrndup(record->value, record->value_length);
        out_raw(out, "text", "");
        prose_add_json(out, words, SHOWN_BYTES_MAX);
        free(words);
    } else {
        text_add_string(out, ",\"base64\":\"");
        add_base64(out, record->value, shown);
        text_add_char(out, '"');
    }
    write_headers(out, record);
    out_close(out, '}');
}

void get_letter(struct request *request)
{
    struct letter letter;
    struct showing showing = { request, &letter };
    if (find_letter(request, &letter)
        && letter_fetch(&request->gateway->kafka, request->gateway->publish, &letter, show, &showing)
            != TROUBLE_NONE)
        request_retry(request, "The record can't be read now: Kafka is away, or it has expired.");
}

/* ---- redrive and discard */

static bool read_reason(struct request *request, char reason[REASON_BYTES_MAX])
{
    size_t length = 0;
    struct json *body = request_body(request, "reason");
    if (!body)
        return false;
    const char *given = json_string(json_get(body, "reason"), &length);
    bool good = given && length > 0 && length < REASON_BYTES_MAX && utf8_characters(given) <= REASON_CHARACTERS_MAX;
    if (good)
        snprintf(reason, REASON_BYTES_MAX, "%s", given);
    else
        request_invalid(request, "pointer", "/reason", "reason must be text of 1 to 400 characters, at most 499 bytes");
    json_free(&body);
    return good;
}

static void answer_marked(struct request *request, const struct letter *letter)
{
    struct text *out = request_json(request, 200);
    write_letter(request, out, letter);
    out_close(out, '}');
}

/* So that the next look at the list finds it there; every other instance reads the mark. */
static void remember_mark(struct request *request, const struct letter *letter)
{
    view_lock(request->gateway->view);
    struct letter *kept = view_letter(request->gateway->view, letter->partition, letter->offset);
    if (kept)
        *kept = *letter;
    view_unlock(request->gateway->view);
}

static void mark(struct request *request, struct letter *letter, enum letter_state state)
{
    letter->state = state;
    letter->marked_at_ms = clock_wall_ms();
    snprintf(letter->by, sizeof letter->by, "%s", request->claims.subject);
    log_info(state == LETTER_REDRIVEN ? "dead_letter_redriven" : "dead_letter_discarded",
             LOG_TEXT("by", letter->by), LOG_TEXT("reason", letter->reason),
             LOG_NUMBER("partition", letter->partition), LOG_NUMBER("offset", letter->offset));
    if (letter_mark(request->gateway->publish, letter) != TROUBLE_NONE) {
        request_kafka_away(request);
        return;
    }
    remember_mark(request, letter);
    answer_marked(request, letter);
}

/* May be repeated: what was marked before is answered as it is. */
static void act(struct request *request, enum letter_state state)
{
    struct letter letter;
    char reason[REASON_BYTES_MAX];
    if (!read_reason(request, reason) || !find_letter(request, &letter))
        return;
    if (letter.state != LETTER_OPEN) {
        answer_marked(request, &letter);
        return;
    }
    snprintf(letter.reason, sizeof letter.reason, "%s", reason);
    if (state == LETTER_REDRIVEN && !letter_redrivable(request->gateway->publish, &letter))
        request_invalid(request, "parameter", "letter",
                        "Only what upstream services send can be redriven: requests and grants.");
    else if (state == LETTER_REDRIVEN
             && letter_redrive(&request->gateway->kafka, request->gateway->publish, &letter) != TROUBLE_NONE)
        request_kafka_away(request);
    else
        mark(request, &letter, state);
}

void redrive_letter(struct request *request)
{
    act(request, LETTER_REDRIVEN);
}

void discard_letter(struct request *request)
{
    act(request, LETTER_DISCARDED);
}
