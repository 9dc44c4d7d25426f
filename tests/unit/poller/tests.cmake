if(TARGET reelgate-poller-rule)
  foreach(area look pace)
    reelgate_test(unit-poller-${area} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${area}_test.c USES reelgate-poller-rule
      LABELS unit)
  endforeach()
endif()
