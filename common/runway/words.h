/* Runway's own words out of an error body of whatever shape: {"error": "..."}, {"error": {"message": "..."}},
 * {"message": "..."}, the issues of a validation, or no JSON at all. Private to common/runway; pure. */
#ifndef RUNWAY_WORDS_H
#define RUNWAY_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { WORDS_BYTES_MAX = 500 };

struct words {
    char text[WORDS_BYTES_MAX + 1];      /* valid UTF-8 on one line, without control characters */
    bool no_credits;                     /* "not enough credits": the account's trouble, not the request's */
};

/* body may be anything, also binary; it is not kept. An empty one gives words about the status. */
void words_read(struct words *words, int status, const char *body, size_t length);
/* Words of ours (about the connection), under the same rules. */
void words_set(struct words *words, const char *text);

#endif
