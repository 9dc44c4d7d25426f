/* Between view.c and view_take.c. With the lock held. */
#ifndef GATEWAY_VIEW_PRIVATE_H
#define GATEWAY_VIEW_PRIVATE_H

#include "gateway/view.h"

void user_touch(struct view *view, struct user *user, int64_t at_ms);
void user_drop(struct view *view, struct user *user);
void user_add_fact(struct view *view, struct user *user, const struct place *place,
                   const struct event *event);
void user_drop_fact(struct view *view, struct user *user);                       /* the oldest */
/* May drop the user's oldest one. */
struct generation *user_generation_make(struct view *view, struct user *user, const char *generation_id,
                                        int64_t at_ms);
void user_drop_generation(struct view *view, struct generation *generation);
void generation_set(struct view *view, struct generation *generation, char **member, const char *text);
void view_weigh(struct view *view, struct user *user, int64_t bytes);
void view_make_room(struct view *view, const struct user *but);                  /* view_bounds.c */
void view_begin_partition(struct view *view, const struct place *place);
void generation_to_status(struct generation *generation, enum status status);   /* view_take.c */
void view_give_up(struct view *view, const struct letter *letter);

#endif
