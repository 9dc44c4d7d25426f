# reelgate_fuzz(NAME SOURCES files... USES targets...): one reader of bytes from outside, with its corpus in
# corpus/NAME. Replayed by ctest under whatever sanitizers the build has. With clang and REELGATE_FUZZ=ON there
# is also libfuzz-NAME: tests/fuzz/run builds and runs them.
include(${CMAKE_CURRENT_LIST_DIR}/fuzz.cmake)
reelgate_fuzz(event SOURCES ${CMAKE_CURRENT_LIST_DIR}/event.c USES reelgate-proto)
reelgate_fuzz(policy SOURCES ${CMAKE_CURRENT_LIST_DIR}/policy.c USES reelgate-policy)
reelgate_fuzz(settings SOURCES ${CMAKE_CURRENT_LIST_DIR}/settings.c USES reelgate-redis
  WRAPS exit free xmalloc xcalloc xrealloc xstrdup xstrndup)
reelgate_fuzz(http SOURCES ${CMAKE_CURRENT_LIST_DIR}/http.c USES reelgate-gateway-rule)
reelgate_fuzz(runway SOURCES ${CMAKE_CURRENT_LIST_DIR}/runway.c USES reelgate-runway)
