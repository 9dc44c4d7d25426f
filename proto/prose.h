/* Words from outside (a provider's message, an operating system's) made fit for a JSON string. */
#ifndef PROTO_PROSE_H
#define PROTO_PROSE_H

#include "base/text.h"

/* Appends at most most_characters of words as a JSON string: a control character (tab, LF and CR may stay)
 * becomes a space, each byte that is no part of valid UTF-8 a question mark. Never fails. */
void prose_add_json(struct text *out, const char *words, size_t most_characters);

#endif
