/* What libmicrohttpd 0.9.75 lets through though two readers may understand it differently (request
 * smuggling): hazards G1. Private to common/http; pure, so that each rule has its rows. Fed the method and
 * the target, then one header at a time. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <stdbool.h>

enum { GUARD_SINGLES = 3 };
struct guard {
    int hosts, content_lengths, transfer_encodings, singles[GUARD_SINGLES];
    const char *refusal;                 /* the first reason found, or NULL */
};

void guard_method(struct guard *guard, const char *method);
void guard_target(struct guard *guard, const char *target);      /* as sent, with its query */
void guard_header(struct guard *guard, const char *name, const char *value);
/* Where they stand in the request as it was read, by the pointers of libmicrohttpd 0.9: folded headers, and
 * lines that end in less than CR and LF, are another request to another reader. A newer one refuses them by
 * itself. */
void guard_place(struct guard *guard, const char *name, const char *value);
void guard_version(struct guard *guard, const char *version);
/* After the last header: why the request must not be served, or NULL. version: "HTTP/1.1" or "HTTP/1.0". */
const char *guard_refusal(const struct guard *guard, const char *version);

#endif
