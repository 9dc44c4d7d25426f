#include "gateway/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "json/json.h"

const char *event_word(enum event_type type)
{
    return strrchr(EVENTS[type].ce_type, '.') + 1;
}

/* ---- generations */

static void write_progress(struct text *out, double progress)
{
    char number[16];
    snprintf(number, sizeof number, "%.2f", progress);
    out_raw(out, "progress", progress >= 0 ? number : NULL);
}

static void write_error(struct text *out, const struct generation *generation)
{
    if (!generation->error_code)
        return;
    bool insufficient = generation->current_balance != EVENT_ABSENT;
    out_open(out, "error", '{');
    out_text(out, "code", generation->error_code);
    out_text(out, "message", generation->error_message);
    out_text(out, "failureCode", generation->failure_code);
    out_number(out, "currentBalance", generation->current_balance);
    out_number(out, "requiredTokens", insufficient ? generation->required_tokens : EVENT_ABSENT);
    out_close(out, '}');
}

void write_generation(struct text *out, const char *name, const struct generation *generation,
                      enum write_for reader)
{
    char self[128];
    snprintf(self, sizeof self, "%s/%s", reader == WRITE_FOR_OWNER ? "/v1/generations"
             : "/v1/admin/generations",
             generation->id);
    out_open(out, name, '{');
    out_text(out, "id", generation->id);
    out_text(out, "userId", reader == WRITE_FOR_OPERATOR ? generation->user->id : NULL);
    out_text(out, "status", STATUS_NAMES[generation->status]);
    out_text(out, "prompt", generation->prompt);
    out_text(out, "projectId", generation->project_id);
    out_text(out, "model", generation->model);
    out_number(out, "durationSeconds", generation->duration_seconds);
    out_text(out, "ratio", generation->ratio);
    out_text(out, "image", generation->image);
    out_number(out, "seed", generation->seed);
    out_number(out, "requiredTokens", generation->required_tokens);
    out_number(out, "chargedTokens", generation->charged_tokens);
    write_progress(out, generation->status == STATUS_SUBMITTED ? generation->progress : -1);
    if (generation->cancel_requested)
        out_bool(out, "cancelRequested", true);
    out_time(out, "createdAt", generation->created_at_ms);
    out_time(out, "updatedAt", generation->updated_at_ms);
    out_raw(out, "output", generation->outputs);
    out_time(out, "outputExpiresAt", generation->output_expires_at_ms);
    write_error(out, generation);
    out_open(out, "links", '{');
    out_text(out, "self", self);
    out_close(out, '}');
}

void write_timeline(struct text *out, const struct generation *generation)
{
    out_open(out, "timeline", '[');
    for (const struct fact *fact = generation->user->oldest; fact; fact = fact->next) {
        if (fact->topic == TOPIC_JOURNAL || strcmp(fact->id, generation->id) != 0)
            continue;
        out_open(out, NULL, '{');
        out_text(out, "type", event_word(fact->type));
        out_time(out, "at", fact->at_ms);
        out_close(out, '}');
    }
    out_close(out, ']');
}

/* ---- journal */

int64_t entry_change(const struct event *entry)
{
    if (strcmp(entry->kind, "reserve") == 0)
        return -entry->amount;
    return strcmp(entry->kind, "commit") == 0 ? 0 : entry->amount;
}

static void write_entry(struct text *out, const char *name, const struct fact *fact,
                        const struct event *entry)
{
    char id[48];
    snprintf(id, sizeof id, "%" PRId32 "@%" PRId64, fact->partition, fact->offset);
    out_open(out, name, '{');
    out_text(out, "id", id);
    out_time(out, "at", entry->at);
    out_text(out, "kind", entry->kind);
    out_number(out, "amount", entry->amount);
    out_number(out, "change", entry_change(entry));
    out_text(out, "generationId", entry->generation_id);
    out_text(out, "grantId", entry->grant_id);
    out_text(out, "description", entry->description);
    if (entry->has_balance)
        out_balance(out, "balance", &entry->balance);
}

bool write_transaction(struct text *out, const char *name, const struct fact *fact)
{
    struct event entry;
    if (fact->topic != TOPIC_JOURNAL)
        return false;
    fact_decode(fact, &entry);
    bool moves = entry.amount != EVENT_ABSENT;
    if (moves)
        write_entry(out, name, fact, &entry);
    event_clear(&entry);
    return moves;
}

/* ---- streams */

static void write_balance_data(struct text *out, const struct user *user, const struct fact *fact,
                               const struct event *entry)
{
    out_open(out, NULL, '{');
    out_text(out, "userId", user->id);
    out_number(out, "granted", entry->balance.granted);
    out_number(out, "available", entry->balance.available);
    out_number(out, "reserved", entry->balance.reserved);
    out_number(out, "spent", entry->balance.spent);
    write_entry(out, "transaction", fact, entry);
    out_close(out, '}');
    out_close(out, '}');
}

static void write_event_error(struct text *out, const struct event_error *error)
{
    char why[JSON_ERROR_BYTES];
    struct json *context = error->context
        ? json_parse(error->context, strlen(error->context), JSON_BYTES_MAX, why) : NULL;
    int64_t number;
    out_open(out, "error", '{');
    out_text(out, "code", error->code);
    out_text(out, "message", error->message);
    out_text(out, "failureCode", json_string(json_get(context, "failureCode"), NULL));
    if (json_integer(json_get(context, "currentBalance"), &number))
        out_number(out, "currentBalance", number);
    if (json_integer(json_get(context, "requiredTokens"), &number))
        out_number(out, "requiredTokens", number);
    out_close(out, '}');
    json_free(&context);
}

static void write_event_data(struct text *out, const struct fact *fact, const struct event *event)
{
    out_open(out, NULL, '{');
    out_text(out, "id", fact->id);
    out_text(out, "type", event_word(fact->type));
    bool under_way = fact->type == EVENT_GENERATION_PROGRESSED;
    out_text(out, "status", event_word(under_way ? EVENT_GENERATION_SUBMITTED : fact->type));
    write_progress(out, under_way ? event->progress : -1);
    out_time(out, "at", fact->at_ms);
    out_number(out, "requiredTokens", event->required_tokens);
    out_number(out, "chargedTokens", fact->type == EVENT_GENERATION_COMPLETED ? event->required_tokens
               : event->charge);
    if (event->output_count > 0) {
        out_open(out, "output", '[');
        for (int i = 0; i < event->output_count; i++)
            out_text(out, NULL, event->outputs[i]);
        out_close(out, ']');
        out_time(out, "outputExpiresAt", event->output_expires_at);
    }
    if (event->has_error)
        write_event_error(out, &event->error);
    out_close(out, '}');
}

bool write_stream_data(struct text *out, const struct user *user, const struct fact *fact, const char **name)
{
    struct event event;
    if (fact->topic != TOPIC_RESULTS && fact->topic != TOPIC_JOURNAL)
        return false;
    fact_decode(fact, &event);
    bool balance = fact->topic == TOPIC_JOURNAL;
    bool told = !balance || (event.has_balance && event.amount != EVENT_ABSENT);
    *name = balance ? "balance" : "generation";
    if (told && balance)
        write_balance_data(out, user, fact, &event);
    else if (told)
        write_event_data(out, fact, &event);
    event_clear(&event);
    return told;
}

/* ---- CSV (RFC 4180) */

void csv_text(struct text *out, const char *value)
{
    if (!value)
        value = "";
    /* a spreadsheet would compute a field that begins so */
    bool formula = value[0] && strchr("=+-@\t\r", value[0]);
    bool quoted = formula || value[strcspn(value, ",\"\r\n")] != '\0';
    if (quoted)
        text_add_char(out, '"');
    if (formula)
        text_add_char(out, '\'');
    for (; *value; value++) {
        if (*value == '"')
            text_add_char(out, '"');
        text_add_char(out, *value);
    }
    text_add_string(out, quoted ? "\"," : ",");
}

void csv_number(struct text *out, int64_t value)
{
    if (value != EVENT_ABSENT)
        text_add_i64(out, value);
    text_add_char(out, ',');
}

void csv_time(struct text *out, int64_t wall_ms)
{
    char time[RFC3339_BYTES] = "";
    if (wall_ms != EVENT_ABSENT)
        clock_format(wall_ms, time);
    csv_text(out, time);
}

void csv_end(struct text *out)
{
    out->length--;
    text_add_string(out, "\r\n");
}
