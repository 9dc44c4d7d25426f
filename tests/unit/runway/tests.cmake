reelgate_test(runway-rules-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/classify_test.c
  USES reelgate-runway LABELS unit)
