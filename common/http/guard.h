/* What libmicrohttpd 0.9.75 lets through though two readers may understand it differently (request
 * smuggling): hazards G1. Private to common/http; pure, so that each rule has its rows. Fed the method,
 * then one header at a time. */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <stdbool.h>

struct guard {
    int hosts, content_lengths, transfer_encodings;
    const char *refusal;                 /* the first reason found, or NULL */
};

void guard_method(struct guard *guard, const char *method);
void guard_header(struct guard *guard, const char *name, const char *value);
/* After the last header: why the request must not be served, or NULL. version: "HTTP/1.1" or "HTTP/1.0". */
const char *guard_refusal(const struct guard *guard, const char *version);

#endif
