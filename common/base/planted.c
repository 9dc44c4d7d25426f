#include "base/planted.h"

#ifdef REELGATE_TEST_BUILD
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static enum planted_bug chosen = PLANTED_BUGS;       /* none */

__attribute__((constructor)) static void read_environment(void)
{
    static const char *const NAMES[] = {
#define PLANTED_BUG(id, name, wrong) name,
#include "base/planted_bugs.def"
#undef PLANTED_BUG
    };
    const char *name = getenv("REELGATE_PLANTED_BUG");
    if (!name || !*name)
        return;
    for (chosen = 0; chosen < PLANTED_BUGS && strcmp(NAMES[chosen], name) != 0;)
        chosen++;
    if (chosen == PLANTED_BUGS) {
        log_error("setting_refused", LOG_TEXT("setting", "REELGATE_PLANTED_BUG"), LOG_TEXT("value", name));
        exit(2);
    }
}

bool planted_bug(enum planted_bug bug) { return bug == chosen; }
#endif
