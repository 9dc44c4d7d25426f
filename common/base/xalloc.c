#include "base/xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Says it without allocating: a log line needs memory, of which there is none. */
static _Noreturn void out_of_memory(void)
{
    static const char line[] = "{\"level\":\"fatal\",\"msg\":\"out_of_memory\"}\n";
    ssize_t written = write(STDERR_FILENO, line, sizeof line - 1);
    (void)written;
    abort();
}

static void *xchecked(void *pointer)
{
    if (!pointer)
        out_of_memory();
    return pointer;
}

void *xmalloc(size_t size)
{
    return xchecked(malloc(size > 0 ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return xchecked(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *xrealloc(void *pointer, size_t size)
{
    return xchecked(realloc(pointer, size > 0 ? size : 1));
}

char *xstrdup(const char *string)
{
    return xchecked(strdup(string));
}

char *xstrndup(const char *string, size_t length)
{
    return xchecked(strndup(string, length));
}
