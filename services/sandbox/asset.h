/* Whether Runway would take a URI as an asset. Nothing is fetched here: a host under .invalid stands for one
 * that can't be, so that a test can ask for it. */
#ifndef SANDBOX_ASSET_H
#define SANDBOX_ASSET_H

#include "sandbox/validate.h"

const char *asset_flaw(const char *uri, const struct asset_check *check);      /* Runway's words, or NULL */

#endif
