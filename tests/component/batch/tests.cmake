reelgate_test(worker-batch-test SOURCES ${CMAKE_CURRENT_LIST_DIR}/batch_test.c ${CMAKE_CURRENT_LIST_DIR}/world.c
  ${CMAKE_CURRENT_LIST_DIR}/../kafka/broker.c ${PROJECT_SOURCE_DIR}/tests/harness/redis_server.c
  USES reelgate-admission-rule LABELS component)
set_tests_properties(worker-batch-test PROPERTIES COST 80)
