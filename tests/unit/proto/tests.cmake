foreach(test event_decode event_encode event_identity)
  reelgate_test(unit-proto-${test}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/${test}_test.c
    USES reelgate-proto LABELS unit)
endforeach()
