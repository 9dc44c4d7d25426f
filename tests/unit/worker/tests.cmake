foreach(part metrics settings health)
  reelgate_test(unit-worker-${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${part}_test.c USES reelgate-worker LABELS unit)
endforeach()
