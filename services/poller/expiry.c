#include "poller/expiry.h"

#include <string.h>

#include "json/json.h"

enum { PAYLOAD_BYTES_MAX = 2048 };

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* The bytes of one base64url part, without padding; 0: not such a part, or too long. */
static size_t base64url_decode(const char *in, size_t length, char out[PAYLOAD_BYTES_MAX])
{
    uint32_t bits = 0;
    int held = 0;
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int value = base64url_value(in[i]);
        if (value < 0 || used == PAYLOAD_BYTES_MAX)
            return 0;
        bits = (bits << 6 | (uint32_t)value) & 0xffffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[used++] = (char)(unsigned char)(bits >> held & 0xff);
        }
    }
    return used;
}

bool expiry_of_link(const char *link, int64_t *expires_at_ms)
{
    char payload[PAYLOAD_BYTES_MAX], error[JSON_ERROR_BYTES];
    const char *token = strstr(link, "_jwt=");
    const char *start = token ? strchr(token, '.') : NULL;
    const char *end = start ? strchr(start + 1, '.') : NULL;
    if (!end)
        return false;
    size_t length = base64url_decode(start + 1, (size_t)(end - start - 1), payload);
    struct json *claims = length ? json_parse(payload, length, PAYLOAD_BYTES_MAX, error) : NULL;
    int64_t seconds = 0;
    bool read = json_integer(json_get(claims, "exp"), &seconds) && seconds > 0 && seconds < INT64_MAX / 1000;
    json_free(&claims);
    if (read)
        *expires_at_ms = seconds * 1000;
    return read;
}

int64_t expiry_of(const char *const *links, int count, int64_t looked_at_ms)
{
    const int64_t most_ms = looked_at_ms + EXPIRY_MOST_DAYS * (int64_t)EXPIRY_PROMISED_MS;
    int64_t earliest_ms = INT64_MAX;
    for (int i = 0; i < count; i++) {
        int64_t at_ms;
        if (expiry_of_link(links[i], &at_ms) && at_ms < earliest_ms)
            earliest_ms = at_ms;
    }
    bool sensible = earliest_ms > looked_at_ms && earliest_ms <= most_ms;
    return sensible ? earliest_ms : looked_at_ms + EXPIRY_PROMISED_MS;
}
