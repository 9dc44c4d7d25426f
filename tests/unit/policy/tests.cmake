foreach(test read quote)
  reelgate_test(unit-policy-${test}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/${test}_test.c
    USES reelgate-policy LABELS unit)
endforeach()
