/* The generator itself: the work set of jobs on one side, the provider on the other. Not thread-safe. */
#ifndef GENERATOR_GENERATOR_H
#define GENERATOR_GENERATOR_H

#include "generator/config.h"
#include "policy/policy.h"
#include "worker/health.h"

struct generator;

/* What is wrong with the provider's key or headers, in words that show neither; NULL: nothing. */
const char *generator_settings_flaw(const struct generator_settings *settings);

/* settings must live on; *policy is taken. */
struct generator *generator_open(const struct generator_settings *settings, struct policy **policy,
                                 struct metrics *metrics, struct health *health);
/* For a service_loop, self being the generator. A turn waits up to half a second for something to do. */
enum trouble generator_turn(void *self);
void generator_reload(void *self);       /* the policy; the former one stays when the file is wrong */
void generator_drain(void *self);        /* no new job, no new call */
bool generator_drained(void *self);      /* no call of a job of ours is open, and its outcome is committed */
void generator_close(struct generator **generator);

#endif
