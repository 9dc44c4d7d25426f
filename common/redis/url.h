/* The parts of a Redis address. Pure; only this folder uses it. */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include <stdbool.h>

enum { REDIS_SEEDS_MAX = 16 };

struct redis_address { char host[254]; int port; };

struct redis_url {
    struct redis_address seeds[REDIS_SEEDS_MAX]; int seed_count;     /* 0: a unix socket */
    char user[129], password[513];       /* empty: none */
    char path[108];                      /* of a unix socket; empty: TCP */
    int database;
};

/* Fills url whole, or false and one line in error, without the password. */
bool redis_url_parse(const char *text, struct redis_url *url, char error[200]);

#endif
