/* Random bytes from the kernel, for ids and nonces. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

/* at most 256 bytes a call, so that getrandom never cuts it short */
void random_bytes(void *out, size_t length);

#endif
