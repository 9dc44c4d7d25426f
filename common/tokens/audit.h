/* Reads all accounts and generations that Redis holds, for the operator's audit. By SCAN and single reads, without
 * stopping anything: what is seen is no snapshot, so a difference counts only when it stays. Reads only; takes no part in
 * guards. Not thread-safe. */
#ifndef TOKENS_AUDIT_H
#define TOKENS_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"
#include "base/trouble.h"

struct audit;

struct audit_account { int32_t bucket; const char *user_id; struct balance balance; };
struct audit_hold {              /* a generation that is held or settled; refusals are not told */
    int32_t bucket;
    const char *generation_id, *user_id;
    int64_t held, committed, released;       /* tokens */
};
struct audit_visitor {           /* everything is lent during the call; the same row may come more than once */
    void *self;
    void (*account)(void *self, const struct audit_account *account);
    void (*hold)(void *self, const struct audit_hold *hold);
    void (*illegible)(void *self, const char *key);       /* a row whose numbers can't be read */
};

/* NULL and one line in error when the URL is wrong. Does not connect. */
struct audit *audit_open(const char *redis_url, int timeout_ms, char error[200]);
void audit_close(struct audit **audit);
/* Every row of the whole server. Each call blocks up to the time-out a step; RETRY: Redis away, audit_reason says why. */
enum trouble audit_scan(struct audit *audit, const struct audit_visitor *visitor);
/* One row as it is now; nothing is visited when it is not there. */
enum trouble audit_look_account(struct audit *audit, int32_t bucket, const char *user_id,
                                const struct audit_visitor *visitor);
enum trouble audit_look_hold(struct audit *audit, int32_t bucket, const char *generation_id,
                             const struct audit_visitor *visitor);
/* Does the bucket carry a verified value? While it does not, nothing is admitted or settled there. */
enum trouble audit_verified(struct audit *audit, int32_t bucket, bool *verified);
const char *audit_reason(const struct audit *audit);

#endif
