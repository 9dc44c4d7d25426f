/* Bugs planted for the tests of the tests: planted(BUG) is true in a build for tests (REELGATE_TEST_BUILD)
 * whose environment says REELGATE_PLANTED_BUG=<name>, and false, at no cost, everywhere else. */
#ifndef BASE_PLANTED_H
#define BASE_PLANTED_H

#include <stdbool.h>

enum planted_bug {
#define PLANTED_BUG(id, name, wrong) PLANTED_##id,
#include "base/planted_bugs.def"
#undef PLANTED_BUG
    PLANTED_BUGS
};

#ifdef REELGATE_TEST_BUILD
bool planted_bug(enum planted_bug bug);
#define planted(id) planted_bug(PLANTED_##id)
#else
#define planted(id) false
#endif

#endif
