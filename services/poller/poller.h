/* The poller itself: the work set of tasks on one side, the provider on the other. Not thread-safe. */
#ifndef POLLER_POLLER_H
#define POLLER_POLLER_H

#include "policy/policy.h"
#include "poller/config.h"
#include "worker/health.h"

struct poller;

/* What is wrong with the provider's key or headers, in words that show neither; NULL: nothing. */
const char *poller_settings_flaw(const struct poller_settings *settings);

/* settings must live on; *policy is taken. */
struct poller *poller_open(const struct poller_settings *settings, struct policy **policy,
                           struct metrics *metrics,
                           struct health *health);
/* For a service_loop, self being the poller. A turn waits up to half a second for something to do. */
enum trouble poller_turn(void *self);
void poller_reload(void *self);          /* the policy; the former one stays when the file is wrong */
void poller_drain(void *self);           /* no new look */
bool poller_drained(void *self);         /* no call is open, and what was learned is committed */
void poller_close(struct poller **poller);

#endif
