/* Handles that are not thread-safe, shared by threads: taken, used, given back. */
#ifndef GATEWAY_POOL_H
#define GATEWAY_POOL_H

#include <pthread.h>
#include <stdint.h>

enum { POOL_MAX = 64 };
struct pool { void *free[POOL_MAX]; int count; pthread_mutex_t mutex; pthread_cond_t given; };

void pool_open(struct pool *pool);
void pool_close(struct pool *pool);              /* what is in it is the caller's to end */
/* Waits until one is free; NULL after wait_ms. */
void *pool_take(struct pool *pool, int wait_ms);
void pool_give(struct pool *pool, void *handle);
void pool_give_last(struct pool *pool, void *handle);    /* to be taken after all others */

#endif
