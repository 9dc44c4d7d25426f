/* What the API says of things in the view, as JSON and CSV. With the view's lock held. */
#ifndef GATEWAY_WRITE_H
#define GATEWAY_WRITE_H

#include "gateway/view.h"

#include "json/out.h"

enum write_for { WRITE_FOR_OWNER, WRITE_FOR_OPERATOR };

/* Open: end it with out_close(out, '}'). */
void write_generation(struct text *out, const char *name, const struct generation *generation,
                      enum write_for reader);
/* As a member of the generation: its events as its owner sees them. */
void write_timeline(struct text *out, const struct generation *generation);

/* A journal fact. false: not one that moves tokens; nothing was written. Open, as above. */
bool write_transaction(struct text *out, const char *name, const struct fact *fact);
/* What an entry did to available. */
int64_t entry_change(const struct event *entry);

/* One event of a user's stream, as the data of server-sent events. *event: its name. false: of no
 * interest. */
bool write_stream_data(struct text *out, const struct user *user, const struct fact *fact,
                       const char **event);

/* "completed": the last word of an event's type. */
const char *event_word(enum event_type type);

/* A CSV field with its comma or line end before or behind it: always quoted where needed, and never a
 * formula for a spreadsheet. */
void csv_text(struct text *out, const char *value);      /* NULL: empty */
void csv_number(struct text *out, int64_t value);        /* EVENT_ABSENT: empty */
void csv_time(struct text *out, int64_t wall_ms);
void csv_end(struct text *out);                          /* of a line: replaces the last comma */

#endif
