# reelgate_fuzz(NAME SOURCES files... USES targets...): one reader of bytes from outside, with its corpus in
# corpus/NAME. Replayed by ctest under whatever sanitizers the build has. With clang and REELGATE_FUZZ=ON there
# is also libfuzz-NAME, to be run for as long as one likes:
#
#     libfuzz-event -dict=tests/fuzz/json.dict -max_total_time=60 FOUND tests/fuzz/corpus/event
include(${CMAKE_CURRENT_LIST_DIR}/fuzz.cmake)
reelgate_fuzz(event SOURCES ${CMAKE_CURRENT_LIST_DIR}/event.c USES reelgate-proto)
reelgate_fuzz(policy SOURCES ${CMAKE_CURRENT_LIST_DIR}/policy.c USES reelgate-policy)
# The provider's replies: the target and its corpus belong to who reads them.
if(TARGET reelgate-runway AND EXISTS ${CMAKE_CURRENT_LIST_DIR}/runway.c)
  reelgate_fuzz(runway SOURCES ${CMAKE_CURRENT_LIST_DIR}/runway.c USES reelgate-runway)
endif()
