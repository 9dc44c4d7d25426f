reelgate_test(unit-workset-live SOURCES ${CMAKE_CURRENT_LIST_DIR}/live_test.c USES reelgate-worker LABELS unit)
