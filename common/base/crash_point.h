/* Places where a test ends the process at once, as kill -9 would, or stops it, as a pause of the machine
 * would. Only in a build for tests (REELGATE_TEST_BUILD); elsewhere nothing is left of them.
 *
 *     REELGATE_CRASH_POINT=batch.flushed          dies when it gets there
 *     REELGATE_CRASH_POINT=batch.flushed:2        at the second passing
 *     REELGATE_CRASH_POINT=batch.flushed:1:stop,batch.aborted
 *                                                 stops (SIGSTOP) at the one, dies at the other */
#ifndef BASE_CRASH_POINT_H
#define BASE_CRASH_POINT_H

enum crash_point {
#define CRASH_POINT(id, name, who, way, truth) CRASH_##id,
#include "base/crash_points.def"
#undef CRASH_POINT
    CRASH_POINTS
};

#ifdef REELGATE_TEST_BUILD
/* Logs crash_point before it acts. A name that is none of ours ends the process with exit status 2. */
void crash_point(enum crash_point point);
#else
static inline void crash_point(enum crash_point point) { (void)point; }
#endif

#endif
