#include "bearer/internal.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_read(const char *bytes, size_t length, struct text *out)
{
    uint32_t bits = 0;
    int count = 0;
    text_reserve(out, length);
    for (size_t i = 0; i < length; i++) {
        int digit = digit_of(bytes[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            text_add_char(out, (char)(bits >> count & 0xff));
        }
    }
    /* what is left over must be less than a digit, and zero: else two texts would be the same bytes */
    return count < 6 && (bits & ((1U << count) - 1)) == 0;
}

void base64url_write(const void *bytes, size_t length, struct text *out)
{
    const uint8_t *in = bytes;
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < length; i++) {
        bits = bits << 8 | in[i];
        for (count += 8; count >= 6; count -= 6)
            text_add_char(out, DIGITS[bits >> (count - 6) & 63]);
    }
    if (count > 0)
        text_add_char(out, DIGITS[bits << (6 - count) & 63]);
}
