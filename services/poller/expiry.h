/* Until when a video's links work. The provider says "24 to 48 hours" and no more; its links are signed,
 * and what they are signed with usually says until when. That is read as a hint for the user and never
 * trusted with anything: without it, or with one that makes no sense, the links are said to last for the
 * 24 hours that the provider promises. */
#ifndef POLLER_EXPIRY_H
#define POLLER_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

enum { EXPIRY_PROMISED_MS = 24 * 60 * 60 * 1000, EXPIRY_MOST_DAYS = 30 };

/* The "exp" (wall ms) in the token of a link "...?_jwt=header.payload.signature"; false: there is none
 * that can be read. */
bool expiry_of_link(const char *link, int64_t *expires_at_ms);
/* The earliest of all links. Wall ms. */
int64_t expiry_of(const char *const *links, int count, int64_t looked_at_ms);

#endif
