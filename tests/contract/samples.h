/* Events of every message, made from the table alone: a new row is in the contract test at once. */
#ifndef CONTRACT_SAMPLES_H
#define CONTRACT_SAMPLES_H

#include "proto/table.h"

enum sample {
    SAMPLE_MINIMAL,      /* only what is required */
    SAMPLE_LEAST,        /* everything, each at its least */
    SAMPLE_MOST,         /* everything, each at its most */
    SAMPLE_STRANGE,      /* everything, with characters and numbers that are easy to get wrong */
    SAMPLE_COUNT
};
extern const char *const SAMPLE_NAMES[SAMPLE_COUNT];

/* entry: which CHOICE of ENTRY a tokens.entry is to be; NULL for other messages. Strings are leaked: the
 * programs that call this make a few dozen and end. */
void sample_make(enum event_type type, const char *entry, enum sample sample, struct event *event);

#endif
