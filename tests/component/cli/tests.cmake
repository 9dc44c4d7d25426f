if(TARGET reelgate)
  reelgate_test(component-cli SOURCES ${CMAKE_CURRENT_LIST_DIR}/commands_test.c ${CMAKE_CURRENT_LIST_DIR}/world.c
    ${CMAKE_CURRENT_LIST_DIR}/../kafka/broker.c USES reelgate-harness-redis reelgate-kafka LABELS component)
  target_compile_definitions(component-cli PRIVATE REELGATE_PROGRAM="$<TARGET_FILE:reelgate>")
  add_dependencies(component-cli reelgate)
  set_tests_properties(component-cli PROPERTIES COST 50)
endif()
