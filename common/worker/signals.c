#include "worker/signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "base/must.h"

/* The one mutable global of the whole program: a signal handler has nothing else to write to. */
static volatile sig_atomic_t stop_requested, reload_requested;

static void on_stop(int number)
{
    if (stop_requested)
        _exit(128 + number);     /* asked twice: now. A kill is always safe here. */
    stop_requested = 1;
}

static void on_reload(int number)
{
    (void)number;
    reload_requested = 1;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigemptyset(&action.sa_mask);
    must(sigaction(number, &action, NULL) == 0);
}

void signals_open(void)
{
    handle(SIGTERM, on_stop);
    handle(SIGINT, on_stop);
    handle(SIGHUP, on_reload);
    handle(SIGPIPE, SIG_IGN);
}

bool signals_stop(void)
{
    return stop_requested != 0;
}

bool signals_reload(void)
{
    if (!reload_requested)
        return false;
    reload_requested = 0;        /* before the reading, so that a signal during it is not lost */
    return true;
}
