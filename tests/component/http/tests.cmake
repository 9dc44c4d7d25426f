reelgate_test(http-client-test USES reelgate-http LABELS component
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/client_test.c ${CMAKE_CURRENT_LIST_DIR}/peer.c)
reelgate_test(http-server-test USES reelgate-http LABELS component
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/server_test.c ${CMAKE_CURRENT_LIST_DIR}/peer.c)
