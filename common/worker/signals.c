#include "worker/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "worker/service.h"

/* One per process, like the signals themselves. */
static _Atomic int64_t stop_asked_ms;
static atomic_bool reload_asked;

/* Asked to stop: a second time means now, and so does the limit. exit() would run handlers under a loop that still
 * turns. */
static _Noreturn void await_end(const sigset_t *signals, int64_t limit_ms)
{
    for (;;) {
        int64_t left_ms = atomic_load(&stop_asked_ms) + limit_ms - clock_mono_ms();
        left_ms = left_ms > 0 ? left_ms : 0;
        const struct timespec left = { .tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000 };
        int number = sigtimedwait(signals, NULL, &left);
        if (number == SIGTERM || number == SIGINT)
            _exit(128 + number);
        if (number < 0 && clock_mono_ms() >= atomic_load(&stop_asked_ms) + limit_ms) {
            log_error("stop_overdue", LOG_NUMBER("limit_ms", limit_ms));
            _exit(EXIT_TROUBLE);
        }
    }
}

struct watch {
    sigset_t signals;
    int64_t stop_limit_ms;
};

static void *await(void *argument)
{
    const struct watch *watch = argument;
    for (;;) {
        int number = 0;
        must(sigwait(&watch->signals, &number) == 0);
        if (number != SIGHUP)
            break;
        atomic_store(&reload_asked, true);
    }
    atomic_store(&stop_asked_ms, clock_mono_ms());
    await_end(&watch->signals, watch->stop_limit_ms);
}

void signals_open(int64_t stop_limit_ms)
{
    static struct watch watch;       /* the thread's, which lives as long as the process */
    pthread_t thread;
    watch.stop_limit_ms = stop_limit_ms;
    sigemptyset(&watch.signals);
    sigaddset(&watch.signals, SIGTERM);
    sigaddset(&watch.signals, SIGINT);
    sigaddset(&watch.signals, SIGHUP);
    must(pthread_sigmask(SIG_BLOCK, &watch.signals, NULL) == 0);
    must(sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL) == 0);
    must(pthread_create(&thread, NULL, await, &watch) == 0);
    must(pthread_detach(thread) == 0);
}

int64_t signals_stop_ms(void)
{
    return atomic_load(&stop_asked_ms);
}

bool signals_reload(void)
{
    return atomic_exchange(&reload_asked, false);
}
