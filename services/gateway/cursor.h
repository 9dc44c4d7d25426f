/* A place in a user's results and journal at once: what a stream of events has sent. */
#ifndef GATEWAY_CURSOR_H
#define GATEWAY_CURSOR_H

#include "gateway/view.h"

enum { CURSOR_BYTES = 80 };
struct cursor_part { int32_t partition; int64_t offset; };       /* partition -1: nothing was sent yet */
struct cursor { bool given; struct cursor_part results, journal; };

bool cursor_part_parse(const char *text, struct cursor_part *part);      /* "3@120" and nothing else */
bool cursor_parse(const char *text, struct cursor *cursor);      /* "3@120,17@55", "-,17@55" */
void cursor_format(const struct cursor *cursor, char out[CURSOR_BYTES]);

/* With the view's lock held. */
void cursor_now(struct cursor *cursor, const struct user *user);             /* behind all that is known */
bool cursor_is_behind(const struct cursor *cursor, const struct fact *fact); /* is it still to be sent? */
void cursor_pass(struct cursor *cursor, const struct fact *fact);
/* Something behind it may have been dropped, so that going on would leave a hole. */
bool cursor_is_lost(const struct cursor *cursor, const struct view *view, const struct user *user);
/* The same for one that goes on without a break: what was dropped of its own user was not sent. */
bool cursor_is_overtaken(const struct cursor *cursor, const struct user *user);

#endif
