foreach(part admit announce)
  reelgate_test(unit-admission-${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${part}_test.c USES reelgate-admission-rule
    LABELS unit)
endforeach()
