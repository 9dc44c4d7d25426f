/* What the policy's models accept, as a form needs it: the answer of /v1/models. */
#ifndef GATEWAY_MODELS_H
#define GATEWAY_MODELS_H

#include <stdbool.h>

#include "base/text.h"

/* From a policy file that policy_read has taken. Appends. false: it can't be read any more. */
bool models_read(const char *path, struct text *out);

#endif
