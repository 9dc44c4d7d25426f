/* The parts of a Redis address. Pure; only redis.c uses it. */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include <stdbool.h>

struct redis_url {
    char host[254];
    char user[129], password[513];       /* empty: none */
    char path[108];                      /* of a unix socket; empty: TCP */
    int port, database;
};

/* Fills url whole, or false and one line in error, without the password. */
bool redis_url_parse(const char *text, struct redis_url *url, char error[200]);

#endif
