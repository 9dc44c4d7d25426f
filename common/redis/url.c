#include "redis/url.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool wrong(char error[200], const char *words)
{
    snprintf(error, 200, "%s; wanted redis://[user:password@]host[:port][,host[:port]...][/db] or unix:/path", words);
    return false;
}

/* Copies length bytes and undoes %XX. false: too long, a bad escape or a NUL. */
static bool unescape(const char *from, size_t length, char *to, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = from[i];
        if (c == '%') {
            char hex[3] = { 0 }, *end;
            if (length - i < 3)
                return false;
            memcpy(hex, from + i + 1, 2);
            c = (char)strtol(hex, &end, 16);
            if (*end || c == '\0')
                return false;
            i += 2;
        }
        if (used + 1 >= room)
            return false;
        to[used++] = c;
    }
    to[used] = '\0';
    return true;
}

/* Decimal digits only: strtol alone takes signs and blanks. */
static bool number(const char *text, size_t length, int most, int *value)
{
    if (length == 0 || length > 6)
        return false;
    int sum = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        sum = sum * 10 + (text[i] - '0');
    }
    *value = sum;
    return sum <= most;
}

static bool parse_host(const char *text, size_t length, struct redis_address *address, char error[200])
{
    const char *host = text, *end = text + length, *colon;
    size_t host_length;
    if (length > 0 && *text == '[') {
        const char *close = memchr(text, ']', length);
        if (!close)
            return wrong(error, "the address has [ without ]");
        host = text + 1;
        host_length = (size_t)(close - host);
        colon = close + 1 < end ? close + 1 : NULL;
        if (colon && *colon != ':')
            return wrong(error, "the address goes on after ]");
    } else {
        colon = memchr(text, ':', length);
        host_length = (size_t)((colon ? colon : end) - text);
    }
    address->port = 6379;
    if (host_length == 0 || host_length >= sizeof address->host)
        return wrong(error, "the address has no host");
    memcpy(address->host, host, host_length);
    address->host[host_length] = '\0';
    if (colon && (!number(colon + 1, (size_t)(end - colon - 1), 65535, &address->port) || address->port == 0))
        return wrong(error, "the port is not 1 to 65535");
    return true;
}

/* One host or several, parted by commas: any one of them is enough to find the rest of a Cluster. */
static bool parse_hosts(const char *text, size_t length, struct redis_url *url, char error[200])
{
    for (const char *end = text + length;; text++) {
        size_t one = strcspn(text, ",/");
        if (one > (size_t)(end - text))
            one = (size_t)(end - text);
        if (url->seed_count == REDIS_SEEDS_MAX)
            return wrong(error, "more than 16 hosts");
        if (!parse_host(text, one, &url->seeds[url->seed_count++], error))
            return false;
        text += one;
        if (text == end)
            return true;
    }
}

static bool parse_login(const char *text, size_t length, struct redis_url *url, char error[200])
{
    const char *colon = memchr(text, ':', length);
    if (!colon)
        return wrong(error, "user without a password");
    size_t user = (size_t)(colon - text);
    if (!unescape(text, user, url->user, sizeof url->user)
        || !unescape(colon + 1, length - user - 1, url->password, sizeof url->password))
        return wrong(error, "user or password is too long or has a bad % escape");
    return true;
}

bool redis_url_parse(const char *text, struct redis_url *url, char error[200])
{
    static const char scheme[] = "redis://";
    *url = (struct redis_url){ 0 };
    if (strncmp(text, "rediss://", 9) == 0) {
        snprintf(error, 200, "rediss:// can't be used: this build stands on hiredis %d.%d%s; "
                             "put a TLS tunnel (stunnel) beside this program and give its address",
                 HIREDIS_MAJOR, HIREDIS_MINOR,
                 HIREDIS_MAJOR < 1 ? ", which has no TLS" : " without its TLS part");
        return false;
    }
    if (strncmp(text, "unix:", 5) == 0) {
        if (text[5] != '/' || strlen(text + 5) >= sizeof url->path)
            return wrong(error, "the socket's path is not absolute or longer than 107 bytes");
        text_copy(url->path, sizeof url->path, text + 5);
        return true;
    }
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return wrong(error, "not a Redis address");

    const char *rest = text + sizeof scheme - 1;
    size_t length = strcspn(rest, "/");
    const char *at = memrchr(rest, '@', length);
    if (at && !parse_login(rest, (size_t)(at - rest), url, error))
        return false;
    const char *host = at ? at + 1 : rest;
    if (!parse_hosts(host, (size_t)(rest + length - host), url, error))
        return false;
    const char *database = rest + length;
    if (*database == '/' && database[1] && !number(database + 1, strlen(database + 1), 99999, &url->database))
        return wrong(error, "the database is not a number");
    return true;
}
