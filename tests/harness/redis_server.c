#include "harness/redis_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "redis/redis.h"

enum { OPTIONS_MAX = 24, START_MS = 10000, ANSWER_MS = 5000 };

struct redis_server {
    char folder[64], url[64], socket_url[96], port_text[8];
    int port;
    pid_t pid;                           /* 0: down */
    const char *options[OPTIONS_MAX];
    struct redis *asking;
    struct text answer;
};

__attribute__((format(printf, 1, 2)))
_Noreturn static void give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

int redis_server_free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0
        || getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        give_up("no free port: %s", strerror(errno));
    close(fd);
    return ntohs(address.sin_port);
}

_Noreturn static void run(const struct redis_server *server, pid_t parent)
{
    char socket_path[80];
    snprintf(socket_path, sizeof socket_path, "%s/redis.sock", server->folder);
    const char *argv[24 + OPTIONS_MAX] = {
        "redis-server", "--port", server->port_text, "--bind", "127.0.0.1", "--dir", server->folder,
            "--unixsocket",
        socket_path, "--save", "", "--appendonly", "no", "--logfile", "redis.log",
    };
    int argc = 15;
    for (int i = 0; server->options[i]; i++)
        argv[argc++] = server->options[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);                        /* it died before we asked to follow it */
    execvp("redis-server", (char *const *)(void *)argv);
    fprintf(stderr, "redis-server: %s\n", strerror(errno));
    _exit(127);
}

static void wait_until_it_answers(struct redis_server *server)
{
    int64_t deadline_ms = clock_mono_ms() + START_MS;
    for (;;) {
        const char *answer = redis_server_ask(server, "PING");
        if (strcmp(answer, "PONG") == 0)
            return;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            give_up("redis-server ended at once; is it installed? %s", answer);
        if (clock_mono_ms() > deadline_ms)
            give_up("redis-server does not answer: %s", answer);
        clock_sleep_ms(10);
    }
}

void redis_server_up(struct redis_server *server)
{
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid < 0)
        give_up("fork: %s", strerror(errno));
    if (server->pid == 0)
        run(server, parent);
    wait_until_it_answers(server);
}

struct redis_server *redis_server_start(const char *const *options)
{
    char error[200];
    struct redis_server *server = xcalloc(1, sizeof *server);
    snprintf(server->folder, sizeof server->folder, "/tmp/reelgate-redis-XXXXXX");
    if (!mkdtemp(server->folder))
        give_up("%s: %s", server->folder, strerror(errno));
    for (int i = 0; options && options[i]; i++) {
        if (i + 1 == OPTIONS_MAX)
            give_up("too many options for redis-server");
        server->options[i] = options[i];
    }
    server->port = redis_server_free_port();
    snprintf(server->port_text, sizeof server->port_text, "%d", server->port);
    snprintf(server->url, sizeof server->url, "redis://127.0.0.1:%d", server->port);
    snprintf(server->socket_url, sizeof server->socket_url, "unix:%s/redis.sock", server->folder);
    server->asking = redis_open(server->url, ANSWER_MS, error);
    if (!server->asking)
        give_up("%s", error);
    redis_server_up(server);
    return server;
}

void redis_server_down(struct redis_server *server)
{
    redis_break(server->asking);
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

void redis_server_restart(struct redis_server *server)
{
    redis_server_down(server);
    redis_server_up(server);
}

void redis_server_freeze(struct redis_server *server) { kill(server->pid, SIGSTOP); }

void redis_server_thaw(struct redis_server *server) { kill(server->pid, SIGCONT); }

static void remove_folder(const char *folder)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

void redis_server_stop(struct redis_server **server)
{
    if (!*server)
        return;
    redis_server_down(*server);
    remove_folder((*server)->folder);
    redis_close(&(*server)->asking);
    text_free(&(*server)->answer);
    free(*server);
    *server = NULL;
}

const char *redis_server_url(const struct redis_server *server) { return server->url; }

const char *redis_server_socket_url(const struct redis_server *server) { return server->socket_url; }

int redis_server_port(const struct redis_server *server) { return server->port; }

pid_t redis_server_pid(const struct redis_server *server) { return server->pid; }

static void add_reply(struct text *out, const struct redis_reply *reply)
{
    size_t length;
    const char *text = redis_reply_text(reply, &length);
    if (text)
        text_add(out, text, length);
    else if (redis_reply_kind(reply) == REDIS_INTEGER)
        text_add_i64(out, redis_reply_integer(reply));
    else if (redis_reply_kind(reply) == REDIS_NIL)
        text_add_string(out, "(nil)");
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        if (i > 0)
            text_add_char(out, ' ');
        add_reply(out, redis_reply_at(reply, i));
    }
}

const char *redis_server_ask_words(struct redis_server *server, size_t argc, const char *const *argv)
{
    struct redis_reply *reply;
    text_clear(&server->answer);
    text_reserve(&server->answer, 1);
    server->answer.bytes[0] = '\0';
    if (redis_ask(server->asking, argc, argv, &reply) != TROUBLE_NONE) {
        text_add_string(&server->answer, redis_reason(server->asking));
        return server->answer.bytes;
    }
    add_reply(&server->answer, reply);
    redis_reply_free(&reply);
    return server->answer.bytes;
}

const char *redis_server_ask(struct redis_server *server, const char *command)
{
    const char *argv[64];
    size_t argc = 0;
    char *words = xstrdup(command), *rest = words, *word;
    while ((word = strsep(&rest, " ")) && argc < 64)
        argv[argc++] = word;
    const char *answer = redis_server_ask_words(server, argc, argv);
    free(words);
    return answer;
}
