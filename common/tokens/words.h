/* Reads a script's answer, word by word. Answers come from Redis, where anybody may have written: what can't
 * be read is said, never asserted. */
#ifndef TOKENS_WORDS_H
#define TOKENS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/money.h"

struct words { const char *at; bool bad; };      /* bad stays once set; reads then give 0 or "" */

bool words_take(struct words *words, const char *word);      /* is this the next word? Then it is read */
int64_t words_number(struct words *words);                   /* -2^53 < n < 2^53 */
void words_text(struct words *words, char *out, size_t room);        /* %XX undone */
void words_balance(struct words *words, struct balance *balance);
void words_quote(struct words *words, struct quote *quote);  /* without the tokens */
bool words_end(const struct words *words);                   /* nothing bad, nothing left */

#endif
