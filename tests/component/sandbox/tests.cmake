reelgate_test(sandbox-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/sandbox_test.c
  USES reelgate-sandbox-rule reelgate-runway LABELS component)
