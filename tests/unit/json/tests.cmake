reelgate_test(unit-json SOURCES ${CMAKE_CURRENT_LIST_DIR}/json_test.c USES reelgate-json LABELS unit)
