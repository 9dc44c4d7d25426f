#include "base/must.h"

#include <stdlib.h>

#include "base/log.h"

_Noreturn void must_failed(const char *condition, const char *file, int line)
{
    const struct log_field fields[] = {
        LOG_TEXT("condition", condition), LOG_TEXT("file", file), LOG_NUMBER("line", line),
    };
    log_write(LOG_LEVEL_FATAL, "assertion_failed", fields, 3);
    abort();
}
