#include "base/trouble.h"

#include "base/must.h"

const char *trouble_name(enum trouble trouble)
{
    switch (trouble) {
    case TROUBLE_NONE:        return "none";
    case TROUBLE_RETRY:       return "retry";
    case TROUBLE_ABORT_BATCH: return "abort_batch";
    case TROUBLE_RENEW:       return "renew";
    case TROUBLE_RESTART:     return "restart";
    }
    unreachable();
}
