#include "component/http/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "base/xalloc.h"

struct peer {
    peer_script scripts[PEER_SCRIPTS_MAX];
    size_t script_count;
    int listen_fd, port;
    pthread_t thread;
    atomic_bool closing;
    pthread_mutex_t lock;
    struct text received;                /* every byte of every connection */
    int connections;
};

static int loopback_socket(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof at;
    must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    must(getsockname(fd, (struct sockaddr *)&at, &length) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

int closed_port(void)
{
    int port, fd = loopback_socket(&port);
    close(fd);
    return port;
}

/* Ready for events within slices of time, so that peer_close never waits long. */
static bool ready(struct peer *peer, int fd, short events)
{
    while (!atomic_load(&peer->closing)) {
        struct pollfd watched = { .fd = fd, .events = events };
        if (poll(&watched, 1, 20) > 0) return true;
    }
    return false;
}

/* ---- steps */

static ssize_t read_some(struct peer *peer, int fd, size_t most)
{
    char bytes[4096];
    if (!ready(peer, fd, POLLIN)) return 0;
    ssize_t got = recv(fd, bytes, most < sizeof bytes ? most : sizeof bytes, 0);
    if (got <= 0) return 0;
    pthread_mutex_lock(&peer->lock);
    text_add(&peer->received, bytes, (size_t)got);
    pthread_mutex_unlock(&peer->lock);
    return got;
}

/* From start, the bytes of a whole request; 0 while it is not whole. */
static size_t request_length(const struct text *text, size_t start)
{
    const char *from = text->bytes ? text->bytes + start : "";
    const char *end = strstr(from, "\r\n\r\n");
    if (!end) return 0;
    const char *announced = strcasestr(from, "\r\nContent-Length:");
    size_t body = announced && announced < end ? strtoul(announced + 17, NULL, 10) : 0;
    size_t length = (size_t)(end - from) + 4 + body;
    return text->length - start >= length ? length : 0;
}

static bool read_request(struct peer *peer, int fd, size_t *start)
{
    for (;;) {
        pthread_mutex_lock(&peer->lock);
        size_t length = request_length(&peer->received, *start);
        pthread_mutex_unlock(&peer->lock);
        *start += length;
        if (length > 0) return true;
        if (read_some(peer, fd, 4096) == 0) return false;
    }
}

static bool send_all(struct peer *peer, int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        if (!ready(peer, fd, POLLOUT)) return false;
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) continue;
        if (sent <= 0) return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool wait_ms(struct peer *peer, int duration_ms)
{
    for (int64_t until = clock_mono_ms() + duration_ms; clock_mono_ms() < until;) {
        if (atomic_load(&peer->closing)) return false;
        clock_sleep_ms(5);
    }
    return true;
}

static bool drip(struct peer *peer, int fd, const struct peer_step *step)
{
    for (const char *at = step->text; *at; at++)
        if (!send_all(peer, fd, at, 1) || !wait_ms(peer, step->number)) return false;
    return true;
}

static bool play_step(struct peer *peer, int fd, const struct peer_step *step, size_t *start)
{
    switch (step->kind) {
    case PEER_END: return false;
    case PEER_READ_REQUEST: return read_request(peer, fd, start);
    case PEER_READ_BYTES:
        for (ssize_t left = step->number, got; left > 0; left -= got)
            if ((got = read_some(peer, fd, (size_t)left)) == 0) return false;
        return true;
    case PEER_SEND: return send_all(peer, fd, step->text, strlen(step->text));
    case PEER_SEND_ENDLESSLY:
        while (send_all(peer, fd, step->text, strlen(step->text))) continue;
        return false;
    case PEER_DRIP: return drip(peer, fd, step);
    case PEER_WAIT: return wait_ms(peer, step->number);
    case PEER_RESET:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
        return false;
    }
    unreachable();
}

/* ---- the peer */

static void *serve(void *self)
{
    struct peer *peer = self;
    while (ready(peer, peer->listen_fd, POLLIN)) {
        int fd = accept4(peer->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        pthread_mutex_lock(&peer->lock);
        size_t script = (size_t)peer->connections++, start = peer->received.length;
        pthread_mutex_unlock(&peer->lock);
        if (script >= peer->script_count) script = peer->script_count - 1;
        for (size_t i = 0; i < PEER_STEPS_MAX && play_step(peer, fd, &peer->scripts[script][i], &start); i++)
            continue;
        close(fd);
    }
    return NULL;
}

struct peer *peer_open(const peer_script *scripts, size_t count)
{
    struct peer *peer = xcalloc(1, sizeof *peer);
    must(count > 0 && count <= PEER_SCRIPTS_MAX);
    memcpy(peer->scripts, scripts, count * sizeof *scripts);
    peer->script_count = count;
    pthread_mutex_init(&peer->lock, NULL);
    peer->listen_fd = loopback_socket(&peer->port);
    must(listen(peer->listen_fd, 16) == 0);
    must(pthread_create(&peer->thread, NULL, serve, peer) == 0);
    return peer;
}

int peer_port(const struct peer *peer)
{
    return peer->port;
}

void peer_close(struct peer **peer)
{
    atomic_store(&(*peer)->closing, true);
    pthread_join((*peer)->thread, NULL);
    close((*peer)->listen_fd);
    text_free(&(*peer)->received);
    free(*peer);
    *peer = NULL;
}

int peer_connections(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    int connections = peer->connections;
    pthread_mutex_unlock(&peer->lock);
    return connections;
}

int peer_received(struct peer *peer, const char *needle)
{
    int found = 0;
    pthread_mutex_lock(&peer->lock);
    for (const char *at = peer->received.bytes; at && (at = strstr(at, needle)) != NULL; at++) found++;
    pthread_mutex_unlock(&peer->lock);
    return found;
}

int peer_requests(struct peer *peer, const char *method)
{
    char line[64];
    must(strlen(method) < 16);
    strcpy(stpcpy(line, method), " /");
    return peer_received(peer, line);
}

char *raw_exchange(int port, const char *bytes, size_t length, int timeout_ms)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)port) };
    struct text answer = { 0 };
    text_reserve(&answer, 1);
    must(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    must(send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length);
    for (int64_t until = clock_mono_ms() + timeout_ms; clock_mono_ms() < until;) {
        struct pollfd watched = { .fd = fd, .events = POLLIN };
        char got[4096];
        if (poll(&watched, 1, (int)(until - clock_mono_ms())) <= 0) break;
        ssize_t count = recv(fd, got, sizeof got, 0);
        if (count <= 0) break;
        text_add(&answer, got, (size_t)count);
    }
    close(fd);
    return answer.bytes;
}
