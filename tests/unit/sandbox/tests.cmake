reelgate_test(sandbox-store-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_test.c
  USES reelgate-sandbox-rule LABELS unit)
reelgate_test(sandbox-rules-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/rules_test.c
  USES reelgate-sandbox-rule LABELS unit)
