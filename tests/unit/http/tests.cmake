reelgate_test(http-rules-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/guard_test.c USES reelgate-http LABELS unit)
