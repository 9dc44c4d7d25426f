/* What the command line prints: JSON (json/out.h) a line at a time, and whether colours may be used. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <stdbool.h>

#include "base/text.h"
#include "json/out.h"

/* the line on stdout; clears out */
void out_print(struct text *out);

/* May this stream be coloured: a terminal, no NO_COLOR, not a dumb one. */
bool out_colored(int fd);

#endif
