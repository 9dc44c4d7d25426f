#include "http/guard.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* What names and methods are made of (RFC 9110, 5.6.2). */
static bool is_token(const char *name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

/* A bare CR, above all, which is a line's end to some. */
static bool has_control(const char *value)
{
    for (; *value; value++)
        if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f) return true;
    return false;
}

static void refuse(struct guard *guard, const char *reason)
{
    if (!guard->refusal) guard->refusal = reason;
}

/* A line ends in CR and LF, and libmicrohttpd has put a NUL in the place of each. It takes a bare CR or LF
 * for an end as well, and a NUL that was sent ends a value too: then something else stands there. */
static bool line_is_whole(const char *last)
{
    return last[strlen(last) + 1] == '\0';
}

void guard_place(struct guard *guard, const char *name, const char *value)
{
    const char *at = name + strlen(name) + 1;        /* behind the colon */
    while (*at == ' ' || *at == '\t') at++;
    /* it has been put together elsewhere */
    if (at != value) refuse(guard, "a header folded over lines");
    else if (!line_is_whole(value)) refuse(guard, "malformed end of a header");
}

void guard_version(struct guard *guard, const char *version)
{
    if (!line_is_whole(version)) refuse(guard, "malformed end of the request line");
}

/* Of these a second one would be overlooked. */
static void count_single(struct guard *guard, const char *name)
{
    static const struct { const char *name, *refusal; } rows[GUARD_SINGLES] = {
        { "Authorization", "more than one Authorization header" },
        { "Content-Type", "more than one Content-Type header" },
        { "Idempotency-Key", "more than one Idempotency-Key header" },
    };
    for (int i = 0; i < GUARD_SINGLES; i++)
        if (strcasecmp(name, rows[i].name) == 0 && guard->singles[i]++ > 0) refuse(guard, rows[i].refusal);
}

void guard_method(struct guard *guard, const char *method)
{
    if (!is_token(method)) refuse(guard, "malformed method");
}

/* A space or a lone CR in it: others end the request's line there. */
void guard_target(struct guard *guard, const char *target)
{
    for (const char *at = target; *at; at++)
        if (*at <= ' ' || *at >= 0x7f) refuse(guard, "malformed target");
}

void guard_header(struct guard *guard, const char *name, const char *value)
{
    if (!value) value = "";
    if (has_control(value)) refuse(guard, "malformed header value");
    if (!is_token(name)) {
        refuse(guard, "malformed header name");  /* "Content-Length :" counts for some readers only */
    } else if (strcasecmp(name, "Host") == 0) {
        if (++guard->hosts > 1) refuse(guard, "more than one Host header");
        if (value[strcspn(value, " \t,/?#@\\\"<>")] != '\0') refuse(guard, "malformed Host");
    } else if (strcasecmp(name, "Content-Length") == 0) {
        if (++guard->content_lengths > 1) refuse(guard, "more than one Content-Length header");
        if (value[0] == '\0' || value[strspn(value, "0123456789")] != '\0')
            refuse(guard, "malformed Content-Length");
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        if (++guard->transfer_encodings > 1) refuse(guard, "more than one Transfer-Encoding header");
        if (strcasecmp(value, "chunked") != 0) refuse(guard, "unsupported Transfer-Encoding");
    } else {
        count_single(guard, name);
    }
}

const char *guard_refusal(const struct guard *guard, const char *version)
{
    if (guard->refusal) return guard->refusal;
    if (guard->content_lengths > 0 && guard->transfer_encodings > 0)
        return "Content-Length beside Transfer-Encoding";
    if (guard->hosts == 0 && strcmp(version, "HTTP/1.1") == 0) return "no Host header";
    return NULL;
}
