reelgate_test(runway-client-test USES reelgate-runway LABELS component
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/runway_test.c ${CMAKE_CURRENT_LIST_DIR}/../http/peer.c)
