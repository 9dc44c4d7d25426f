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

static void refuse(struct guard *guard, const char *reason)
{
    if (!guard->refusal) guard->refusal = reason;
}

void guard_method(struct guard *guard, const char *method)
{
    if (!is_token(method)) refuse(guard, "malformed method");
}

void guard_header(struct guard *guard, const char *name, const char *value)
{
    if (!value) value = "";
    if (!is_token(name)) {
        refuse(guard, "malformed header name");  /* "Content-Length :" counts for some readers only */
    } else if (strcasecmp(name, "Host") == 0) {
        if (++guard->hosts > 1) refuse(guard, "more than one Host header");
    } else if (strcasecmp(name, "Content-Length") == 0) {
        if (++guard->content_lengths > 1) refuse(guard, "more than one Content-Length header");
        if (value[0] == '\0' || value[strspn(value, "0123456789")] != '\0')
            refuse(guard, "malformed Content-Length");
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        if (++guard->transfer_encodings > 1) refuse(guard, "more than one Transfer-Encoding header");
        if (strcasecmp(value, "chunked") != 0) refuse(guard, "unsupported Transfer-Encoding");
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
