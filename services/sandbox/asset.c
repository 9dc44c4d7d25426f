#include "sandbox/asset.h"

#include <arpa/inet.h>
#include <string.h>

enum {
    URI_BYTES_MIN = 13, URL_BYTES_MAX = 2048, RUNWAY_URI_BYTES_MAX = 5000, DATA_URI_BYTES_MAX =
        5 * 1024 * 1024,
};

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return host[0] == '[' || inet_pton(AF_INET, host, bytes) == 1;
}

static const char *url_flaw(const char *url)
{
    char host[256];
    const char *from = url + strlen("https://");
    size_t length = strcspn(from, "/?#:");
    if (from[0] == '[') return "URLs must be hosted on a domain.";
    if (length == 0 || length >= sizeof host) return "Invalid URL";
    memcpy(host, from, length);
    host[length] = '\0';
    if (is_address(host) || !strchr(host, '.')) return "URLs must be hosted on a domain.";
    if (length > 8 && strcmp(host + length - 8, ".invalid") == 0)
        return "Failed to fetch asset. Received HTTP response code \"404\".";
    return strlen(url) <= URL_BYTES_MAX ? NULL : "Invalid URL";
}

static const char *data_flaw(const char *uri)
{
    static const char *const types[] = { "data:image/jpeg;", "data:image/jpg;", "data:image/png;",
                                         "data:image/webp;",
                                         "data:video/", "data:audio/" };
    if (strlen(uri) > DATA_URI_BYTES_MAX || !strstr(uri, ";base64,")) return "Invalid data URI.";
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (starts(uri, types[i])) return NULL;
    return "Unsupported asset type.";
}

const char *asset_flaw(const char *uri, const struct asset_check *check)
{
    if (strlen(uri) < URI_BYTES_MIN) return "Invalid URL";
    if (starts(uri, "data:")) return data_flaw(uri);
    if (starts(uri, "https://")) return url_flaw(uri);
    if (starts(uri, "http://")) return "Only HTTPS URLs are allowed.";
    if (!starts(uri, "runway://") || strlen(uri) > RUNWAY_URI_BYTES_MAX) return "Invalid URL";
    return check->uploaded(check->self, uri) ? NULL : "Failed to fetch asset. The upload was not found.";
}
