#include "base/crash_point.h"

#ifdef REELGATE_TEST_BUILD
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* passings: how many are left until it acts; 0: never. */
static struct { const char *name; long passings; bool stops; } points[CRASH_POINTS] = {
#define CRASH_POINT(id, name_, who, way, truth) [CRASH_##id] = { .name = (name_) },
#include "base/crash_points.def"
#undef CRASH_POINT
};

static void refuse(const char *item)
{
    log_error("setting_refused", LOG_TEXT("setting", "REELGATE_CRASH_POINT"), LOG_TEXT("value", item));
    exit(2);
}

/* name[:passing[:stop]] */
static void arm(const char *item, size_t length)
{
    size_t name = strcspn(item, ":,");
    const char *rest = item + name;
    int point = 0;
    while (point < CRASH_POINTS
           && (strlen(points[point].name) != name || memcmp(points[point].name, item, name) != 0))
        point++;
    if (point == CRASH_POINTS)
        refuse(item);
    char *end = (char *)rest;
    points[point].passings = *rest == ':' ? strtol(rest + 1, &end, 10) : 1;
    points[point].stops = strncmp(end, ":stop", 5) == 0;
    end += points[point].stops ? 5 : 0;
    if (points[point].passings < 1 || end != item + length)
        refuse(item);
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *item = getenv("REELGATE_CRASH_POINT");
    for (; item && *item; item += *item == ',') {
        size_t length = strcspn(item, ",");
        arm(item, length);
        item += length;
    }
}

void crash_point(enum crash_point point)
{
    if (points[point].passings == 0 || --points[point].passings > 0)
        return;
    log_info("crash_point", LOG_TEXT("point", points[point].name),
             LOG_TEXT("way", points[point].stops ? "stop" : "die"));
    kill(getpid(), points[point].stops ? SIGSTOP : SIGKILL);
    if (points[point].stops)
        return;
    for (;;)
        pause();                         /* the signal is on its way */
}
#endif
