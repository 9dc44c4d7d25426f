#include "tokens/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/ids.h"

static size_t word_length(const struct words *words) { return strcspn(words->at, " "); }

static void step(struct words *words, size_t length)
{
    words->at += length;
    if (*words->at == ' ')
        words->at++;
}

bool words_take(struct words *words, const char *word)
{
    size_t length = word_length(words);
    if (words->bad || strlen(word) != length || memcmp(words->at, word, length) != 0)
        return false;
    step(words, length);
    return true;
}

int64_t words_number(struct words *words)
{
    size_t length = word_length(words);
    const char *at = words->at;
    bool negative = *at == '-';
    int64_t sum = 0;
    size_t digits = length - negative;
    if (words->bad || digits < 1 || digits > 16) {
        words->bad = true;
        return 0;
    }
    for (size_t i = negative; i < length; i++) {
        if (at[i] < '0' || at[i] > '9')
            words->bad = true;
        sum = sum * 10 + (at[i] - '0');
    }
    if (sum > TOKENS_MAX)
        words->bad = true;
    step(words, length);
    return words->bad ? 0 : negative ? -sum : sum;
}

void words_text(struct words *words, char *out, size_t room)
{
    size_t length = word_length(words), used = 0;
    out[0] = '\0';
    if (length == 0)
        words->bad = true;
    for (size_t i = 0; i < length && !words->bad; i++) {
        char c = words->at[i];
        if (c == '%' && length == 1)
            break;
        if (c == '%') {
            char hex[3] = { 0 }, *end;
            memcpy(hex, words->at + i + 1, i + 2 < length ? 2 : 0);
            c = (char)strtol(hex, &end, 16);
            if (end != hex + 2)
                words->bad = true;
            i += 2;
        }
        if (used + 1 >= room)
            words->bad = true;
        else
            out[used++] = c;
    }
    out[words->bad ? 0 : used] = '\0';
    if (!words->bad)
        step(words, length);
}

void words_balance(struct words *words, struct balance *balance)
{
    balance->granted = words_number(words);
    balance->available = words_number(words);
    balance->reserved = words_number(words);
    balance->spent = words_number(words);
}

void words_quote(struct words *words, struct quote *quote)
{
    quote->units = words_number(words);
    words_text(words, quote->model, sizeof quote->model);
    words_text(words, quote->policy_version, sizeof quote->policy_version);
}

bool words_end(const struct words *words) { return !words->bad && !*words->at; }
