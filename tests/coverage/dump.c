/* Linked into the programs of a coverage build only: gcov writes its counters when a process ends by itself, and
 * most of our tests end processes with kill -9. So they are written twice a second, too. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { EVERY_MS = 500 };

extern void __gcov_dump(void);
extern void __gcov_reset(void);

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

static void *write_again_and_again(void *unused)
{
    const struct timespec pause = { .tv_nsec = EVERY_MS * 1000000L };
    while (true) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&writing);
        __gcov_dump();
        __gcov_reset();
        pthread_mutex_unlock(&writing);
    }
    return unused;
}

/* At the end gcov writes by itself; the two must not meet. */
static void stop_writing(void)
{
    pthread_mutex_lock(&writing);
}

__attribute__((constructor)) static void start_writing(void)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);         /* a signal is for the main thread */
    if (atexit(stop_writing) == 0 && pthread_create(&thread, NULL, write_again_and_again, NULL) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
