#include "runway/words.h"

#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "json/json.h"

#include "base/text.h"

enum { ISSUES_SHOWN_MAX = 3, PATH_PARTS_MAX = 8 };

/* The bytes of the UTF-8 character at the start of from, or 0 when there is none (RFC 3629: no surrogates,
 * nothing overlong). Only a proxy's page gets here unchecked: JSON was checked by its parser. */
static size_t character_length(const unsigned char *from, size_t length)
{
    static const struct { unsigned char first, last, least_second, most_second; size_t bytes; } forms[] = {
        { 0x20, 0x7e, 0, 0, 1 },          { 0xc2, 0xdf, 0x80, 0xbf, 2 },    { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 },    { 0xed, 0xed, 0x80, 0x9f, 3 },    { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 },    { 0xf1, 0xf3, 0x80, 0xbf, 4 },    { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (from[0] < forms[i].first || from[0] > forms[i].last) continue;
        if (forms[i].bytes > length) return 0;
        if (forms[i].bytes == 1) return 1;
        if (from[1] < forms[i].least_second || from[1] > forms[i].most_second) return 0;
        for (size_t k = 2; k < forms[i].bytes; k++)
            if ((from[k] & 0xc0) != 0x80) return 0;
        return forms[i].bytes;
    }
    return 0;
}

/* Copies what fits: control characters and white space become one space, what is not UTF-8 a question
 * mark. */
static void copy(char out[WORDS_BYTES_MAX + 1], const char *from, size_t length)
{
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        const unsigned char *at = (const unsigned char *)from + i;
        size_t bytes = character_length(at, length - i);
        bool blank = *at <= ' ' || *at == 0x7f;
        if (used + (bytes ? bytes : 1) > WORDS_BYTES_MAX) break;
        if (blank) {
            if (used > 0 && out[used - 1] != ' ') out[used++] = ' ';
        } else if (bytes == 0) {
            out[used++] = '?';
        } else {
            memcpy(out + used, at, bytes);
            used += bytes;
        }
        i += bytes ? bytes : 1;
    }
    while (used > 0 && out[used - 1] == ' ') used--;
    out[used] = '\0';
}

void words_set(struct words *words, const char *text)
{
    *words = (struct words){ 0 };
    copy(words->text, text, strlen(text));
}

static const char *words_of(const struct json *root)
{
    const struct json *error = json_get(root, "error");
    const struct json *places[] = { error, json_get(error, "message"), json_get(error, "error"),
                                    json_get(root, "message"), json_get(root, "detail") };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *found = json_string(places[i], NULL);
        if (found && found[0]) return found;
    }
    return NULL;
}

static void add_path(struct text *text, const struct json *path)
{
    for (size_t i = 0; i < json_count(path) && i < PATH_PARTS_MAX; i++) {
        const char *name = json_string(json_at(path, i), NULL);
        int64_t index;
        if (i > 0) text_add_char(text, '.');
        if (name) text_add_string(text, name);
        else if (json_integer(json_at(path, i), &index)) text_add_i64(text, index);
    }
}

/* "Validation of body failed; duration: Too big". */
static void add_issues(struct text *text, const struct json *issues)
{
    for (size_t i = 0; i < json_count(issues) && i < ISSUES_SHOWN_MAX; i++) {
        const struct json *issue = json_at(issues, i), *path = json_get(issue, "path");
        const char *message = json_string(json_get(issue, "message"), NULL);
        if (!message) continue;
        text_add_string(text, text->length > 0 ? "; " : "");
        if (json_kind(path) == JSON_ARRAY && json_count(path) > 0) {
            add_path(text, path);
            text_add_string(text, ": ");
        }
        text_add_string(text, message);
    }
}

/* Never where there are issues: those can quote the request, and a prompt must not stop everybody's jobs. */
static bool says_no_credits(const char *found, bool has_issues)
{
    if (!found || has_issues) return false;
    return strcasestr(found, "enough credits") || strcasestr(found, "insufficient credits");
}

void words_read(struct words *words, int status, const char *body, size_t length)
{
    char error[JSON_ERROR_BYTES];
    *words = (struct words){ 0 };
    struct json *root = json_parse(body, length, JSON_BYTES_MAX, error);
    const char *found = words_of(root);
    const struct json *issues = json_get(root, "issues");
    bool has_issues = json_kind(issues) == JSON_ARRAY && json_count(issues) > 0;
    struct text text = { 0 };
    if (found) text_add_string(&text, found);
    if (has_issues) add_issues(&text, issues);
    if (text.length > 0) copy(words->text, text.bytes, text.length);
    else copy(words->text, body ? body : "", length);
    words->no_credits = says_no_credits(found, has_issues);
    if (!words->text[0]) snprintf(words->text, sizeof words->text, "HTTP %d without a word", status);
    text_free(&text);
    json_free(&root);
}
