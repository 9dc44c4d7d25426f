/* contract-decode: what the decoder says of each line of stdin, "ce_type value", the value in hexadecimal
 * since it may hold anything; "-" as ce_type is bare JSON on requests. One line is answered with one:
 *
 *     ok ENCODED            what event_encode makes of it again
 *     invalid FIELD REASON
 *     malformed REASON
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "proto/event.h"

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    must(c >= 'a' && c <= 'f');
    return c - 'a' + 10;
}

/* A buffer of exactly the value's size, so that a sanitizer sees any step beyond it. */
static char *from_hex(const char *hex, size_t *length)
{
    *length = strlen(hex) / 2;
    char *bytes = xmalloc(*length > 0 ? *length : 1);
    for (size_t i = 0; i < *length; i++)
        bytes[i] = (char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return bytes;
}

static void answer(const char *type, const char *hex)
{
    struct event_source source = { .topic = TOPIC_REQUESTS };
    if (strcmp(type, "-") != 0) {
        source.ce_type = type;
        source.ce_type_length = strlen(type);
    }
    char *value = from_hex(hex, &source.length);
    source.value = value;

    struct event event;
    struct decode_error error;
    struct text again = { 0 };
    switch (event_decode(&source, &event, &error)) {
    case DECODE_OK:
        event_encode(&event, &again);
        printf("ok %s\n", again.bytes);
        break;
    case DECODE_INVALID:
        printf("invalid %s %s\n", error.field, error.reason);
        break;
    case DECODE_MALFORMED:
        printf("malformed %s\n", error.reason);
        break;
    }
    text_free(&again);
    event_clear(&event);
    free(value);
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *space = strchr(line, ' ');
        must(space != NULL);
        *space = '\0';
        answer(line, space + 1);
    }
    free(line);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
