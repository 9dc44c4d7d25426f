/* A set of names with numbers: the first name added is 0, the next 1, ... For rows kept in arrays beside
 * it. */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct names {                   /* zero-initialise it */
    char **rows; size_t count;   /* by number */
    size_t room;
    uint32_t *slots; size_t slot_count;      /* number + 1; 0: free */
};
enum { NAME_NONE = -1 };

int64_t names_find(const struct names *names, const char *name);       /* NAME_NONE: not there */
size_t names_add(struct names *names, const char *name);               /* the number it has or gets */
void names_free(struct names *names);

#endif
