reelgate_test(http-client-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/client_test.c ${CMAKE_CURRENT_LIST_DIR}/peer.c
  USES reelgate-http LABELS component)
reelgate_test(http-server-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/server_test.c ${CMAKE_CURRENT_LIST_DIR}/peer.c
  USES reelgate-http LABELS component)
