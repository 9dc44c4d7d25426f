#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ERROR_BYTES = 200, HOST_BYTES = 256 };

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && text[digits] == '\0' && strtol(text, NULL, 10) <= UINT16_MAX;
}

/* "127.0.0.1:8080", "[::1]:0", ":8080" -> host and port as text; an empty host means all interfaces. */
static bool split(const char *address, char host[HOST_BYTES], const char **port)
{
    const char *colon = strrchr(address, ':');
    if (!colon || !is_port(colon + 1)) return false;
    const char *from = address;
    size_t length = (size_t)(colon - address);
    if (length >= 2 && from[0] == '[' && from[length - 1] == ']') {
        from++;
        length -= 2;
    } else if (memchr(from, ':', length)) {
        return false;                    /* an IPv6 address needs its brackets */
    }
    if (length >= HOST_BYTES) return false;
    memcpy(host, from, length);
    host[length] = '\0';
    *port = colon + 1;
    return true;
}

static int bound_socket(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
    int trouble = errno;
    close(fd);
    errno = trouble;
    return -1;
}

static int port_of(int fd)
{
    union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } taken = { 0 };
    socklen_t length = sizeof taken;
    if (getsockname(fd, &taken.any, &length) != 0) return 0;
    return ntohs(taken.any.sa_family == AF_INET6 ? taken.v6.sin6_port : taken.v4.sin_port);
}

int listen_on(const char *address, int *port, char error[200])
{
    char host[HOST_BYTES];
    const char *service;
    if (!split(address, host, &service)) {
        snprintf(error, ERROR_BYTES, "'%.100s' is not host:port", address);
        return -1;
    }
    struct addrinfo *found = NULL;
    const struct addrinfo hints = { .ai_family = host[0] ? AF_UNSPEC : AF_INET, .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    int trouble = getaddrinfo(host[0] ? host : NULL, service, &hints, &found);
    if (trouble != 0) {
        snprintf(error, ERROR_BYTES, "can't listen on %.100s: %.60s", address, gai_strerror(trouble));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) fd = bound_socket(at);
    if (fd < 0) snprintf(error, ERROR_BYTES, "can't listen on %.100s: %.60s", address, strerror(errno));
    else *port = port_of(fd);
    freeaddrinfo(found);
    return fd;
}
