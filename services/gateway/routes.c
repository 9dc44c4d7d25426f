#include "gateway/routes.h"

#include <stdio.h>
#include <string.h>

const struct route ROUTES[] = {
    { "GET",    "/v1/me",                              FOR_READERS,   false, false, get_me },
    { "GET",    "/v1/models",                          FOR_READERS,   false, false, get_models },
    { "POST",   "/v1/quotes",                          FOR_READERS,   false, false, post_quote },
    { "GET",    "/v1/balance",                         FOR_READERS,   false, false, get_balance },
    { "GET",    "/v1/transactions",                    FOR_READERS,   true,  false, get_transactions },
    { "GET",    "/v1/generations",                     FOR_READERS,   true,  false, get_generations },
    { "POST",   "/v1/generations",                     FOR_WRITERS,   true,  true,  post_generation },
    { "GET",    "/v1/generations/{}",                  FOR_READERS,   true,  false, get_generation },
    { "DELETE", "/v1/generations/{}",                  FOR_WRITERS,   true,  true,  delete_generation },
    { "GET",    "/v1/events",                          FOR_READERS,   false, false, get_events },
    { "POST",   "/v1/admin/grants",                    FOR_ADMIN,     true,  true,  post_grant },
    { "GET",    "/v1/admin/users",                     FOR_OPERATORS, true,  false, get_users },
    { "GET",    "/v1/admin/users/{}",                  FOR_OPERATORS, true,  false, get_user },
    { "GET",    "/v1/admin/users/{}/transactions",     FOR_OPERATORS, true,  false, get_user_transactions },
    { "GET",    "/v1/admin/users/{}/generations",      FOR_OPERATORS, true,  false, get_user_generations },
    { "GET",    "/v1/admin/generations/{}",            FOR_OPERATORS, true,  false, get_timeline },
    { "GET",    "/v1/admin/search",                    FOR_OPERATORS, true,  false, get_search },
    { "GET",    "/v1/admin/usage",                     FOR_OPERATORS, true,  false, get_usage },
    { "GET",    "/v1/admin/funnel",                    FOR_OPERATORS, true,  false, get_funnel },
    { "GET",    "/v1/admin/holds",                     FOR_OPERATORS, true,  false, get_holds },
    { "GET",    "/v1/admin/health",                    FOR_OPERATORS, false, false, get_health },
    { "GET",    "/v1/admin/dead-letters",              FOR_OPERATORS, true,  false, get_letters },
    { "GET",    "/v1/admin/dead-letters/{}",           FOR_OPERATORS, true,  false, get_letter },
    { "POST",   "/v1/admin/dead-letters/{}/redrive",   FOR_ADMIN,     true,  true,  redrive_letter },
    { "POST",   "/v1/admin/dead-letters/{}/discard",   FOR_ADMIN,     true,  true,  discard_letter },
};
const size_t ROUTE_COUNT = sizeof ROUTES / sizeof ROUTES[0];

enum role role_of(const char *name)
{
    if (name[0] == '\0')
        return ROLE_USER;
    for (int role = ROLE_USER; role < ROLE_NONE; role++)
        if (strcmp(ROLE_NAMES[role], name) == 0)
            return (enum role)role;
    return ROLE_NONE;
}

bool route_takes(const struct route *route, enum role role)
{
    return role != ROLE_NONE && (route->roles & 1 << role) != 0;
}

static int hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One part of the path, %XX decoded, which must be an id. The end of it, or NULL. */
static const char *read_part(const char *path, char out[ID_LENGTH_MAX + 1])
{
    size_t length = 0;
    while (*path && *path != '/') {
        char c = *path++;
        if (c == '%') {
            int high = hex(path[0]), low = high < 0 ? -1 : hex(path[1]);
            if (low < 0)
                return NULL;
            c = (char)(high * 16 + low);
            path += 2;
        }
        if (length == ID_LENGTH_MAX)
            return NULL;
        out[length++] = c;
    }
    out[length] = '\0';
    return id_valid(out, length) ? path : NULL;
}

static bool matches(const char *pattern, const char *path, char parts[PATH_PARTS_MAX][ID_LENGTH_MAX + 1])
{
    int part = 0;
    while (*pattern) {
        if (*pattern == '{') {
            path = part < PATH_PARTS_MAX ? read_part(path, parts[part++]) : NULL;
            if (!path)
                return false;
            pattern += 2;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

const struct route *route_find(const char *method, const char *path,
                               char parts[PATH_PARTS_MAX][ID_LENGTH_MAX + 1], bool *known,
                               char allow[ROUTE_METHODS_BYTES])
{
    *known = false;
    allow[0] = '\0';
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!matches(ROUTES[i].pattern, path, parts))
            continue;
        if (strcmp(ROUTES[i].method, method) == 0)
            return &ROUTES[i];
        size_t length = strlen(allow);
        snprintf(allow + length, ROUTE_METHODS_BYTES - length, "%s%s", *known ? ", " : "", ROUTES[i].method);
        *known = true;
    }
    return NULL;
}
