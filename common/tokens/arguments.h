/* The keys and arguments of one script call, built without allocation. Keys come first. */
#ifndef TOKENS_ARGUMENTS_H
#define TOKENS_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/ids.h"
#include "base/money.h"

enum { ARGUMENTS_MAX = 24, ARGUMENT_SPACE = 2048 };

struct arguments {
    const char *argv[ARGUMENTS_MAX];
    size_t lengths[ARGUMENTS_MAX];
    size_t count, keys, used;
    char space[ARGUMENT_SPACE];
};

void arguments_clear(struct arguments *arguments);
/* rg:{bucket}:<kind>, and :<id> when id is not NULL. */
void arguments_key(struct arguments *arguments, int32_t bucket, const char *kind, const char *id);
void arguments_day_key(struct arguments *arguments, int32_t bucket, int64_t at_ms);
/* lent until the call is appended; NULL: '' */
void arguments_text(struct arguments *arguments, const char *text);
void arguments_number(struct arguments *arguments, int64_t number);
void arguments_origin(struct arguments *arguments, const struct origin *origin);
/* '<units> <model> <policy version>' */
void arguments_quote(struct arguments *arguments, const struct quote *quote);
void arguments_balance(struct arguments *arguments, const struct balance *balance);

#endif
