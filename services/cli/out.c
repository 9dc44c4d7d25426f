#include "cli/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void out_print(struct text *out)
{
    text_add_char(out, '\n');
    fwrite(out->bytes, 1, out->length, stdout);
    fflush(stdout);
    text_clear(out);
}

bool out_colored(int fd)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fd) == 1 && !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0;
}
