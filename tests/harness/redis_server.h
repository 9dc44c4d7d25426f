/* A redis-server of the test's own: a free loopback port, an empty temporary folder, ended by its pid. It
 * dies with the process that started it, so start it where Check's parent process runs (an unchecked fixture,
 * or main). Anything that can't be done ends the test program with one line on stderr. */
#ifndef HARNESS_REDIS_SERVER_H
#define HARNESS_REDIS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct redis_server;

int redis_server_free_port(void);        /* on loopback, for now */

/* options: more of redis-server's, NULL-ended ("--maxmemory", "10mb", NULL), or NULL. Without any: no AOF, no
 * RDB. Returns once it answers. */
struct redis_server *redis_server_start(const char *const *options);
void redis_server_stop(struct redis_server **server);        /* and removes its folder */
const char *redis_server_url(const struct redis_server *server);     /* redis://127.0.0.1:port */
const char *redis_server_socket_url(const struct redis_server *server);      /* unix:/... */
int redis_server_port(const struct redis_server *server);
pid_t redis_server_pid(const struct redis_server *server);

/* kill -9 and a fresh process on the same port and folder: what an AOF or RDB keeps comes back, else it is
 * empty. */
void redis_server_restart(struct redis_server *server);
/* kill -9, and stay away until redis_server_up */
void redis_server_down(struct redis_server *server);
void redis_server_up(struct redis_server *server);
void redis_server_freeze(struct redis_server *server);       /* SIGSTOP: it takes bytes and answers nothing */
void redis_server_thaw(struct redis_server *server);

/* One command, words parted by single blanks ("HGET key field"); its answer as text, integers in decimal,
 * lists joined with blanks, nil as "(nil)", an error with its words. Valid until the next call; over a
 * connection of its own. */
const char *redis_server_ask(struct redis_server *server, const char *command);
/* The same for words with blanks in them. */
const char *redis_server_ask_words(struct redis_server *server, size_t argc, const char *const *argv);

#endif
