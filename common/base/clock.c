#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/must.h"

enum { MS_PER_SECOND = 1000 };
#define YEAR_0_MS INT64_C(-62167219200000)
#define YEAR_9999_END_MS INT64_C(253402300799999)

static int64_t now_us(clockid_t clock)
{
    struct timespec now;
    must(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

void clock_sleep_ms(int64_t duration_ms)
{
    if (duration_ms <= 0)
        return;
    struct timespec duration = {
        .tv_sec = (time_t)(duration_ms / MS_PER_SECOND),
        .tv_nsec = (long)(duration_ms % MS_PER_SECOND) * 1000000,
    };
    nanosleep(&duration, NULL);
}

void clock_format(int64_t wall_ms, char out[RFC3339_BYTES])
{
    must(wall_ms >= YEAR_0_MS && wall_ms <= YEAR_9999_END_MS);
    int64_t ms = wall_ms % MS_PER_SECOND;
    if (ms < 0)
        ms += MS_PER_SECOND;
    time_t seconds = (time_t)((wall_ms - ms) / MS_PER_SECOND);
    struct tm tm;
    must(gmtime_r(&seconds, &tm) != NULL);
    char wide[64];
    int length = snprintf(wide, sizeof wide, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                          tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
    must(length == RFC3339_BYTES - 1);
    memcpy(out, wide, RFC3339_BYTES);
}

/* Exactly count digits at *at, and moves past them. */
static bool read_digits(const char **at, int count, int *value)
{
    int sum = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        sum = sum * 10 + (**at - '0');
    }
    *value = sum;
    return true;
}

static bool read_char(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_date(const char **at, struct tm *tm)
{
    int year, month, day;
    if (!read_digits(at, 4, &year) || !read_char(at, '-') || !read_digits(at, 2, &month)
        || !read_char(at, '-') || !read_digits(at, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

/* A leap second (:60) is taken as the second before it: we have no other name for it. */
static bool read_time(const char **at, struct tm *tm)
{
    if (!read_digits(at, 2, &tm->tm_hour) || !read_char(at, ':') || !read_digits(at, 2, &tm->tm_min)
        || !read_char(at, ':') || !read_digits(at, 2, &tm->tm_sec))
        return false;
    if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
        return false;
    if (tm->tm_sec == 60)
        tm->tm_sec = 59;
    return true;
}

static bool read_fraction(const char **at, int *ms)
{
    *ms = 0;
    if (!read_char(at, '.'))
        return true;
    int digits = 0;
    for (int scale = 100; **at >= '0' && **at <= '9'; (*at)++, digits++, scale /= 10)
        *ms += (**at - '0') * scale;
    return digits >= 1 && digits <= 9;
}

static bool read_offset(const char **at, int *seconds)
{
    *seconds = 0;
    if (read_char(at, 'Z') || read_char(at, 'z'))
        return true;
    int sign = **at == '-' ? -1 : 1;
    int hours, minutes;
    if (!read_char(at, '+') && !read_char(at, '-'))
        return false;
    if (!read_digits(at, 2, &hours) || !read_char(at, ':') || !read_digits(at, 2, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return hours <= 23 && minutes <= 59;
}

bool clock_parse(const char *text, int64_t *wall_ms)
{
    const char *at = text;
    struct tm tm = { 0 };
    int ms, offset_seconds;
    if (!read_date(&at, &tm) || (!read_char(&at, 'T') && !read_char(&at, 't')) || !read_time(&at, &tm)
        || !read_fraction(&at, &ms) || !read_offset(&at, &offset_seconds) || *at != '\0')
        return false;
    int64_t result = ((int64_t)timegm(&tm) - offset_seconds) * MS_PER_SECOND + ms;
    /* the offset may carry it out of what clock_format can say */
    if (result < YEAR_0_MS || result > YEAR_9999_END_MS)
        return false;
    *wall_ms = result;
    return true;
}
