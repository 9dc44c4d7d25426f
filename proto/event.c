#include "proto/event.h"

#include <string.h>

#include "base/must.h"
#include "proto/table.h"

/* An event with everything absent, made from the rows. */
#define ABSENT_ID      NULL
#define ABSENT_WORD    NULL
#define ABSENT_URL     NULL
#define ABSENT_TEXT    NULL
#define ABSENT_ENTRY   NULL
#define ABSENT_INTEGER EVENT_ABSENT
#define ABSENT_AMOUNT  EVENT_ABSENT
#define ABSENT_TIME    EVENT_ABSENT
#define ABSENT_NUMBER  -1
#define ABSENT_OUTPUTS { NULL }
#define ABSENT_QUOTE   { .units = 0 }
#define ABSENT_BALANCE { .granted = 0 }
#define ABSENT_ERROR   { .code = NULL }
#define ABSENT_TIMINGS { .accepted_at_ms = 0 }
static const struct event NOTHING = {
#define FIELD(member, wire, kind, least, most) .member = ABSENT_##kind,
#include "proto/events.def"
    .output_count = -1,
};

void event_init(struct event *event, enum event_type type)
{
    *event = NOTHING;
    event->type = type;
}

bool event_output_valid(const char *url)
{
    return output_takes(url, strlen(url));
}

const char *event_subject(const struct event *event)
{
    return event->generation_id ? event->generation_id : event->grant_id;
}

/* Ids have no slash, so the parts can't run into each other. The entry that opens a bucket has no subject
 * but its nonce. */
void event_ce_id(const struct event *event, const char *origin, struct text *out)
{
    const char *subject = event_subject(event);
    if (!subject && event->type == EVENT_TOKENS_ENTRY)
        subject = event->nonce;
    must(subject != NULL);
    text_clear(out);
    text_add_string(out, subject);
    text_add_char(out, '/');
    text_add_string(out, EVENTS[event->type].ce_type + strlen("reelgate."));
    if (event->type == EVENT_TOKENS_ENTRY) {
        must(event->kind != NULL);
        text_add_char(out, '/');
        text_add_string(out, event->kind);
    } else if (event->type == EVENT_GENERATION_REJECTED) {
        must(origin != NULL);
        text_add_char(out, '/');
        text_add_string(out, origin);
    } else if (event->type == EVENT_GENERATION_PROGRESSED) {
        text_add_char(out, '/');
        text_add_i64(out, (int64_t)(event->progress * 100 + 0.5));
    } else if (event->type == EVENT_GENERATION_SUBMISSION_SETTLED) {
        text_add_char(out, '/');
        text_add_string(out, event->task_id ? event->task_id : "none");
    }
}
