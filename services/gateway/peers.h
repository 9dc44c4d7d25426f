/* The workers as they say they are: asks the /readyz of each that the setting names, from the gateway's loop,
 * and keeps the last word for whoever shows it. */
#ifndef GATEWAY_PEERS_H
#define GATEWAY_PEERS_H

#include <stdbool.h>

#include "base/text.h"

struct peers;

/* list: "generator=10.0.0.7:9100,poller=[::1]:9101"; NULL: none. NULL and one line in error when it can't be
 * read. */
struct peers *peers_open(const char *list, char error[200]);
void peers_close(struct peers **peers);
void peers_turn(struct peers *peers);            /* never waits */
/* From any thread. Each in turn, with words: "ready", its own reasons, or that it does not answer. */
typedef void peers_visit(void *self, const char *name, bool ready, const char *words);
void peers_each(struct peers *peers, peers_visit *visit, void *self);

#endif
