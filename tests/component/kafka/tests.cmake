reelgate_test(kafka-adapter-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/adapter_test.c ${CMAKE_CURRENT_LIST_DIR}/broker.c
  USES reelgate-kafka LABELS component)
