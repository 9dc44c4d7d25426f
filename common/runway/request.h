/* What is sent to Runway: the body of a create call and the path it goes to. Private to common/runway;
 * pure. */
#ifndef RUNWAY_REQUEST_H
#define RUNWAY_REQUEST_H

#include "runway/runway.h"

#include "base/text.h"

const char *request_path(const struct runway_request *request);      /* "/v1/text_to_video" or its sister */
/* Only what was asked for: some models refuse members they don't know. */
void request_body(const struct runway_request *request, struct text *body);

#endif
