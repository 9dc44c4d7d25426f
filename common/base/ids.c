#include "base/ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/must.h"
#include "base/random.h"

static bool id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_'
        || c == ':' || c == '-';
}

bool id_valid(const char *id, size_t length)
{
    if (length < 1 || length > ID_LENGTH_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!id_char(id[i]))
            return false;
    return true;
}

int32_t bucket_of(const char *user_id, size_t length, int32_t partitions)
{
    must(partitions > 0);
    uLong crc = crc32_z(0, (const Bytef *)user_id, length);
    return (int32_t)((uint32_t)crc % (uint32_t)partitions);
}

void origin_format(const struct origin *origin, char out[ORIGIN_BYTES])
{
    int length = snprintf(out, ORIGIN_BYTES, "%s/%" PRId32 "@%" PRId64, origin->topic, origin->partition,
                          origin->offset);
    must(length > 0 && length < ORIGIN_BYTES);
}

/* Decimal digits without sign or leading zeros, the whole of text up to end. */
static bool read_number(const char *text, const char *end, int64_t most, int64_t *value)
{
    if (text == end || (*text == '0' && text + 1 != end))
        return false;
    int64_t sum = 0;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9' || sum > (most - (*text - '0')) / 10)
            return false;
        sum = sum * 10 + (*text - '0');
    }
    *value = sum;
    return true;
}

bool origin_parse(const char *text, char topic[250], int32_t *partition, int64_t *offset)
{
    const char *slash = strrchr(text, '/');       /* a topic's name has neither of them */
    const char *at = slash ? strchr(slash, '@') : NULL;
    if (!at || slash == text || slash - text > 249)
        return false;
    int64_t number, place;
    if (!read_number(slash + 1, at, INT32_MAX, &number) || !read_number(at + 1, at + strlen(at), INT64_MAX,
                                                                        &place))
        return false;
    memcpy(topic, text, (size_t)(slash - text));
    topic[slash - text] = '\0';
    *partition = (int32_t)number;
    *offset = place;
    return true;
}

static void hex_write(const unsigned char *bytes, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void uuid7_make(char out[UUID_BYTES])
{
    unsigned char bytes[16];
    random_bytes(bytes, sizeof bytes);
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(now_ms >> (40 - 8 * i));
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));

    static const struct { size_t from, length; } groups[] = { { 0, 4 }, { 4, 2 }, { 6, 2 }, { 8, 2 },
                                                              { 10, 6 } };
    char *at = out;
    for (int i = 0; i < 5; i++) {
        if (i > 0)
            *at++ = '-';
        hex_write(bytes + groups[i].from, groups[i].length, at);
        at += 2 * groups[i].length;
    }
    *at = '\0';
}

void nonce_make(char out[33])
{
    unsigned char bytes[16];
    random_bytes(bytes, sizeof bytes);
    hex_write(bytes, sizeof bytes, out);
    out[32] = '\0';
}

/* Lower-case hex only, as the recommendation demands; *zero: all digits are 0. */
static bool hex_run(const char *text, size_t length, bool *zero)
{
    *zero = true;
    for (size_t i = 0; i < length; i++) {
        bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (!digit)
            return false;
        *zero = *zero && text[i] == '0';
    }
    return true;
}

/* 00-<trace 32>-<span 16>-<flags 2>: positions 0, 3, 36, 53; 55 long. A later version may be longer, after
 * another '-'. */
bool traceparent_valid(const char *in, size_t length)
{
    if (!in || length < 55 || in[2] != '-' || in[35] != '-' || in[52] != '-')
        return false;
    bool zero, trace_zero, span_zero, flags_zero;
    if (!hex_run(in, 2, &zero) || !hex_run(in + 3, 32, &trace_zero) || !hex_run(in + 36, 16, &span_zero)
        || !hex_run(in + 53, 2, &flags_zero) || trace_zero || span_zero || memcmp(in, "ff", 2) == 0)
        return false;
    return length == 55 || (!zero && in[55] == '-');
}

/* Random bytes that are not all zero, which would mean "none". No secret: admission makes four for each
 * request, so they come without a system call. */
static void id_make(char *out, size_t bytes_wanted)
{
    unsigned char bytes[16];
    uint64_t halves[2] = { random_u64(), random_u64() };
    memcpy(bytes, halves, sizeof bytes);
    bytes[bytes_wanted - 1] |= 1;     /* costs one bit of chance */
    hex_write(bytes, bytes_wanted, out);
}

void traceparent_child(const char *in, size_t length, char out[TRACEPARENT_BYTES])
{
    bool known = traceparent_valid(in, length);
    memcpy(out, "00-", 3);
    if (known)
        memcpy(out + 3, in + 3, 32);
    else
        id_make(out + 3, 16);
    out[35] = '-';
    id_make(out + 36, 8);
    out[52] = '-';
    memcpy(out + 53, known ? in + 53 : "01", 2);
    out[55] = '\0';
}
