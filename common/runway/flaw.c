#include <string.h>

#include "runway/runway.h"

const char *runway_config_flaw(const struct runway_config *config)
{
    if (!config->base_url || !strstr(config->base_url, "://")) return "the base URL is not a URL";
    if (!config->key || !config->key[0]) return "there is no API key";
    for (const char *c = config->key; *c; c++)
        if (*c <= ' ' || *c > '~') return "the API key holds white space or other strange characters";
    int count = 0;
    for (const char *const *header = config->extra_headers; header && *header; header++) {
        if (++count > RUNWAY_EXTRA_HEADERS_MAX) return "there are more than 16 extra headers";
        if (!strchr(*header, ':') || (*header)[0] == ':') return "an extra header is not 'Name: value'";
        if (strpbrk(*header, "\r\n")) return "an extra header holds a line break";
    }
    return NULL;
}
