reelgate_test(component-redis-url SOURCES ${CMAKE_CURRENT_LIST_DIR}/url_test.c USES reelgate-redis LABELS component)
reelgate_test(component-redis-cluster SOURCES ${CMAKE_CURRENT_LIST_DIR}/cluster_test.c
  USES reelgate-harness-redis reelgate-redis LABELS component)
reelgate_test(component-redis-connection SOURCES ${CMAKE_CURRENT_LIST_DIR}/connection_test.c
  USES reelgate-harness-redis reelgate-redis LABELS component)
